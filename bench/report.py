#!/usr/bin/env python3
"""report.py [--check]: writes the tables of build/bench/results/*.json into docs/performance.md.

The page holds a pair of markers for each program, `<!-- table NAME -->` and `<!-- end -->`; what is
between them is replaced by NAME.json's table, so that no figure is ever typed. A table whose result is
not there stays as it is; a result without markers is named. With --check nothing is written, and the exit
status is 1 if the page would change."""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "build" / "bench" / "results"
TABLE = re.compile(r"(<!-- table ([\w-]+) -->\n).*?(<!-- end -->)", re.S)


def line(cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def table(result):
    """A result as Markdown. `rows` are lists of cells, or objects that have them under "cells"."""
    rows = [row["cells"] if isinstance(row, dict) else row for row in result["rows"]]
    machine = result.get("machine", {})
    out = ["", line(result["columns"]), line("---" for _ in result["columns"]), *map(line, rows), ""]
    out += [f"- {note}" for note in result.get("notes", ())]
    if machine:
        out.append(f"- `{result['command']}`, {result['seconds']} s, {machine['date']}, commit {machine['commit']}; "
                   f"load of the machine before it: {machine['load']}")
    return "\n".join(out) + "\n\n"


def main():
    results = {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}
    results = {name: result for name, result in results.items() if "columns" in result}
    page = PAGE.read_text()

    def render(match):
        result = results.pop(match[2], None)
        return match[1] + table(result) + match[3] if result else match[0]

    changed = TABLE.sub(render, page)
    for name in results:
        print(f"{PAGE.name} has no `<!-- table {name} -->`", file=sys.stderr)
    if "--check" in sys.argv[1:]:
        return 1 if changed != page else 0
    PAGE.write_text(changed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
