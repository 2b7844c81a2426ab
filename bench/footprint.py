#!/usr/bin/env python3
"""How big, how quick and how hungry the bare program is, with the bundled model.

Each round runs `hearth version` and `hearth serve` and takes the time of the first, and of the second the
time until /health answers, until a request would be answered, and of the first answer; then the resident
memory of the daemon and of its engine, idle after that answer. Whole processes, wall clock, Hearth alone."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import peers

LOOK_S = 0.0005
VERSION_RUNS = 10
SETTINGS = {name: value for name, value in os.environ.items() if not name.startswith("HEARTH_")}


class Bare(peers.Server):
    """`hearth serve` as it comes, on a port that is known beforehand."""
    side = peers.HEARTH

    def __init__(self, binary):
        with socket.create_server((self.host, 0)) as free:
            self.port = free.getsockname()[1]
        self.data = tempfile.mkdtemp(prefix="hearth-footprint-")
        self.process = subprocess.Popen([binary, "serve", "--data", self.data, "--port", str(self.port)], env=SETTINGS,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid

    def wait(self, path):
        deadline = time.monotonic() + peers.READY_TIMEOUT_S
        while self.get(path)[0] != 200:
            if time.monotonic() > deadline:
                raise AssertionError(f"{path} does not answer")
            time.sleep(LOOK_S)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.data, ignore_errors=True)


def stripped_mb(binary):
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, binary], check=True)
        return os.path.getsize(stripped.name) / 1e6


def round_of(binary, samples):
    def add(name, value):
        samples.add(name, peers.HEARTH, value)

    for _ in range(VERSION_RUNS):
        began = time.monotonic()
        subprocess.run([binary, "version"], stdout=subprocess.DEVNULL, check=True, env=SETTINGS)
        add("hearth version", (time.monotonic() - began) * 1000)
    began = time.monotonic()
    with Bare(binary) as server:
        server.wait("/health")
        add("serve until /health answers", (time.monotonic() - began) * 1000)
        server.wait("/health/ready")
        add("serve until ready", (time.monotonic() - began) * 1000)
        done = peers.answer(server.chat("What is the capital of Italy?", 16, ignore_eos=False))
        assert "Rome" in done.text, done.text
        add("first answer", (done.ended_at - done.sent_at) * 1000)
        for name, pid in zip(("daemon", "engine"), server.pids()):
            used = peers.memory_mib([pid])
            add(f"{name}, resident", used["VmRSS"] * 2**20 / 1e6)
            add(f"{name}, private", used["RssAnon"] * 2**20 / 1e6)


def main():
    chosen = peers.options(__doc__, rounds=5, model=peers.EMBER, sides=(peers.HEARTH,))
    samples = peers.Samples()
    report = peers.Report("footprint", "The bare program, with its bundled model", chosen)
    size = stripped_mb(chosen.hearth)
    samples.add("binary, stripped", peers.HEARTH, size)
    samples.add("binary, stripped, without the model", peers.HEARTH, size - os.path.getsize(peers.EMBER) / 1e6)
    for _ in range(chosen.rounds):
        round_of(chosen.hearth, samples)
    targets = {"hearth version": "< 10", "serve until /health answers": "< 100", "daemon, resident": "< 16"}
    for name, by_side in samples.items():
        unit = "ms" if name.startswith(("hearth", "serve", "first")) else "MB"
        report.add(name, unit, by_side, better="lower", places=1, target=targets.get(name, ""))
    report.note(f"median of {chosen.rounds} starts (lowest to highest)")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
