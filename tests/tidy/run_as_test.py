#!/usr/bin/env python3
"""run_as_test.py COMPILE_COMMANDS: the rules of the house as tests, one for each check."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from checks import built  # noqa: E402
from checks.tree import Tree  # noqa: E402
from tidy import CHECKS  # noqa: E402


def main():
    tree = Tree(pathlib.Path(__file__).resolve().parents[2])
    failed = 0
    checks = [(check, ()) for check in CHECKS] + [(built.check, (sys.argv[1],))]
    for check, arguments in checks:
        found = list(check(tree, *arguments))
        failed += bool(found)
        print(f"{'FAIL' if found else 'ok  '} {check.__module__}.{check.__name__}")
        for fault in found:
            print("     " + fault)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
