#!/usr/bin/env python3
"""HTTP alone: GET /health with 32 connections, and what a chat request costs besides its inference.

The server's threads are held on one core, the load generator (wrk) on another; Ember, the bundled model,
is loaded and idle. Then one client asks for short answers on one connection, one after the other; the
overhead of each is its time at the client, less what the server reports as reading and writing (`timings`).
The client's own time, some tenths of a millisecond in Python, is in it."""
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import time

import peers

CONNECTIONS, LOAD_S, ASKED, WARM_UP, TOKENS = 32, 5, 300, 20, 8
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


def pin(server, core):
    for pid in server.pids():
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(thread), {core})


def wrk(server, core):
    """(requests a second, p99 in ms) of GET /health."""
    done = subprocess.run(["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{LOAD_S}s", "--latency",
                           f"http://{server.host}:{server.port}/health"], capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout:
        sys.exit(done.stdout)
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1]), float(number) * SECONDS[unit] * 1000


def overheads_ms(server):
    """Of each request, in order: its time at the client without reading and writing in the engine."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    out = []
    for number in range(WARM_UP + ASKED):
        body = json.dumps({"messages": [{"role": "user", "content": f"Say {number}."}], "max_tokens": TOKENS,
                           "temperature": 0, "ignore_eos": True})
        began = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        took_ms = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            sys.exit(f"{server.side}: {answer.status} {text}")
        timings = json.loads(text)["timings"]
        out.append(took_ms - timings["prompt_ms"] - timings["predicted_ms"])
    connection.close()
    return out[WARM_UP:]


def main():
    chosen = peers.options(__doc__, model=peers.EMBER)
    setup, samples = peers.Setup(), peers.Samples()
    report = peers.Report("http_speed", "HTTP alone", chosen, setup)
    cores = sorted(os.sched_getaffinity(0))
    for _, side in peers.rounds(chosen):
        with peers.start(side, chosen, setup) as server:
            times = overheads_ms(server)
            samples.add("chat request besides inference, p50", side, statistics.median(times))
            samples.add("chat request besides inference, p99", side, statistics.quantiles(times, n=100)[98])
            pin(server, cores[0])
            speed, p99_ms = wrk(server, cores[-1])
            samples.add("GET /health, 32 connections", side, speed)
            samples.add("GET /health, p99", side, p99_ms)
    targets = {"GET /health, 32 connections": ">= 40000", "GET /health, p99": "< 5",
               "chat request besides inference, p50": "< 2", "chat request besides inference, p99": "< 5"}
    for name, target in targets.items():
        speed = name.endswith("connections")
        report.add(name, "requests/s" if speed else "ms", samples[name], target=target,
                   better="higher" if speed else "lower", places=0 if speed else 2)
    report.note(f"{ASKED} chat requests of {TOKENS} tokens and {LOAD_S} s of GET /health in each round; "
                "the server on one core, wrk on another")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
