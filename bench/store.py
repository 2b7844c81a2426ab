#!/usr/bin/env python3
"""What the store takes: messages accepted durably by 32 producers at once, and how a year of use feels
(100,000 messages in 500 sessions): opening, searching, the store's part of a turn.

Runs build/release/bin/store_bench, which keeps its files under TMPDIR: name a folder on the disk that is
meant, since a wait for the disk is most of what is measured. There is no peer: llama-server keeps nothing."""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import peers

PROGRAM = peers.ROOT / "build" / "release" / "bin" / "store_bench"
ACCEPT, APPEND = "accept_durably/real_time", "append_durably/real_time/threads:32"
EMPTY, YEAR = "turn_when_empty", "turn_after_a_year"
PER_SECOND = {ACCEPT: "messages accepted, 32 producers", APPEND: "transcript appends, 32 producers"}
MILLISECONDS = {
    "open_after_a_year": ("open after a year", "<= 200"),
    "search/a_rare_word": ("search: a rare word", "<= 20"),
    "search/a_rare_and_a_common_word": ("search: a rare and a common word", "<= 20"),
    "search/a_word_in_most_messages": ("search: a word in most messages", "<= 20"),
    "search/words_in_most_messages": ("search: five words in most messages", "<= 20"),
    EMPTY: ("store's part of a turn, empty store", ""),
    YEAR: ("store's part of a turn, after a year", ""),
}


def run(rounds):
    """What each benchmark gave in each round, by its name without its options."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        subprocess.run([PROGRAM, f"--benchmark_repetitions={rounds}", f"--benchmark_out={out.name}",
                        "--benchmark_out_format=json"], check=True, stdout=sys.stderr)
        found = json.load(open(out.name, encoding="utf-8"))["benchmarks"]
    runs = {}
    for one in found:
        if one["run_type"] == "iteration":
            runs.setdefault(one["run_name"], []).append(one)
    return runs


def of(runs, name):
    """The runs of a benchmark, whatever options stand behind its name."""
    return next(found for full, found in runs.items() if re.split(r"/(?:iterations|real_time|min_time)", full)[0]
                == re.split(r"/real_time", name)[0])


def main():
    chosen = peers.options(__doc__, model=peers.EMBER, sides=(peers.HEARTH,))
    report = peers.Report("store", "The store", chosen)
    runs = run(chosen.rounds)
    for name, what in PER_SECOND.items():
        report.add(what, "1/s", {peers.HEARTH: [one["items_per_second"] for one in of(runs, name)]},
                   target=">= 5000", places=0)
    for name, (what, target) in MILLISECONDS.items():
        report.add(what, "ms", {peers.HEARTH: [one["real_time"] for one in of(runs, name)]}, better="lower",
                   target=target)
    medians = {name: statistics.median(one["real_time"] for one in of(runs, name)) for name in (EMPTY, YEAR)}
    report.add("the same, after a year / empty", "", {peers.HEARTH: [medians[YEAR] / medians[EMPTY]]}, better="lower",
               target="<= 1.2")
    size = of(runs, "open_after_a_year")[0]["size_mib"]
    folder = pathlib.Path(os.environ.get("TMPDIR", "/tmp"))
    report.note(f"100,000 messages in 500 sessions are {size:.0f} MiB; files under {folder}, each accepted message and "
                f"turn waits for the disk; median of {chosen.rounds} rounds (lowest to highest)")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
