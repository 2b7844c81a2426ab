#!/usr/bin/env python3
"""KV state on disk, measured and attacked.

  bench/snapshots.py [--hearth BINARY] [--llama-server BINARY] [--model FILE] [--rounds N] [--files N]

1. The first token of the next turn of a chat of about 800 tokens, after kill -9 of every process.
   llama-server keeps nothing by itself, so its side computes the conversation again.
2. Spoiled snapshot files under the names of good ones (Ember): each must be refused and removed,
   no process may end, and no answer may change.
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import peers

ROOT = pathlib.Path(__file__).resolve().parents[1]
HISTORY_TOKENS, ANSWER_TOKENS = 800, 16


class Server:
    """One server process on 127.0.0.1, and its children."""

    def __init__(self, command, port):
        self.port = port
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def request(self, method, path, body=None, timeout=600):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"Content-Type": "application/json"})
        return connection, connection.getresponse()

    def json(self, path, body):
        connection, response = self.request("POST", path, body)
        with contextlib.closing(connection):
            text = response.read()
            if response.status != 200:
                sys.exit(f"{path}: {response.status} {text[:200]}")
            return json.loads(text)

    def wait_ready(self, path, limit_s=120):
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection, response = self.request("GET", path)
                connection.close()
                if response.status == 200:
                    return
            if self.process.poll() is not None:
                sys.exit(f"the server ended with {self.process.returncode}")
            time.sleep(0.01)
        sys.exit("the server did not become ready")

    def first_token_s(self, body):
        """Seconds until the first piece of an answer, and all of its text."""
        begin, first, text = time.monotonic(), None, ""
        connection, response = self.request("POST", "/v1/chat/completions", body | {"stream": True})
        with contextlib.closing(connection):
            for line in response:
                if not line.startswith(b"data: {"):
                    continue
                for choice in json.loads(line[6:]).get("choices", []):
                    piece = choice["delta"].get("content")
                    first = first or (time.monotonic() if piece else None)
                    text += piece or ""
        return (first or time.monotonic()) - begin, text

    def metric(self, name):
        connection, response = self.request("GET", "/metrics")
        with contextlib.closing(connection):
            found = re.search(rf"^{name}(?:{{.*}})? (\S+)$", response.read().decode(), re.M)
            return float(found[1]) if found else 0

    def wait_metric(self, name, at_least, limit_s=120):
        end = time.monotonic() + limit_s
        while self.metric(name) < at_least:
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def kill(self):
        """SIGKILL for the process and its children."""
        children = []
        for thread in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                children += map(int, thread.read_text().split())
        for pid in [self.process.pid, *children]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_hearth(options, data, *arguments):
    pathlib.Path(data, "hearth.pid").unlink(missing_ok=True)
    port = free_port()
    server = Server([options.hearth, "serve", "--data", data, "--port", str(port), *arguments], port)
    server.wait_ready("/health/ready")
    return server


def start_llama_server(options):
    port = free_port()
    server = Server([options.llama_server, "-m", options.model, "--port", str(port), "-c", "2048", "-np", "1",
                     "-ctk", "q8_0", "-ctv", "q8_0", "-fa", "on", "--no-webui"], port)
    server.wait_ready("/health")
    return server


def conversation(server, body):
    """A first message that makes a prompt of about HISTORY_TOKENS tokens."""
    lines = []
    while True:
        lines += [f"entry {len(lines)} says {len(lines) * 7919 % 1009}" for _ in range(5)]
        message = {"role": "user", "content": "Remember: " + ", ".join(lines)}
        tokens = len(server.json("/tokenize", {"content": message["content"]})["tokens"])
        if tokens >= HISTORY_TOKENS - 20:
            return body | {"messages": [message]}


def one_restart(start, body, saved):
    """First-token seconds of the next turn, without and with a restart, and whether the texts agree."""
    server = start()
    try:
        first = conversation(server, body)
        _, answer = server.first_token_s(first)
        turn = first | {"messages": first["messages"] + [{"role": "assistant", "content": answer},
                                                         {"role": "user", "content": "And now?"}]}
        saved(server)
    finally:
        server.kill()
    server = start()
    try:
        seconds, after = server.first_token_s(turn)
    finally:
        server.kill()
    return seconds, after, turn


def restarts(options, report):
    body = {"temperature": 0, "max_tokens": ANSWER_TOKENS, "ignore_eos": True}
    sides = {peers.HEARTH: [], peers.LLAMA: []}
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="hearth-bench-") as data:
            def saved(server):
                if not server.wait_metric("hearth_kv_snapshot_saved_total", 1):
                    sys.exit("no snapshot was saved")
            persist = body | {"cache": {"key": "bench", "persist": True}}
            arguments = ("--model", options.model)
            seconds, after, turn = one_restart(lambda: start_hearth(options, data, *arguments), persist, saved)
            sides[peers.HEARTH].append(seconds)
            shutil.rmtree(os.path.join(data, "kv"))
            cold = start_hearth(options, data, *arguments)
            computed, want = cold.first_token_s(turn)
            cold.kill()
            print(f"round {number + 1}: hearth {seconds:.3f} s, without the snapshot {computed:.3f} s, "
                  f"answers {'equal' if after == want else 'DIFFER'}", flush=True)
            if after != want:
                sys.exit("the answer is another after a restart")
        seconds, _, _ = one_restart(lambda: start_llama_server(options), body, lambda server: None)
        sides[peers.LLAMA].append(seconds)
        print(f"round {number + 1}: llama-server {seconds:.3f} s", flush=True)
    report.add("next turn after kill -9: first token", "s", sides, better="lower", target="<= 0.5")
    report.note(f"{pathlib.Path(options.model).name}, a chat of {HISTORY_TOKENS} tokens, median of {options.rounds} "
                "rounds; llama-server keeps nothing by itself and computes the conversation again")


def spoil(good, number):
    """Another damage for each number: every byte of the header, then bytes, cuts and repetitions anywhere."""
    rng, bad = random.Random(number), bytearray(good)
    header = 80 + 4 * int.from_bytes(good[68:72], "little") + 16
    kind = number % 6
    if number < 80:
        bad[number] ^= rng.randrange(1, 256)
    elif kind == 0:
        del bad[rng.randrange(len(bad)):]
    elif kind == 1:
        bad += rng.randbytes(rng.randrange(1, 100))
    elif kind == 2:
        at = rng.randrange(len(bad))
        del bad[at:at + rng.randrange(1, 64)]
    elif kind == 3:
        bad[rng.randrange(header)] ^= rng.randrange(1, 256)
    elif kind == 4:
        for _ in range(3):
            bad[rng.randrange(header, len(bad))] ^= rng.randrange(1, 256)
    else:
        at = rng.randrange(header, len(bad))
        bad[at:] = rng.randbytes(len(bad) - at)
    return bytes(bad)


def damage(options, report):
    def ask(server, i, **fields):
        text = f"{i * 7919} is a number, " + " ".join(f"w{(i * 31 + j * 17) % 97}" for j in range(20))
        # With a seed an answer has the same bits whatever was computed before.
        return server.json("/v1/completions", {"prompt": text, "temperature": 0, "max_tokens": 4, "seed": 1,
                                               "ignore_eos": True, "logprobs": 1} | fields)

    def told(answer):
        return answer["choices"][0]

    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as data:
        server = start_hearth(options, data)
        want = [told(ask(server, i, cache={"persist": True})) for i in range(options.files)]
        server.wait_metric("hearth_kv_snapshot_saved_total", options.files)
        server.kill()
        files = sorted(pathlib.Path(data, "kv").glob("*.kv"))
        for number, file in enumerate(files):
            good = file.read_bytes()
            bad = spoil(good, number)
            file.write_bytes(bad if bad != good else bad + b"x")
        server = start_hearth(options, data)
        got = [told(ask(server, i)) for i in range(options.files)]
        # Where cells were not in order a conversation lies in two pieces. The second goes with the first,
        # and a piece too short to be worth reading is not looked at: "left" then says how many.
        server.wait_metric("hearth_kv_snapshot_refused_total", options.files, 10)
        restored = server.metric("hearth_kv_snapshot_restored_total")
        refused = server.metric("hearth_kv_snapshot_refused_total")
        starts = server.metric("hearth_engine_restarts_total")
        left = len(list(pathlib.Path(data, "kv").glob("*.kv")))
        server.kill()
    wrong = sum(a != b for a, b in zip(want, got))
    for what, number, target in (("spoiled files", len(files), f">= {options.files}"), ("of them refused", refused, ""),
                                 ("restored", restored, "<= 0"), ("crashes", starts, "<= 0"),
                                 ("wrong answers", wrong, "<= 0")):
        report.add(what, "", {peers.HEARTH: [number]}, target=target, places=0)
    report.note(f"spoiled files with Ember; {left} are left, which were never read")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hearth", default=str(ROOT / "build/release/bin/hearth"))
    parser.add_argument("--llama-server", default=str(ROOT / "build/deps/peer/bin/llama-server"))
    parser.add_argument("--model", default=str(ROOT / "build/bench/tinyllama-shaped-q4_0.gguf"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--only", choices=("restarts", "damage"))
    options = parser.parse_args()
    report = peers.Report("snapshots", "KV state on disk, measured and attacked", options)
    if options.only != "damage":
        restarts(options, report)
    if options.only != "restarts":
        damage(options, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
