#!/usr/bin/env python3
"""Two engines on one machine: how much both write together, beside what one writes alone.

Each side is started twice, with the same model and nothing that tells the two of each other: two daemons
with a data directory each, or two llama-servers. Each round measures an answer of one alone, then one of
each at the same time; the speed together is all tokens between the moment when both write and the moment
when the first has ended. Whoever ends last has the machine for itself again, which is not counted."""
import contextlib
import sys
import tempfile

import peers

TOKENS, PROMPT = 128, 16


def alone(server, seed):
    return peers.answer(server.chat(peers.prompt(PROMPT, seed), TOKENS)).tokens_per_s


def together(servers, seed):
    """(tokens a second of all, longest pause of any)."""
    with peers.Loop() as loop:
        asked = [loop.send(server.chat(peers.prompt(PROMPT, f"{seed} {number}"), TOKENS))
                 for number, server in enumerate(servers)]
        loop.run()
    start = max(peers.checked(one).token_at[0] for one in asked)
    end = min(one.token_at[-1] for one in asked)
    if end <= start:
        sys.exit("the answers were not written at the same time: make TOKENS larger")
    tokens = sum(1 for one in asked for at in one.token_at if start < at <= end)
    return tokens / (end - start), max(one.longest_gap_s(start) for one in asked)


def main():
    chosen = peers.options(__doc__)
    with tempfile.TemporaryDirectory(prefix="hearth-cores-") as board:
        setup = peers.Setup(slots=1, context=512, hearth={"XDG_RUNTIME_DIR": board})
        samples = peers.Samples()
        report = peers.Report("two_engines", "Two engines that write at the same time", chosen, setup)
        for number, side in peers.rounds(chosen):
            with contextlib.ExitStack() as stack:
                servers = [stack.enter_context(peers.start(side, chosen, setup)) for _ in range(2)]
                single = alone(servers[0], f"alone {number}")
                total, gap = together(servers, f"together {number}")
                samples.add("one alone", side, single)
                samples.add("both together", side, total)
                samples.add("together, of one alone", side, total / single)
                samples.add("longest pause of either", side, gap)
    rows = {"both together": ("tokens/s", "higher", ">= 20"), "together, of one alone": ("x", "higher", ">= 0.9"),
            "longest pause of either": ("s", "lower", "")}
    for name, by_side in samples.items():
        unit, better, target = rows.get(name, ("tokens/s", "higher", ""))
        report.add(name, unit, by_side, better=better, target=target)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
