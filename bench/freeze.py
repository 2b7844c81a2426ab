#!/usr/bin/env python3
"""Streams never freeze: what a running stream feels when a 1,163-token prompt arrives beside it.

Each round, on each side: the newcomer's prompt alone (time to first token), then a stream of 20 tokens
that goes on while a prompt of the same length arrives. The longest gap between two tokens of the stream
after that moment, and how much later the newcomer's first token comes than alone."""
import sys

import peers

PROMPT, AHEAD, STREAM = 1146, 20, 1200  # the template adds 17 tokens to the prompt


def round_of(server, seed, samples):
    side = server.side
    alone = peers.answer(server.chat(peers.prompt(PROMPT, seed + " alone"), 1))
    with peers.Loop() as loop:
        stream = loop.send(server.chat(peers.prompt(16, seed + " stream"), STREAM))
        loop.run(until=lambda: len(stream.token_at) >= AHEAD)
        newcomer = loop.send(server.chat(peers.prompt(PROMPT, seed + " newcomer"), 1))
        loop.run(until=lambda: newcomer.ended_at and stream.token_at[-1] > newcomer.ended_at)
    peers.checked(newcomer)
    samples.add("longest gap in the running stream", side, stream.longest_gap_s(since=newcomer.sent_at))
    samples.add("newcomer: first token, alone", side, alone.first_token_s)
    samples.add("newcomer: first token, beside the stream", side, newcomer.first_token_s)
    samples.add("newcomer: beside by alone", side, newcomer.first_token_s / alone.first_token_s)
    return newcomer.usage["prompt_tokens"]


def main():
    chosen = peers.options(__doc__)
    setup, samples = peers.Setup(), peers.Samples()
    report = peers.Report("freeze", "A long prompt arrives beside a running stream", chosen, setup)
    with peers.started(chosen, setup) as servers:
        for number, side in peers.rounds(chosen):
            tokens = round_of(servers[side], f"freeze {number}", samples)
    targets = {"longest gap in the running stream": "<= 0.7", "newcomer: beside by alone": "<= 1.5"}
    for name, by_side in samples.items():
        report.add(name, "" if "by alone" in name else "s", by_side, better="lower", target=targets.get(name, ""))
    report.note(f"the newcomer's prompt has {tokens:,} tokens")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
