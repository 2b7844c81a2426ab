#!/usr/bin/env python3
"""Two models that do not fit together, asked in turns: from sending a request for the one that is not loaded to its
first token.

Both are the same file under two names, each in an engine process of its own that ends when the other is asked; the
page cache is warm, as it is when models are swapped often. The first token is of a short prompt, streamed. Beside it
the same with the model loaded already, so that what is left is the swap: the other's last 0.2 s (pool linger), the
end of its process, the start and the load of this one. Then the memory of the daemon and of the engine."""
import json
import os
import sys
import tempfile
import time

import peers
import served

NAMES = ("one", "two")
QUESTION = "What is the time?"


def first_token_s(daemon, name):
    """Until the first piece of text; the answer is read to its end."""
    body = {"model": name, "messages": [{"role": "user", "content": QUESTION}], "max_tokens": 4, "temperature": 0,
            "stream": True}
    with served.Client(daemon) as client:
        began = time.perf_counter()
        client.connection.request("POST", "/v1/chat/completions", json.dumps(body),
                                  {"Content-Type": "application/json"})
        answer = client.connection.getresponse()
        first = None
        for line in answer:
            if first is None and line.startswith(b"data: {") and json.loads(line[6:])["choices"]:
                first = time.perf_counter() - began
    if first is None:
        sys.exit(f"no answer of {name!r}")
    return first


def resident_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("Rss:"))


def main():
    chosen = peers.options(__doc__, rounds=10, sides=(peers.HEARTH,))
    report = peers.Report("swap", "Two models that do not fit together", chosen)
    with tempfile.TemporaryDirectory(prefix="hearth-swap-") as data:
        entries = "".join(f'[[pool.model]]\nname = "{name}"\npath = "{os.path.abspath(chosen.model)}"\n'
                          "context_tokens = 2048\nslots = 1\n" for name in NAMES)
        limit = int(os.path.getsize(chosen.model) * 1.6)
        with open(os.path.join(data, "hearth.toml"), "w", encoding="utf-8") as settings:
            settings.write(f"[pool]\nmemory_bytes_max = {limit}\n" + entries)
        with served.Served(chosen.hearth, data=data) as daemon:
            daemon.wait()
            first_token_s(daemon, NAMES[0])
            swaps, stays = [], []
            for number in range(chosen.rounds):
                name = NAMES[(number + 1) % 2]
                swaps.append(first_token_s(daemon, name))
                stays.append(first_token_s(daemon, name))
            engines = [pid for pid in daemon.pids() if pid != daemon.pid]
            if len(engines) != 1:
                sys.exit(f"{len(engines)} engines run; one was to fit")
            report.add("first token of the model that is not loaded", "s", {peers.HEARTH: swaps}, better="lower",
                       target="< 1.5")
            report.add("first token of the model that is loaded", "s", {peers.HEARTH: stays}, better="lower")
            report.add("the engine with its model: resident", "MB", {peers.HEARTH: [resident_mb(engines[0])]},
                       better="lower", target="< 1000", places=0)
            report.add("the daemon: resident", "MB", {peers.HEARTH: [daemon.rss_mb()[0]]}, better="lower",
                       places=1)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
