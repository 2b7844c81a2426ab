#!/usr/bin/env python3
"""Concurrent streams: tokens a second of 1, 2, 3, 4 and 16 answers together.

16 slots on each side. All of a group are sent at once with different prompts of 16 tokens and write 64
each; the speed is all tokens by the time from the first request to the last token."""
import sys

import peers

GROUPS, PROMPT, TOKENS = (1, 2, 3, 4, 16), 16, 64


def together(server, streams, seed):
    with peers.Loop() as loop:
        asked = [loop.send(server.chat(peers.prompt(PROMPT, f"{seed} {number}"), TOKENS)) for number in range(streams)]
        loop.run()
    last = max(peers.checked(one).token_at[-1] for one in asked)
    return sum(one.usage["completion_tokens"] for one in asked) / (last - asked[0].sent_at)


def main():
    chosen = peers.options(__doc__)
    setup, samples = peers.Setup(slots=16, context=512), peers.Samples()
    report = peers.Report("streams", "Concurrent streams, all together", chosen, setup)
    with peers.started(chosen, setup) as servers:
        for number, side in peers.rounds(chosen):
            for streams in GROUPS:
                samples.add(f"{streams} streams" if streams > 1 else "1 stream", side,
                            together(servers[side], streams, f"streams {number} of {streams}"))
    for name, by_side in samples.items():
        report.add(name, "tokens/s", by_side, target=">= 1.0 x")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
