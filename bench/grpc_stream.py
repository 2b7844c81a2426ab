#!/usr/bin/env python3
"""StreamInfer over gRPC against a streamed chat completion over HTTP: the same daemon, the same prompt, in turns.

The model says a script and computes next to nothing beside the smallest real one, so that what is measured is the
way of each token: 256 tokens, greedy, one connection for each way, each from sending the request to the last piece.
Both ways change places each round. Behind it what gRPC costs a daemon that nobody asks: resident with it on and off,
and the time that `hearth version` takes, which pays for what is linked in."""
import importlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import peers
import served

TOKENS = 256
QUESTION = "Never stop."
SCRIPT = [{"user": QUESTION, "reply": "tick tock " * 10, "loops": True}]
VERSIONS = 40
SETTLE_S = 3


def runtime_pb2():
    """Made by protoc for this run."""
    folder = tempfile.mkdtemp(prefix="hearth-bench-proto-")
    subprocess.run(["protoc", f"-I{peers.ROOT / 'proto'}", f"--python_out={folder}", "aios/runtime.proto"], check=True)
    sys.path.insert(0, folder)
    return importlib.import_module("aios.runtime_pb2")


class Grpc:
    name = "gRPC"

    def __init__(self, daemon):
        import grpc  # Debian's python3-grpcio: the same library in C below it as in Hearth
        self.messages = runtime_pb2()
        info = json.loads(pathlib.Path(daemon.data, "hearth.pid").read_text(encoding="utf-8"))
        self.channel = grpc.insecure_channel(info["grpc"])
        self.ask = self.channel.unary_stream("/aios.runtime.AIRuntime/StreamInfer",
                                             self.messages.InferRequest.SerializeToString,
                                             self.messages.InferChunk.FromString)

    def answer(self):
        """(milliseconds, tokens)"""
        request = self.messages.InferRequest(prompt=QUESTION, max_tokens=TOKENS, temperature=0)
        began, tokens = time.perf_counter(), 0
        for chunk in self.ask(request):
            if chunk.done:
                tokens = chunk.tokens_used
        return (time.perf_counter() - began) * 1000, tokens


class Http:
    name = "HTTP"

    def __init__(self, daemon):
        self.connection = served.Client(daemon).connection

    def answer(self):
        body = {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": TOKENS, "temperature": 0,
                "stream": True, "stream_options": {"include_usage": True}}
        began, tokens = time.perf_counter(), 0
        self.connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        for line in self.connection.getresponse():
            if line.startswith(b"data: {"):
                usage = json.loads(line[6:]).get("usage")
                tokens = usage["completion_tokens"] if usage else tokens
        return (time.perf_counter() - began) * 1000, tokens


def streams(chosen, report):
    took = {Http.name: [], Grpc.name: []}
    model = served.scripted_model("grpc_stream", SCRIPT)
    with served.Served(chosen.hearth, "--model", model, HEARTH_GRPC_PORT=0) as daemon:
        daemon.wait()
        ways = [Http(daemon), Grpc(daemon)]
        for number in range(chosen.rounds + 1):  # the first warms up
            for way in ways if number % 2 == 0 else ways[::-1]:
                ms, tokens = way.answer()
                if tokens != TOKENS:
                    sys.exit(f"{way.name}: {tokens} tokens")
                if number > 0:
                    took[way.name].append(ms)
    for name, all_ms in took.items():
        report.add(f"{TOKENS} tokens streamed over {name}", "ms", {peers.HEARTH: all_ms}, better="lower", places=1)
    ratio = statistics.median(took[Grpc.name]) / statistics.median(took[Http.name])
    report.add("gRPC against HTTP, medians", "x", {peers.HEARTH: [ratio]}, better="lower", target="<= 1.05", places=3)


def idle_mb(chosen, enabled):
    with served.Served(chosen.hearth, HEARTH_GRPC_PORT=0, HEARTH_GRPC_ENABLED="true" if enabled else "false") as daemon:
        daemon.wait()
        time.sleep(SETTLE_S)
        return daemon.rss_mb()


def idle(chosen, report):
    for name, enabled, target in (("on", True, "< 25"), ("off", False, "")):
        resident, anonymous = zip(*(idle_mb(chosen, enabled) for _ in range(3)))
        report.add(f"idle daemon, gRPC {name}: resident", "MB", {peers.HEARTH: resident}, better="lower",
                   target=target, places=1)
        report.add(f"idle daemon, gRPC {name}: of that its own (anonymous)", "MB", {peers.HEARTH: anonymous},
                   better="lower", places=1)


def versions(chosen, report):
    took = []
    for _ in range(VERSIONS):
        began = time.perf_counter()
        subprocess.run([chosen.hearth, "version"], check=True, stdout=subprocess.DEVNULL)
        took.append((time.perf_counter() - began) * 1000)
    report.add("hearth version", "ms", {peers.HEARTH: took}, better="lower", places=1)


def main():
    chosen = peers.options(__doc__, rounds=15, model=peers.EMBER, sides=(peers.HEARTH,))
    report = peers.Report("grpc_stream", "gRPC beside HTTP", chosen)
    streams(chosen, report)
    idle(chosen, report)
    versions(chosen, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
