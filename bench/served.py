"""What the programs share that talk to sessions of `hearth serve`: a daemon whose folder outlives it, a client
on one connection that takes the time, and models that say a script."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import peers

BIN = peers.ROOT / "build" / "release" / "bin"
SCRIPTS = peers.ROOT / "bench" / "scripts"
LOOK_S = 0.0005
STOP_TIMEOUT_S = 30
ANSWER_TIMEOUT_S = 600
GGUF_UINT32 = 4        # the type of a value in a GGUF file
HEADER_BYTES = 1 << 20  # in which its own numbers stand, before the vocabulary
QUIET_S = 0.25  # without a change, in which whatever went on behind an answer has ended


class Served(peers.Server):
    """`hearth serve` on a port that is known beforehand. `data`: a folder that stays; without it, one of its
    own that goes with it."""
    side = peers.HEARTH

    def __init__(self, binary, *arguments, data=None, **settings):
        with socket.create_server((self.host, 0)) as free:
            self.port = free.getsockname()[1]
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="hearth-bench-")
        self.began = time.monotonic()
        self.log = open(os.path.join(self.data, "serve.log"), "ab")
        command = [binary, "serve", "--data", self.data, "--port", str(self.port), *map(str, arguments)]
        # Other daemons' engines shall not lend cores to this one's.
        environment = {"XDG_RUNTIME_DIR": self.data} | {name: str(value) for name, value in settings.items()}
        self.process = subprocess.Popen(command, env=peers.harness.clean_environment(**environment),
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.pid = self.process.pid

    def wait(self, path="/health/ready"):
        """Until `path` is there. Gives the seconds since the start of the process."""
        while self.get(path)[0] != 200:
            if self.process.poll() is not None or time.monotonic() - self.began > peers.READY_TIMEOUT_S:
                text = open(self.log.name, errors="replace").read()[-2000:]
                self.kill()
                sys.exit(f"hearth serve does not answer {path}:\n{text}")
            time.sleep(LOOK_S)
        return time.monotonic() - self.began

    def rss_mb(self):
        """(resident, of that anonymous) of the daemon alone, without its engines, as smaps_rollup says."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as lines:
            found = {line.split()[0]: int(line.split()[1]) * 1024 / 1e6 for line in lines if " kB" in line}
        return found["Rss:"], found["Anonymous:"]

    def kill(self):
        """As a power cut: the daemon and its engines at once."""
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.log.close()

    def stop(self):
        """With SIGTERM, as a service manager does."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self.log.close()
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)


class Client:
    """One connection that stays open. Times are milliseconds from sending a request to the end of its answer."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=ANSWER_TIMEOUT_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def exchange(self, method, path, body=None, status=200):
        """(milliseconds, answer)"""
        data = json.dumps(body).encode() if body is not None else None
        began = time.perf_counter()
        self.connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        took_ms = (time.perf_counter() - began) * 1000
        if answer.status != status:
            sys.exit(f"{method} {path}: {answer.status} {text[:500]}")
        return took_ms, json.loads(text)

    def get(self, path):
        return self.exchange("GET", path)[1]

    def chat(self, messages, status=200, **fields):
        body = {"messages": messages, "temperature": 0} | fields
        return self.exchange("POST", "/v1/chat/completions", body, status)

    def say(self, session, text, **fields):
        return self.chat([{"role": "user", "content": text}], session_id=session, **fields)


def settle(server):
    """Until the daemon and its engines have taken no time of a core for a while: what is computed and written
    behind an answer, while nobody waits, is done."""
    def used():
        return sum(ticks(pid) for pid in server.pids())
    seen, since = used(), time.monotonic()
    while time.monotonic() - since < QUIET_S:
        time.sleep(QUIET_S / 5)
        now = used()
        if now != seen:
            seen, since = now, time.monotonic()


def ticks(pid):
    """Of the clock in which the kernel counts a process's time, in user and kernel mode."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    except OSError:
        return 0


def shown_tools():
    """Hearth's own tools as a model is shown them, as the `tools` of a request."""
    made = subprocess.run([BIN / "shown_tools"], check=True, capture_output=True)
    return json.loads(made.stdout)


def scripted_model(name, cases=None):
    """A model with Ember's vocabulary that says bench/scripts/NAME.json, or `cases`; made when they are newer."""
    model, maker = peers.RESULTS.parent / f"{name}.gguf", BIN / "make_scripted_model"
    if not maker.exists():
        sys.exit(f"{maker} is not there: cmake --build --preset release --target scripted_model")
    model.parent.mkdir(parents=True, exist_ok=True)
    script = SCRIPTS / f"{name}.json"
    if cases is not None:
        script, text = model.with_suffix(".json"), json.dumps(cases, indent=1)
        if not script.exists() or script.read_text(encoding="utf-8") != text:
            script.write_text(text, encoding="utf-8")
    made_of = max(path.stat().st_mtime for path in (script, maker, peers.EMBER))
    if not model.exists() or model.stat().st_mtime < made_of:
        subprocess.run([maker, peers.EMBER, script, model], check=True, stdout=sys.stderr)
    return model


def stretched(model, context):
    """The same model with another number of tokens that it says it holds: for one of random weights, or one that
    looks at its last words only, this is a label and nothing else."""
    model = pathlib.Path(model)
    longer = peers.RESULTS.parent / f"{model.stem}-context-{context}.gguf"
    if not longer.exists() or longer.stat().st_mtime < model.stat().st_mtime:
        part = longer.with_suffix(".part")
        shutil.copyfile(model, part)
        with open(part, "r+b") as file:
            found = re.search(rb"\w+\.context_length" + struct.pack("<I", GGUF_UINT32), file.read(HEADER_BYTES))
            if not found:
                sys.exit(f"{model}: the head does not say how many tokens it holds")
            file.seek(found.end())
            file.write(struct.pack("<I", context))
        part.rename(longer)
    return longer
