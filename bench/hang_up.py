#!/usr/bin/env python3
"""A client hangs up 1 s into a long prompt: how long the next request waits for its first token.

Each round, on each side: a short request alone; then a 1,900-token prompt whose client goes away after
one second, and at once a short request of the same length. One slot, so that the abandoned work would
be in the way."""
import sys
import time

import peers

LONG, SHORT, PATIENCE_S = 1900, 16, 1.0


def round_of(server, seed, samples):
    alone = peers.answer(server.chat(peers.prompt(SHORT, seed + " alone"), 1))
    with peers.Loop() as loop:
        given_up = loop.send(server.chat(peers.prompt(LONG, seed + " long"), 1))
        until = time.monotonic() + PATIENCE_S
        loop.run(until=lambda: time.monotonic() >= until, timeout_s=PATIENCE_S)
        if given_up.token_at:
            sys.exit("the long prompt was read in a second: this machine needs a longer one")
        loop.hang_up(given_up)
        following = loop.send(server.chat(peers.prompt(SHORT, seed + " next"), 1))
        loop.run()
    peers.checked(following)
    samples.add("first token, alone", server.side, alone.first_token_s)
    samples.add("first token after a hang-up", server.side, following.first_token_s)
    samples.add("wait for the abandoned work", server.side, following.first_token_s - alone.first_token_s)


def main():
    chosen = peers.options(__doc__)
    setup, samples = peers.Setup(slots=1), peers.Samples()
    report = peers.Report("hang_up", "After a hang-up 1 s into a long prompt", chosen, setup)
    with peers.started(chosen, setup) as servers:
        for number, side in peers.rounds(chosen):
            round_of(servers[side], f"hang-up {number}", samples)
    for name, by_side in samples.items():
        report.add(name, "s", by_side, better="lower", target="<= 0.3" if name.startswith("wait") else "")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
