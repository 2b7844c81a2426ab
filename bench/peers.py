"""What the programs of this folder share: Hearth and llama-server side by side, HTTP over raw sockets
with the time of each token, whole-process memory, and one form of table.

A program makes its `options()` and a `Report`, starts sides with `start()`, asks them through a `Loop`
and adds a row for each thing that it measured. `Report.finish()` prints the table and writes it to
build/bench/results/NAME.json, from where bench/report.py takes it into docs/performance.md."""
import argparse
import contextlib
import dataclasses
import errno
import http.client
import json
import os
import pathlib
import random
import re
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
import harness  # noqa: E402  the daemon under test is started as the end-to-end tests start it

HEARTH, LLAMA = "hearth", "llama-server"
SIDES = (HEARTH, LLAMA)
RESULTS = ROOT / "build" / "bench" / "results"
TINYLLAMA = ROOT / "build" / "bench" / "tinyllama-shaped-q4_0.gguf"
EMBER = ROOT / "models" / "ember" / "ember.gguf"
READY_TIMEOUT_S = 180
ANSWER_TIMEOUT_S = 900
RECEIVE_BYTES = 65536
# Each is one token of Llama's vocabulary with the space before it.
WORDS = ("that with this have from your which work will would there return when part like then class using code some "
         "need what data want only should form also were they more other just time file first does them into public "
         "over where value their same name could about list error been know under follow look problem result type "
         "than after method line object case make pass answer test here call back each find point read used such "
         "example string think number hand because start help post user very array check text every before these "
         "again long second found right said show direct well element link between through while most true").split()


# ---- options ------------------------------------------------------------------------------------


