#!/usr/bin/env python3
"""The second turn of a 1,500-token chat: time to its first token beside the prefill of its new tokens; and the second
turn of a session of 4,000 tokens that Hearth remembers.

Each round, on each side, with a new chat: a question of 1,450 tokens is answered in 32, then the whole
conversation comes back with 30 more. What the server reports as the prefill of the tokens that it had to
compute is subtracted from the time to the first token; the rest is what the second turn costs besides.

The session is Hearth's alone. A question of nearly 4,000 tokens is answered in 32; once nothing goes on behind that,
the session is forked, so that each of these turns is its second, with another question of 30 tokens: at once; with
`cache_prompt` false, which computes the same prompt as a whole; and in a new daemon on the same folder after kill -9 of
the old one and its engine, once the model is loaded, with the file of the state in the page cache. Times are from
sending the request to the first token. The model is the same as above, and says that it holds more tokens."""
import shutil
import sys
import tempfile

import peers
import served

FIRST, ANSWER, SECOND = 1450, 32, 30
SESSION, SESSION_QUICK, CONTEXT = 3940, 600, 8192
AT_ONCE, WHOLE, RESTARTED = "at once", "computed as a whole", "after kill -9 of everything"
TARGETS = {AT_ONCE: "<= 0.15", RESTARTED: "<= 0.2"}


def round_of(server, seed, first_tokens, samples):
    question = {"role": "user", "content": peers.prompt(first_tokens, seed)}
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


def second_in_session(server, session, seed, when, samples, **fields):
    """The second turn of a fork of the session: seconds to its first token, and tokens computed."""
    done = peers.answer(server.chat(peers.prompt(SECOND, seed), 4, session_id=session, **fields))
    details = done.usage["prompt_tokens_details"]
    samples.setdefault(when, []).append((done.first_token_s * 1000,
                                         done.usage["prompt_tokens"] - details["cached_tokens"]))
    print(f"{when:44} {done.first_token_s * 1000:10.1f}", file=sys.stderr, flush=True)
    return done.usage["prompt_tokens"]


def session_round(chosen, model, seed, tokens, samples):
    """Gives how many tokens the second prompt has."""
    settings = {"HEARTH_MODEL_CONTEXT_TOKENS": CONTEXT, "HEARTH_MODEL_SLOTS": 2, "HEARTH_MODEL_KV_TYPE": "f16",
                "HEARTH_MODEL_THREADS": chosen.threads}
    data = tempfile.mkdtemp(prefix="hearth-second-")
    try:
        with served.Served(chosen.hearth, "--model", model, data=data, **settings) as server:
            server.wait()
            peers.answer(server.chat(peers.prompt(64, "warm up"), 8))
            peers.answer(server.chat(peers.prompt(tokens, seed), ANSWER, session_id="s"))
            with served.Client(server) as client:
                forks = [client.exchange("POST", "/v1/sessions/s/fork", {"name": f"fork {number}"})[1]["id"]
                         for number in range(3)]
            served.settle(server)
            second_in_session(server, forks[0], seed + " at once", AT_ONCE, samples)
            second_in_session(server, forks[1], seed + " as a whole", WHOLE, samples, cache_prompt=False)
            served.settle(server)
            server.kill()
        with served.Served(chosen.hearth, "--model", model, data=data, **settings) as server:
            server.wait()
            served.settle(server)
            return second_in_session(server, forks[2], seed + " restarted", RESTARTED, samples)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def remembered(chosen, report):
    samples, model = {}, served.stretched(chosen.model, CONTEXT)
    for number in range(chosen.session_rounds):
        tokens = session_round(chosen, model, f"session {number}", SESSION_QUICK if chosen.quick else SESSION, samples)
    for when, taken in samples.items():
        report.add(f"second turn of a session, {when}: first token", "ms",
                   {peers.HEARTH: [took_ms for took_ms, _ in taken]}, better="lower", places=1)
        report.add(f"second turn of a session, {when}: tokens computed", "tokens",
                   {peers.HEARTH: [computed for _, computed in taken]}, better="lower", places=0)
        if when in TARGETS:
            ratios = [took[0] / whole[0] for took, whole in zip(taken, samples[WHOLE])]
            report.add(f"second turn of a session, {when}, of computing it as a whole", "x", {peers.HEARTH: ratios},
                       better="lower", target=TARGETS[when], places=3)
    report.note(f"in the session the second prompt has {tokens:,} tokens, median of {chosen.session_rounds} sessions")


def main():
    def more(parser):
        parser.add_argument("--session-rounds", type=int, default=2, help="sessions of 4,000 tokens; 0: none")
        parser.add_argument("--quick", action="store_true", help="short chats, one round, to see that it works")
    chosen = peers.options(__doc__, more=more)
    if chosen.quick:
        chosen.rounds = chosen.session_rounds = 1
    setup, samples = peers.Setup(), peers.Samples()
    report = peers.Report("second_turn", "Second turn of a 1,500-token chat", chosen, setup)
    with peers.started(chosen, setup) as servers:
        for number, side in peers.rounds(chosen):
            tokens = round_of(servers[side], f"second turn {number}", 200 if chosen.quick else FIRST, samples)
    for name, by_side in samples.items():
        unit = "tokens" if name.endswith("computed") else "ms"
        report.add(name, unit, by_side, better="lower", places=0 if unit == "tokens" else 1,
                   target="<= 30" if name.endswith("more than its prefill") else "")
    report.note(f"the second turn's prompt has {tokens:,} tokens")
    if chosen.only != peers.LLAMA and chosen.session_rounds > 0:
        remembered(chosen, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
