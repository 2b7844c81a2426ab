#!/usr/bin/env python3
"""report.py [--check]: writes the tables of build/bench/results/*.json into docs/performance.md.

The page holds a pair of markers for each program, `<!-- table NAME -->` and `<!-- end -->`; what is
between them is replaced by NAME.json's table, so that no figure is ever typed. `machine` and `summary` (all
rows that have a target) are made from all results. A table whose result is not there stays as it is; a
result without markers is named. With --check nothing is written, and the exit status is 1 if the page
would change."""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "build" / "bench" / "results"
TARGET, NONE = "target", "-"
TABLE = re.compile(r"(<!-- table ([\w-]+) -->\n).*?(<!-- end -->)", re.S)


def line(cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def cells_of(result):
    """`rows` are lists of cells, or objects that have them under "cells"."""
    return [row["cells"] if isinstance(row, dict) else row for row in result["rows"]]


def machine_line(machine):
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Linux {machine['kernel']}")


def overview(results):
    """The results that are made of all others: one line for each machine, and what has a target."""
    machines = sorted({machine_line(result["machine"]) for result in results.values() if "machine" in result})
    rows, columns = [], None
    for name, result in results.items():
        if TARGET in result["columns"]:
            columns = ["program", *result["columns"]]
            place = result["columns"].index(TARGET)
            rows += [[f"`{name}`", *cells] for cells in cells_of(result) if cells[place] != NONE]
    made = {"machine": {"columns": ["measured on"], "rows": [[machine] for machine in machines]}}
    return made | ({"summary": {"columns": columns, "rows": rows}} if rows else {})


def table(result):
    """A result as Markdown."""
    rows = cells_of(result)
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
    results |= overview(results) if results else {}

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
