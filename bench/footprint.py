#!/usr/bin/env python3
"""footprint.py [--hearth BINARY] [--runs N]: how big, how quick and how hungry the bare daemon is.

Starts `hearth serve` N times with the bundled model and prints, as min / median / max: time until
/health answers, time until a request would be answered, time of the first chat answer, and the
resident memory of the daemon and its engine when idle after that answer. Whole processes, wall clock."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))


def resident_kib(pid):
    """VmRSS of a process, split into what is private and what is mapped from files."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return [int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon")]


def measure(harness):
    """One start; returns the figures by name."""
    figures, started = {}, time.monotonic()
    with harness.Daemon(wait_ready=False) as daemon:
        harness.wait_until(lambda: daemon.request("GET", "/health").status == 200, 60, "health")
        figures["until /health answers, ms"] = (time.monotonic() - started) * 1000
        harness.wait_until(daemon.is_ready, 60, "ready")
        figures["until ready, ms"] = (time.monotonic() - started) * 1000
        asked = time.monotonic()
        answer = daemon.chat("What is the capital of Italy?")
        assert "Rome" in answer.text, answer.body
        figures["first answer, ms"] = (time.monotonic() - asked) * 1000
        for name, pid in (("daemon", daemon.process.pid), ("engine", daemon.engine_pids()[0])):
            total, private = resident_kib(pid)
            figures[f"{name} resident, MiB"] = total / 1024
            figures[f"{name} private, MiB"] = private / 1024
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hearth", default="build/release/bin/hearth")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    os.environ["HEARTH_BINARY"] = options.hearth
    import harness  # reads HEARTH_BINARY

    model_bytes = os.path.getsize(pathlib.Path(__file__).resolve().parents[1] / "models" / "ember" / "ember.gguf")
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, options.hearth], check=True)
        size = os.path.getsize(stripped.name)
    print(f"stripped binary: {size / 1e6:.1f} MB, {(size - model_bytes) / 1e6:.1f} MB without the model")

    runs = [measure(harness) for _ in range(options.runs)]
    print(f"{'':32}{'min':>10}{'median':>10}{'max':>10}   ({options.runs} runs)")
    for name in runs[0]:
        values = [run[name] for run in runs]
        print(f"{name:32}{min(values):10.1f}{statistics.median(values):10.1f}{max(values):10.1f}")


if __name__ == "__main__":
    main()
