#!/usr/bin/env python3
"""Answers of a provider through Hearth and without it. The provider is a program on this machine that streams like
OpenAI's, each piece with the time at which it was sent; its answers are paid for, so that each is reserved in the
ledger, on disk, before it is asked for.

First the time to the first token: one request after the other on a connection that stays open, to the provider and
through Hearth in turns. Then 500 streams at once, each of 40 pieces, one every 250 ms: how long a piece takes from
the provider to the client, directly and through Hearth."""
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import peers
import served

STREAMS, PIECES, PAUSE_S = 500, 40, 0.25
REQUESTS = 300  # one after the other, of each side
PRICES = 'date = "2026-01-01"\nsource = "bench"\n[[price]]\nmodel = "openai/*"\ninput = "1"\noutput = "1"\n'
SETTINGS = """[server]
connections_max = 2000
[budget]
day_max = ""
month_max = ""
[[provider]]
name = "openai"
url = "http://127.0.0.1:{port}/v1"
requests_max = 2000
"""


def chunk(content=None, **fields):
    choices = [] if content is None else [{"index": 0, "delta": {"content": content}, "finish_reason": None}]
    event = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    event |= fields
    data = b"data: " + json.dumps(event).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


END = (chunk(None, choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
       + chunk(None, usage={"prompt_tokens": 10, "completion_tokens": PIECES}) + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


async def provide(reader, writer):
    """One connection of the provider. The request says how many pieces, as max_completion_tokens."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = int(next(line.split(b":")[1] for line in lines if line.startswith(b"content-length")))
            body = json.loads(await reader.readexactly(length))
            pieces = body["max_completion_tokens"]
            writer.write(HEAD)
            # Where streams begin does not make them all send at once.
            begin = time.monotonic() + (random.random() * PAUSE_S if pieces > 1 else 0)
            for number in range(pieces):
                if pieces > 1:
                    await asyncio.sleep(max(0, begin + number * PAUSE_S - time.monotonic()))
                writer.write(chunk(f"{time.monotonic_ns()} "))
            writer.write(END)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def serve_provider():
    server = await asyncio.start_server(provide, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def open_at(port):
    return await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)


async def ask(streams, path, model, pieces, delays):
    """One answer on an open connection. Gives the seconds to its first piece; how long each piece took goes to
    `delays`, in milliseconds."""
    reader, writer = streams
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": True,
                       "max_completion_tokens": pieces}).encode()
    began = time.monotonic()
    writer.write(b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer key-of-bench\r\n"
                 b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (path, len(body)) + body)
    first, seen = None, 0
    while True:
        line = await reader.readline()
        if not line or line == b"0\r\n":
            break
        now = time.monotonic_ns()
        if line.startswith(b"data: {") and b'"content":' in line:
            content = json.loads(line[6:])["choices"][0]["delta"].get("content")
            if content:
                sent = [int(one) for one in content.split()]
                seen += len(sent)
                delays.extend((now - one) / 1e6 for one in sent)
                first = first or time.monotonic() - began
    await reader.readline()
    if seen != pieces:
        sys.exit(f"{seen} of {pieces} pieces came")
    return first


async def first_tokens(ports, paths, models):
    """Milliseconds to the first token: directly, and through Hearth."""
    connections = [await open_at(port) for port in ports]
    took = ([], [])
    for number in range(REQUESTS + 20):
        for side in (0, 1):
            first = await ask(connections[side], paths[side], models[side], 1, [])
            if number >= 20:
                took[side].append(first * 1000)
    for _, writer in connections:
        writer.close()
    return took


async def many(port, path, model):
    delays = []

    async def one():
        streams = await open_at(port)
        await ask(streams, path, model, PIECES, delays)
        streams[1].close()
    await asyncio.gather(*(one() for _ in range(STREAMS)))
    return delays


def p99(values):
    return sorted(values)[len(values) * 99 // 100]


def main():
    if sys.argv[1:] == ["--provide"]:
        asyncio.run(serve_provider())
        return 0
    chosen = peers.options(__doc__, rounds=3, model=peers.EMBER, sides=(peers.HEARTH,))
    report = peers.Report("providers", "Answers of a provider, through Hearth and without it", chosen)
    with subprocess.Popen([sys.executable, __file__, "--provide"], stdout=subprocess.PIPE, text=True) as provider, \
            tempfile.TemporaryDirectory(prefix="hearth-providers-") as data:
        port = int(provider.stdout.readline())
        with open(os.path.join(data, "hearth.toml"), "w", encoding="utf-8") as settings:
            settings.write(SETTINGS.format(port=port))
        with open(os.path.join(data, "prices.toml"), "w", encoding="utf-8") as prices:
            prices.write(PRICES)
        with served.Served(chosen.hearth, data=data, OPENAI_API_KEY="key-of-bench") as daemon:
            daemon.wait()
            samples = peers.Samples()
            for _ in range(chosen.rounds):
                direct, through = asyncio.run(first_tokens((port, daemon.port), (b"/v1/chat/completions",) * 2,
                                                           ("m", "openai/m")))
                samples.add("first token, directly", peers.HEARTH, statistics.median(direct))
                samples.add("added to the first token by Hearth, median", peers.HEARTH,
                            statistics.median(through) - statistics.median(direct))
                alone = asyncio.run(many(port, b"/v1/chat/completions", "m"))
                with_hearth = asyncio.run(many(daemon.port, b"/v1/chat/completions", "openai/m"))
                samples.add(f"{STREAMS} streams, a piece's way, directly: 99th of 100", peers.HEARTH, p99(alone))
                samples.add(f"{STREAMS} streams, added to a piece's way by Hearth: 99th of 100", peers.HEARTH,
                            p99(with_hearth) - p99(alone))
                samples.add("resident", peers.HEARTH, daemon.rss_mb()[0])
        provider.terminate()
    targets = {"added to the first token by Hearth, median": "< 3",
               f"{STREAMS} streams, added to a piece's way by Hearth: 99th of 100": "< 20"}
    for name, by_side in samples.items():
        if name == "resident":
            report.add("the daemon behind these streams: resident", "MB", by_side, better="lower", target="< 120",
                       places=1)
        else:
            report.add(name, "ms", by_side, better="lower", target=targets.get(name, ""))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
