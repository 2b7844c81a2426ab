#!/usr/bin/env python3
"""300 requests at once: how many are served, how many are told to come back (429), and how fast.

One slot on each side, so Hearth has room for 1 + 32. All requests are sent in one go; after the first
minute those that have neither an answer nor a refusal count as waiting, and their clients leave."""
import statistics
import sys

import peers

REQUESTS, TOKENS, PATIENCE_S = 300, 8, 60


def round_of(server, seed, samples):
    with peers.Loop() as loop:
        asked = [loop.send(server.chat(peers.prompt(8, f"{seed} {number}"), TOKENS)) for number in range(REQUESTS)]
        loop.run(timeout_s=PATIENCE_S)
        waiting = len(loop.active)
    served = [one for one in asked if one.status == 200 and one.ended_at]
    refused = [one for one in asked if one.status == 429]
    samples.add("served within a minute", server.side, len(served))
    samples.add("refused with 429", server.side, len(refused))
    samples.add("still waiting after a minute", server.side, waiting)
    samples.add("failed otherwise", server.side, REQUESTS - len(served) - len(refused) - waiting)
    if refused:
        times = [(one.head_at - one.sent_at) * 1000 for one in refused]
        samples.add("429 after, median", server.side, statistics.median(times))
        samples.add("429 after, slowest", server.side, max(times))
    if served:
        samples.add("first token of those served, slowest", server.side, max(one.first_token_s for one in served))


def main():
    chosen = peers.options(__doc__, rounds=1)
    setup, samples = peers.Setup(slots=1, context=512), peers.Samples()
    report = peers.Report("overload", f"{REQUESTS} requests at once, one slot", chosen, setup)
    for number, side in peers.rounds(chosen):
        with peers.start(side, chosen, setup) as server:
            peers.answer(server.chat(peers.prompt(8, "warm up"), 1))
            round_of(server, f"overload {number}", samples)
    targets = {"served within a minute": ">= 33", "429 after, slowest": "<= 50", "failed otherwise": "<= 0"}
    for name, by_side in samples.items():
        unit = "ms" if name.startswith("429 after") else "s" if name.startswith("first") else "requests"
        report.add(name, unit, by_side, better="higher" if name.startswith("served") else "lower",
                   target=targets.get(name, ""), places=2 if unit == "s" else 0)
    report.note("llama-server refuses nobody: it serves as many as a minute allows, and the rest wait")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
