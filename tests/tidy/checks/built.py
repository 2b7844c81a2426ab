"""Every source file is compiled by somebody: a test that is not built is a test nobody runs."""
import json
import pathlib


def check(tree, compile_commands):
    path = pathlib.Path(compile_commands)
    if not path.is_file():
        yield f"{path}: missing; `cmake --preset release` writes it"
        return
    root = tree.root.resolve()
    built = set()
    for entry in json.loads(path.read_text()):
        file = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if file.is_relative_to(root):
            built.add(str(file.relative_to(root)))
    for name in tree.cpp("src", "tests", "fuzz", "bench"):
        if name.endswith(".cpp") and name not in built:
            yield f"{name}:1: no target compiles this file"
