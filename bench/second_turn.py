#!/usr/bin/env python3
"""The second turn of a 1,500-token chat: time to its first token beside the prefill of its new tokens.

Each round, on each side, with a new chat: a question of 1,450 tokens is answered in 32, then the whole
conversation comes back with 30 more. What the server reports as the prefill of the tokens that it had to
compute is subtracted from the time to the first token; the rest is what the second turn costs besides."""
import sys

import peers

FIRST, ANSWER, SECOND = 1450, 32, 30


def round_of(server, seed, samples):
    question = {"role": "user", "content": peers.prompt(FIRST, seed)}
    first = peers.answer(server.chat([question], ANSWER))
    follow_up = {"role": "user", "content": peers.prompt(SECOND, seed + " second")}
    talk = [question, {"role": "assistant", "content": first.text}, follow_up]
    second = peers.answer(server.chat(talk, 1))
    prefill_ms = second.timings["prompt_ms"]
    samples.add("first turn: first token", server.side, first.first_token_s * 1000)
    samples.add("second turn: first token", server.side, second.first_token_s * 1000)
    samples.add("second turn: prefill of its new tokens", server.side, prefill_ms)
    samples.add("second turn: more than its prefill", server.side, second.first_token_s * 1000 - prefill_ms)
    samples.add("second turn: tokens computed", server.side, second.timings["prompt_n"])
    return second.usage["prompt_tokens"]


def main():
    chosen = peers.options(__doc__)
    setup, samples = peers.Setup(), peers.Samples()
    report = peers.Report("second_turn", "Second turn of a 1,500-token chat", chosen, setup)
    with peers.started(chosen, setup) as servers:
        for number, side in peers.rounds(chosen):
            tokens = round_of(servers[side], f"second turn {number}", samples)
    for name, by_side in samples.items():
        unit = "tokens" if name.endswith("computed") else "ms"
        report.add(name, unit, by_side, better="lower", places=0 if unit == "tokens" else 1,
                   target="<= 30" if name.endswith("more than its prefill") else "")
    report.note(f"the second turn's prompt has {tokens:,} tokens")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
