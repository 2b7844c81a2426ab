#!/usr/bin/env python3
"""50 sessions of 1,500 tokens that share a prefix of 1,000, round robin, three turns each.

What an agent's many conversations look like: one long system prompt, then each its own. In the first
turn each session brings 480 tokens of its own, which every program has to read; from then on they are
there, and each turn adds an answer and 20 more. Hearth's KV cache
holds 16 x 2,048 tokens for all; llama-server gets 4 slots of 2,048 and the rest of the same bytes as its
host cache (--cache-ram), its way to keep more sessions than slots. Four layers of TinyLlama's shape, so
that both sides end within minutes; nothing else differs from the big one."""
import pathlib
import sys

import peers

SESSIONS, TURNS, SHARED, OWN, ANSWER, FOLLOW_UP = 50, 3, 1000, 480, 8, 20
FIRST, LATER = "first turn of all sessions", "a later turn of all sessions"
CONTEXT, CELLS, LLAMA_SLOTS = 2048, 16 * 2048, 4
KV_BYTES_PER_TOKEN_AND_LAYER = 2 * 256 * 2  # keys and values, 4 heads of 64, f16
LAYERS = 4
SMALL = peers.TINYLLAMA.with_name("tinyllama-shaped-4-layers-q4_0.gguf")


def turns(server, seed, samples):
    system = {"role": "system", "content": peers.prompt(SHARED, seed + " shared")}
    talks = [[system, {"role": "user", "content": peers.prompt(OWN, f"{seed} {number}")}]
             for number in range(SESSIONS)]
    total, computed = 0.0, 0
    for turn in range(1, TURNS + 1):
        took = 0.0
        for number, talk in enumerate(talks):
            done = peers.answer(server.chat(talk, ANSWER))
            took += done.ended_at - done.sent_at
            computed += done.timings["prompt_n"]
            talk.append({"role": "assistant", "content": done.text})
            talk.append({"role": "user", "content": peers.prompt(FOLLOW_UP, f"{seed} {number} more")})
        samples.add(FIRST if turn == 1 else LATER, server.side, took)
        total += took
    samples.add("all turns of all sessions", server.side, total)
    samples.add("prompt tokens computed", server.side, computed)
    samples.add("resident at the end", server.side, server.memory_mib()["VmRSS"])


def setup_of(side):
    if side == peers.HEARTH:
        return peers.Setup(context=CONTEXT, slots=CELLS // CONTEXT)
    host_tokens = CELLS - LLAMA_SLOTS * CONTEXT
    host_mib = host_tokens * KV_BYTES_PER_TOKEN_AND_LAYER * LAYERS // 2**20
    return peers.Setup(context=CONTEXT, slots=LLAMA_SLOTS, cache_ram_mib=host_mib)


def main():
    chosen = peers.options(__doc__, rounds=1, model=SMALL)
    samples = peers.Samples()
    report = peers.Report("sessions", "50 sessions that share 1,000 of 1,500 tokens, round robin", chosen)
    for number, side in peers.rounds(chosen):
        with peers.start(side, chosen, setup_of(side)) as server:
            peers.answer(server.chat(peers.prompt(8, "warm up"), 1))
            turns(server, f"sessions {number}", samples)
    for name, by_side in samples.items():
        unit = "MiB" if name.startswith("resident") else "tokens" if name.endswith("computed") else "s"
        report.add(name, unit, by_side, better="lower", places=1 if unit == "s" else 0,
                   target={LATER: ">= 5.0 x", "resident at the end": ">= 1.0 x"}.get(name, ""))
    theirs = setup_of(peers.LLAMA)
    report.note(f"{pathlib.Path(chosen.model).name}, KV f16; Hearth: {CELLS:,} cells; "
                f"llama-server: {LLAMA_SLOTS} slots of {CONTEXT:,} and --cache-ram {theirs.cache_ram_mib}")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
