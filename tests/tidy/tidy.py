#!/usr/bin/env python3
"""Checks the rules of the house that no compiler checks. Exit 1 with one line per fault.

  tests/tidy/tidy.py [--root DIR] [--compile-commands FILE]

The rules and their limits stand at the head of each file in checks/; docs/style.md explains them.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from checks import built, coroutines, layers, lengths, tour, words  # noqa: E402
from checks.tree import Tree  # noqa: E402

CHECKS = [
    layers.check, lengths.check, lengths.check_readmes, coroutines.check, words.check,
    words.check_texts, tour.check,
]


def faults(root, compile_commands=None):
    tree = Tree(root)
    for check in CHECKS:
        yield from check(tree)
    if compile_commands:
        yield from built.check(tree, compile_commands)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", default=str(pathlib.Path(__file__).resolve().parents[2]))
    parser.add_argument("--compile-commands",
                        help="compile_commands.json of a build with tests: is all built?")
    arguments = parser.parse_args()
    found = list(faults(arguments.root, arguments.compile_commands))
    for fault in found:
        print(fault)
    print(f"tidy: {len(found)} faults" if found else "tidy: clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
