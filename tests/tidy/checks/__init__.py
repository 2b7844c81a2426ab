"""One module per kind of rule. Each check takes a Tree and yields faults as `place: what` lines."""
