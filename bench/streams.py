#!/usr/bin/env python3
"""Concurrent streams: tokens a second of 1, 2, 3, 4 and 16 answers together.

16 slots on each side; prompts of 16 tokens, all different. First all of a group at once, as a burst, with answers
of 64 tokens: all tokens by the time from the first request to the last token. Then as a steady load, with
answers of 32 to 96: each stream sends its next request when its answer ends, 4 times, and the tokens are counted
from the end of the first answer until the last request is sent, while all streams are at work."""
import sys

import peers

GROUPS, PROMPT, TOKENS = (1, 2, 3, 4, 16), 16, 64
STEADY, ROUNDS = (4, 16), 4


def ask(loop, server, seed, tokens=TOKENS):
    return loop.send(server.chat(peers.prompt(PROMPT, seed), tokens))


def uneven(number):
    """32 to 96 tokens: people's answers do not end together."""
    return 32 + number * 37 % 65


def speed(asked):
    last = max(peers.checked(one).token_at[-1] for one in asked)
    return sum(one.usage["completion_tokens"] for one in asked) / (last - asked[0].sent_at)


def burst(server, streams, seed):
    with peers.Loop() as loop:
        asked = [ask(loop, server, f"{seed} {number}") for number in range(streams)]
        loop.run()
    return speed(asked)


def steady(server, streams, seed):
    with peers.Loop() as loop:
        asked = [ask(loop, server, f"{seed} {number}", uneven(number)) for number in range(streams)]
        while len(asked) < streams * ROUNDS:
            loop.run(until=lambda: len(loop.active) < streams)
            asked.append(ask(loop, server, f"{seed} {len(asked)}", uneven(len(asked))))
        loop.run()
    begin, end = min(one.ended_at for one in asked), asked[-1].sent_at
    return sum(begin < at <= end for one in asked for at in peers.checked(one).token_at) / (end - begin)


def main():
    chosen = peers.options(__doc__)
    setup, samples = peers.Setup(slots=16, context=512), peers.Samples()
    report = peers.Report("streams", "Concurrent streams, all together", chosen, setup)
    with peers.started(chosen, setup) as servers:
        for number, side in peers.rounds(chosen):
            for streams in GROUPS:
                samples.add(f"{streams} streams" if streams > 1 else "1 stream", side,
                            burst(servers[side], streams, f"streams {number} of {streams}"))
            for streams in STEADY:
                samples.add(f"{streams} streams, steady", side,
                            steady(servers[side], streams, f"steady {number} of {streams}"))
    for name, by_side in samples.items():
        report.add(name, "tokens/s", by_side, target=">= 1.0 x")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