def options(docstring, rounds=3, model=TINYLLAMA, more=None, sides=SIDES):
    """The command line that all programs have; `more(parser)` adds what only one has."""
    parser = argparse.ArgumentParser(description=docstring, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--hearth", default=os.environ.get("HEARTH", str(ROOT / "build/release/bin/hearth")))
    parser.add_argument("--llama-server", default=str(ROOT / "build/deps/peer/bin/llama-server"))
    parser.add_argument("--model", default=str(model), help="a GGUF file (default %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="0: Hearth's own choice, and all cores for llama-server")
    parser.add_argument("--only", choices=SIDES, help="leave the other side out")
    if more:
        more(parser)
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a server never outlives its program
    chosen.only = chosen.only or (sides[0] if len(sides) == 1 else None)
    programs = {HEARTH: chosen.hearth, LLAMA: chosen.llama_server}
    needed = [chosen.model] + [programs[side] for side in order(chosen, 0)]
    for path in needed:
        if not os.path.exists(path):
            sys.exit(f"{path} is not there: make build, bench/peer.sh and bench/model.sh make what this needs")
    return chosen


def order(chosen, number):
    """The sides in the order of this round, so that neither always finds the warmer machine."""
    sides = [chosen.only] if chosen.only else list(SIDES)
    return sides if number % 2 == 0 else sides[::-1]


def rounds(chosen):
    """Yields (round, side) in alternating order."""
    for number in range(chosen.rounds):
        for side in order(chosen, number):
            yield number, side


# ---- servers ------------------------------------------------------------------------------------


@dataclasses.dataclass
class Setup:
    """How both sides are started. `context` is for each request; the KV cache holds slots times that."""
    model: str = ""  # empty: the program's --model
    context: int = 2048
    slots: int = 4
    kv: str = "f16"
    threads: int = 0
    cache_ram_mib: int = -2  # llama-server's host cache; -2: its own default
    hearth: dict = dataclasses.field(default_factory=dict)  # more settings as environment variables
    llama: tuple = ()  # more arguments


def tree(pid):
    """A process and everything below it."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{parent}/task"):
                found += map(int, pathlib.Path(f"/proc/{parent}/task/{thread}/children").read_text().split())
    return found


def memory_mib(pids):
    """Whole processes, added up: resident, of that private, and with shared pages divided (PSS)."""
    sums = {"VmRSS": 0, "RssAnon": 0, "Pss": 0}
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        with contextlib.suppress(OSError):
            text += pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        for name in sums:
            match = re.search(rf"^{name}:\s+(\d+) kB", text, re.M)
            sums[name] += int(match[1]) if match else 0
    return {name: kib / 1024 for name, kib in sums.items()}


class Server:
    """One side, running. Subclasses start it and say where it is."""
    side, host, port, pid = "", "127.0.0.1", 0, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        raise NotImplementedError

    def pids(self):
        return tree(self.pid)

    def memory_mib(self):
        return memory_mib(self.pids())

    def get(self, path, timeout_s=10):
        """(status, body); status 0 when nobody listens."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()

    def chat(self, content, tokens, **fields):
        """An exchange, not yet sent: a streamed answer of exactly that many tokens."""
        messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
        body = {"messages": messages, "max_tokens": tokens, "temperature": 0, "ignore_eos": True, "stream": True,
                "stream_options": {"include_usage": True}}
        return Exchange(self, body | fields)


class Hearth(Server):
    """`hearth serve` with a data directory of its own."""
    side = HEARTH

    def __init__(self, chosen, setup, wait_ready=True):
        harness.HEARTH = chosen.hearth
        model = setup.model or chosen.model
        settings = {"HEARTH_MODEL_CONTEXT_TOKENS": setup.context, "HEARTH_MODEL_SLOTS": setup.slots,
                    "HEARTH_MODEL_KV_TYPE": setup.kv, "HEARTH_MODEL_THREADS": setup.threads or chosen.threads}
        settings = {name: str(value) for name, value in (settings | setup.hearth).items()}
        self.daemon = harness.Daemon("--model", model, wait_ready=False, **settings)
        self.host, self.port, self.pid = self.daemon.host, self.daemon.port, self.daemon.process.pid
        if wait_ready:
            with self.stopped_on_error():
                harness.wait_until(self.is_ready, READY_TIMEOUT_S, "hearth is ready")

    @contextlib.contextmanager
    def stopped_on_error(self):
        try:
            yield
        except BaseException:
            print(self.daemon.log()[-2000:], file=sys.stderr)
            self.stop()
            raise

    def is_ready(self):
        return self.daemon.is_ready()

    def stop(self):
        self.daemon.kill()


class LlamaServer(Server):
    """llama-server with the same model, context for each slot, KV type and threads; else its defaults."""
    side = LLAMA

    def __init__(self, chosen, setup, wait_ready=True):
        with socket.create_server((self.host, 0)) as free:
            self.port = free.getsockname()[1]
        threads = str(setup.threads or chosen.threads or os.cpu_count())
        command = [chosen.llama_server, "--host", self.host, "--port", str(self.port), "-m",
                   setup.model or chosen.model, "-c", str(setup.context * setup.slots), "-np", str(setup.slots), "-t",
                   threads, "-tb", threads, "-ctk", setup.kv, "-ctv", setup.kv, "--offline", *setup.llama]
        if setup.cache_ram_mib != -2:
            command += ["--cache-ram", str(setup.cache_ram_mib)]
        self.folder = tempfile.mkdtemp(prefix="llama-server-")
        self.log = open(os.path.join(self.folder, "log"), "w+b")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.pid = self.process.pid
        if wait_ready:
            try:
                harness.wait_until(self.is_ready, READY_TIMEOUT_S, "llama-server is ready")
            except BaseException:
                self.log.seek(0)
                print(self.log.read().decode(errors="replace")[-2000:], file=sys.stderr)
                self.stop()
                raise

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"llama-server ended with {self.process.returncode}")
        return self.get("/health")[0] == 200

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(side, chosen, setup, wait_ready=True):
    return (Hearth if side == HEARTH else LlamaServer)(chosen, setup, wait_ready)


@contextlib.contextmanager
def started(chosen, setup):
    """Both sides at once, by name. One that is idle costs memory and nothing else."""
    with contextlib.ExitStack() as stack:
        servers = {side: stack.enter_context(start(side, chosen, setup)) for side in order(chosen, 0)}
        for server in servers.values():
            answer(server.chat(prompt(64, "warm up"), 8))
        yield servers


# ---- HTTP ---------------------------------------------------------------------------------------


class Exchange:
    """One request and its answer over a socket of its own, with the time of everything that came.
    Times are seconds of time.monotonic(); None is "not yet"."""

    def __init__(self, server, body, path="/v1/chat/completions"):
        data = json.dumps(body).encode()
        head = (f"POST {path} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n")
        self.address = (server.host, server.port)
        self.unsent = head.encode() + data
        self.socket = None
        self.sent_at = self.head_at = self.ended_at = None
        self.token_at = []  # arrival of each piece of content
        self.status, self.headers, self.error = None, {}, ""
        self.text, self.usage, self.timings = "", {}, {}
        self._raw, self._body, self._done = b"", b"", False

    @property
    def first_token_s(self):
        """From sending to the first token."""
        return self.token_at[0] - self.sent_at

    @property
    def tokens_per_s(self):
        """Of all tokens after the first, as they arrived here."""
        return (len(self.token_at) - 1) / (self.token_at[-1] - self.token_at[0])

    def longest_gap_s(self, since=0.0):
        """Longest pause before a token that came after `since`."""
        return max(b - a for a, b in zip(self.token_at, self.token_at[1:]) if b > since)

    def receive(self, data, now):
        if not data:
            if not self._until_closed():
                self.error = self.error or "the connection ended early"
            self._end(now)
            return
        self._raw += data
        if self.status is None and not self._read_head(now):
            return
        if self.headers.get("transfer-encoding") == "chunked":
            self._unchunk(now)
        else:
            self._body, self._raw = self._body + self._raw, b""
        if "event-stream" in self.headers.get("content-type", ""):
            self._read_events(now)
        if not self._done and len(self._body) >= int(self.headers.get("content-length", 1 << 60)):
            self._end(now)

    def _until_closed(self):
        """Whether the end of the connection is how this answer says that it is whole."""
        return self.status is not None and not {"transfer-encoding", "content-length"} & self.headers.keys()

    def _read_head(self, now):
        head, end, rest = self._raw.partition(b"\r\n\r\n")
        if not end:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status, self.head_at, self._raw = int(first.split()[1]), now, rest
        self.headers = {name.lower(): value.strip().lower() for name, _, value in (n.partition(":") for n in lines)}
        return True

    def _unchunk(self, now):
        while not self._done:
            size, end, rest = self._raw.partition(b"\r\n")
            if not end:
                return
            bytes_wanted = int(size, 16)
            if len(rest) < bytes_wanted + 2:
                return
            self._body, self._raw = self._body + rest[:bytes_wanted], rest[bytes_wanted + 2:]
            if bytes_wanted == 0:
                self._end(now)

    def _read_events(self, now):
        *events, self._body = self._body.split(b"\n\n")
        for event in events:
            if event.startswith(b"data: ") and event != b"data: [DONE]":
                self._read_event(json.loads(event[6:]), now)

    def _read_event(self, event, now):
        if "error" in event:
            self.error = event["error"]["message"]
        self.usage = event.get("usage") or self.usage
        self.timings = event.get("timings") or self.timings
        for choice in event.get("choices", ()):
            piece = choice.get("delta", {}).get("content")
            if piece:
                self.text += piece
                self.token_at.append(now)

    def _end(self, now):
        self.ended_at, self._done = now, True
        if "event-stream" not in self.headers.get("content-type", "") and self._body:
            with contextlib.suppress(ValueError):
                whole = json.loads(self._body)
                self.usage, self.timings = whole.get("usage", {}), whole.get("timings", {})
                self.error = whole["error"]["message"] if "error" in whole else ""


class Loop:
    """Drives any number of exchanges from one thread, so that the client costs the servers little."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.active = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for exchange in list(self.active):
            self.hang_up(exchange)
        self.selector.close()

    def send(self, exchange):
        exchange.socket = socket.socket()
        exchange.socket.setblocking(False)
        exchange.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        exchange.sent_at = time.monotonic()
        code = exchange.socket.connect_ex(exchange.address)
        if code not in (0, errno.EINPROGRESS):
            exchange.error, exchange.ended_at = os.strerror(code), time.monotonic()
            exchange.socket.close()
            return exchange
        self.selector.register(exchange.socket, selectors.EVENT_WRITE, exchange)
        self.active.add(exchange)
        return exchange

    def hang_up(self, exchange):
        if exchange in self.active:
            self.selector.unregister(exchange.socket)
            self.active.discard(exchange)
        exchange.socket.close()

    def run(self, until=None, timeout_s=ANSWER_TIMEOUT_S):
        """Until `until()` or, without it, until everything ended. False when the time was up before."""
        deadline = time.monotonic() + timeout_s
        while self.active and not (until and until()):
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            for key, ready in self.selector.select(min(left_s, 0.1)):
                self._serve(key.data, ready)
        return True

    def _serve(self, exchange, ready):
        try:
            if ready & selectors.EVENT_WRITE:
                self._write(exchange)
            else:
                exchange.receive(exchange.socket.recv(RECEIVE_BYTES), time.monotonic())
        except BlockingIOError:
            return
        except OSError as error:
            exchange.error, exchange.ended_at = str(error), time.monotonic()
        if exchange.ended_at:
            self.hang_up(exchange)

    def _write(self, exchange):
        sent = exchange.socket.send(exchange.unsent)
        exchange.unsent = exchange.unsent[sent:]
        if not exchange.unsent:
            self.selector.modify(exchange.socket, selectors.EVENT_READ, exchange)


def checked(exchange):
    """The exchange, or the end of the program if it did not end well."""
    if exchange.status != 200 or exchange.error or not exchange.ended_at:
        sys.exit(f"an answer failed: status {exchange.status}, {exchange.error or 'not finished'}")
    return exchange


def answer(exchange):
    """Sends one exchange and waits for its end."""
    with Loop() as loop:
        loop.send(exchange)
        loop.run()
    return checked(exchange)


def prompt(words, seed):
    """That many tokens of text, always the same for a seed. Different seeds share no prefix."""
    chance = random.Random(str(seed))
    return " " + " ".join(chance.choice(WORDS) for _ in range(words))


# ---- results ------------------------------------------------------------------------------------


def machine():
    """What the figures were taken on."""
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True,
                            text=True, check=False).stdout.strip()
    return {"cpu": cpu[1] if cpu else os.uname().machine, "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(int(memory[1]) / 2**20), "kernel": os.uname().release, "commit": commit,
            "load": round(os.getloadavg()[0], 2), "date": time.strftime("%Y-%m-%d %H:%M")}


def command(arguments):
    """The command line as the page shows it: without where this machine keeps the two programs."""
    line = " ".join(["bench/" + os.path.basename(arguments[0]), *arguments[1:]])
    return re.sub(r" --(hearth|llama-server)[ =]\S+", "", line)


@dataclasses.dataclass
class Row:
    """One line of a table. `better` is the ratio's direction; `target` reads ">= 1.0 x" or "<= 0.7"."""
    what: str
    unit: str
    samples: dict  # side -> numbers
    better: str = "higher"
    target: str = ""
    places: int = 2

    def median(self, side):
        return statistics.median(self.samples[side]) if self.samples.get(side) else None

    def ratio(self):
        """How many times better Hearth is; None without both."""
        ours, theirs = self.median(HEARTH), self.median(LLAMA)
        if not ours or not theirs:
            return None
        return ours / theirs if self.better == "higher" else theirs / ours

    def met(self):
        """True, False, or None without a target."""
        match = re.match(r"(<=|>=|<|>) ([\d,.]+)( x)?", self.target)
        if not match:
            return None
        value, limit = self.ratio() if match[3] else self.median(HEARTH), float(match[2].replace(",", ""))
        if value is None:
            return None
        return {"<=": value <= limit, ">=": value >= limit, "<": value < limit, ">": value > limit}[match[1]]

    def cells(self):
        """The line as text: what, unit, both sides, ratio, target, verdict."""
        out = [self.what, self.unit]
        for side in SIDES:
            numbers = self.samples.get(side)
            if not numbers:
                out.append("-")
                continue
            middle, low, high = (f"{value:,.{self.places}f}" for value in
                                 (self.median(side), min(numbers), max(numbers)))
            out.append(middle if low == high else f"{middle} ({low} to {high})")
        ratio, met = self.ratio(), self.met()
        return out + [f"{ratio:.2f}" if ratio else "-", self.target or "-", {True: "yes", False: "NO", None: "-"}[met]]


COLUMNS = ("what", "unit", "Hearth", "llama-server", "times better", "target", "met")


class Report:
    """The table of one program."""

    def __init__(self, name, title, chosen, setup=None):
        self.name, self.title, self.rows, self.notes, self.more = name, title, [], [], {}
        self.machine, self.began = machine(), time.monotonic()
        self.command = command(sys.argv)
        if setup:
            model = pathlib.Path(setup.model or chosen.model).name
            self.notes.append(f"{model}, context {setup.context:,} x {setup.slots} slots, KV {setup.kv}, "
                              f"median of {chosen.rounds} rounds (lowest to highest)")

    def add(self, what, unit, samples, better="higher", target="", places=2):
        self.rows.append(Row(what, unit, samples, better, target, places))

    def note(self, text):
        self.notes.append(text)

    def text(self):
        lines = [COLUMNS] + [row.cells() for row in self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)

    def finish(self):
        """Prints the table and writes it down. Returns the program's exit status: 1 if a target was missed."""
        seconds = time.monotonic() - self.began
        print(f"\n{self.title}\n{self.text()}")
        for note in self.notes:
            print(f"  {note}")
        print(f"  {self.command}: {seconds:.0f} s", flush=True)
        RESULTS.mkdir(parents=True, exist_ok=True)
        rows = [{"cells": row.cells(), "samples": row.samples} for row in self.rows]
        result = {"name": self.name, "title": self.title, "command": self.command, "seconds": round(seconds),
                  "machine": self.machine, "columns": COLUMNS, "rows": rows, "notes": self.notes, **self.more}
        (RESULTS / f"{self.name}.json").write_text(json.dumps(result, indent=1) + "\n")
        return 1 if any(row.met() is False for row in self.rows) else 0


class Samples(dict):
    """Numbers by name, then by side: samples.add("decode", side, 21.3)."""

    def add(self, name, side, value):
        self.setdefault(name, {}).setdefault(side, []).append(value)
        print(f"{side:12}  {name:44} {value:10.3f}", file=sys.stderr, flush=True)
