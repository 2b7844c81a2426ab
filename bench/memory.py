#!/usr/bin/env python3
"""Memory and load time with TinyLlama's shape in Q4_0, context 2,048, one slot.

Each round starts each side anew with the model's file in the page cache and takes the time until it says
that it is ready, the time until a first token, and the memory of all its processes after a 512-token
prompt: resident as the kernel counts it (VmRSS, pages that processes share are counted twice), private
(RssAnon), and with shared pages divided (PSS). Each side with its own choice of KV type: f16 for
llama-server, whatever Hearth takes for this model."""
import pathlib
import sys
import time

import peers

LOOK_S = 0.002
READ_BYTES = 1 << 22


def warm(path):
    """Reads a file once, so that loading it does not measure the disk."""
    with open(path, "rb") as file:
        while file.read(READ_BYTES):
            pass


def round_of(side, chosen, setup, seed, samples):
    warm(chosen.model)
    began = time.monotonic()
    with peers.start(side, chosen, setup, wait_ready=False) as server:
        while server.get("/health/ready" if side == peers.HEARTH else "/health")[0] != 200:
            if time.monotonic() - began > peers.READY_TIMEOUT_S:
                raise AssertionError(f"{side} does not get ready")
            time.sleep(LOOK_S)
        samples.add("start until ready", side, time.monotonic() - began)
        first = peers.answer(server.chat(peers.prompt(1, seed), 1))
        samples.add("start until a first token", side, first.token_at[0] - began)
        peers.answer(server.chat(peers.prompt(512, seed), 16))
        used = server.memory_mib()
    samples.add("resident (VmRSS)", side, used["VmRSS"])
    samples.add("private (RssAnon)", side, used["RssAnon"])
    samples.add("proportional (PSS)", side, used["Pss"])


def main():
    chosen = peers.options(__doc__)
    samples = peers.Samples()
    report = peers.Report("memory", "Memory and load time", chosen)
    for number, side in peers.rounds(chosen):
        setup = peers.Setup(slots=1, kv="auto" if side == peers.HEARTH else "f16")
        round_of(side, chosen, setup, f"memory {number}", samples)
    targets = {"resident (VmRSS)": "<= 720", "start until ready": "<= 1.0"}
    for name, by_side in samples.items():
        unit = "s" if name.startswith("start") else "MiB"
        report.add(name, unit, by_side, better="lower", target=targets.get(name, ""), places=2 if unit == "s" else 0)
    size = pathlib.Path(chosen.model).stat().st_size / 2**20
    report.note(f"{pathlib.Path(chosen.model).name} has {size:.0f} MiB; context 2,048, one slot, "
                f"median of {chosen.rounds} rounds (lowest to highest)")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
