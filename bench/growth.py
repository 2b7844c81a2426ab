#!/usr/bin/env python3
"""Growth over 10,000 short requests with Ember: resident memory after them less that after the first 1,000.

Four requests at a time, each on a connection of its own, answers of 4 tokens; the memory of the daemon and
of the engine is read at every thousand, while nothing runs."""
import pathlib
import sys

import peers

REQUESTS, BATCH, AT_ONCE, TOKENS = 10_000, 1000, 4, 4


def ask(server, begin, end):
    """Sends requests begin..end, a few at a time; ends the program if one fails."""
    pending = iter(range(begin, end))
    with peers.Loop() as loop:
        running = set()
        while True:
            for number in pending:
                running.add(loop.send(server.chat(f"Request {number}.", TOKENS)))
                if len(running) == AT_ONCE:
                    break
            if not running:
                return
            loop.run(until=lambda: any(one.ended_at for one in running))
            ended = {one for one in running if one.ended_at}
            for one in ended:
                peers.checked(one)
            running -= ended


def resident_mib(server):
    """By what the process is: llama-server is one, Hearth a daemon and its engine."""
    names = ("daemon", "engine") if server.side == peers.HEARTH else ("server",)
    return {name: peers.memory_mib([pid])["VmRSS"] for name, pid in zip(names, server.pids())}


def main():
    chosen = peers.options(__doc__, rounds=1, model=peers.EMBER, more=lambda parser: parser.add_argument(
        "--requests", type=int, default=REQUESTS))
    setup, samples, timeline = peers.Setup(), peers.Samples(), {}
    report = peers.Report("growth", f"Memory growth over {chosen.requests:,} short requests", chosen, setup)
    for _, side in peers.rounds(chosen):
        with peers.start(side, chosen, setup) as server:
            seen = timeline.setdefault(side, [])
            for begin in range(0, chosen.requests, BATCH):
                ask(server, begin, min(begin + BATCH, chosen.requests))
                seen.append(resident_mib(server))
                print(side, begin + BATCH, seen[-1], file=sys.stderr, flush=True)
            samples.add("all processes, after the first 1,000", side, sum(seen[0].values()))
            samples.add("growth since", side, sum(seen[-1].values()) - sum(seen[0].values()))
            for name in seen[0]:
                samples.add(f"growth of the {name}", side, seen[-1][name] - seen[0][name])
    for name, by_side in samples.items():
        report.add(name, "MiB", by_side, better="lower", target="< 2" if name == "growth since" else "")
    report.more["timeline"] = timeline
    report.note(f"{pathlib.Path(chosen.model).name}; answers of {TOKENS} tokens, {AT_ONCE} at a time")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
