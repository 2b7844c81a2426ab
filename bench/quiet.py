#!/usr/bin/env python3
"""Decode and prefill with nobody else: how fast one answer is read and written through HTTP.

Each round asks each side three things: 128 tokens after a short prompt (decode, empty context), one
token after 512 (prefill: prompt tokens by the time to the first token), and 48 tokens after 1,500
(decode at 1,536 tokens of context). Speeds are of tokens as they arrive at the client. The memory's
own limit stands beside them: bytes a second that all cores can read, by the bytes of the weights."""
import json
import os
import pathlib
import re
import subprocess
import sys

import peers

SHORT, LONG, DEPTH = 16, 512, 1500
WRITTEN, WRITTEN_DEEP = 128, 48
VOCABULARY, WIDTH = 32000, 2048
BITS = {"q4_0": 4.5, "q4_k_m": 4.5, "q8_0": 8.5, "f16": 16}  # a weight of the embedding table
BANDWIDTH = peers.ROOT / "build" / "release" / "bin" / "memory_bandwidth_bench"


def bandwidth_gb_s():
    """What all cores together can read; None without the program."""
    if not BANDWIDTH.exists():
        return None
    done = subprocess.run([BANDWIDTH, "--benchmark_format=json"], capture_output=True, text=True, check=True)
    return max(run["bytes_per_second"] for run in json.loads(done.stdout)["benchmarks"]) / 1e9


def weight_bytes(model):
    """Bytes of the weights that each token needs: the file without the embedding table."""
    kind = re.search("|".join(BITS), pathlib.Path(model).name)
    return os.path.getsize(model) - (VOCABULARY * WIDTH * BITS[kind[0]] / 8 if kind else 0)


def main():
    chosen = peers.options(__doc__, rounds=5)
    setup, samples = peers.Setup(slots=1), peers.Samples()
    report = peers.Report("quiet", "Decode and prefill, nobody else", chosen, setup)
    with peers.started(chosen, setup) as servers:
        for number, side in peers.rounds(chosen):
            ask = servers[side].chat
            seed = f"quiet {number}"
            samples.add("decode, empty context", side,
                        peers.answer(ask(peers.prompt(SHORT, seed), WRITTEN)).tokens_per_s)
            read = peers.answer(ask(peers.prompt(LONG, seed + " read"), 1))
            samples.add("prefill, empty context", side, read.usage["prompt_tokens"] / read.first_token_s)
            samples.add("decode at 1,536 tokens of context", side,
                        peers.answer(ask(peers.prompt(DEPTH, seed + " deep"), WRITTEN_DEEP)).tokens_per_s)
    for name, by_side in samples.items():
        report.add(name, "tokens/s", by_side, target=">= 1.0 x")
    speed = bandwidth_gb_s()
    if speed:
        most = speed * 1e9 / weight_bytes(chosen.model)
        report.note(f"memory: {speed:.1f} GB/s read by all cores, so at most {most:.1f} tokens/s can be decoded here")
        report.more["memory_gb_s"] = speed
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
