"""Starts the real binary and talks to it over real sockets. Standard library only."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HEARTH = os.path.abspath(os.environ.get("HEARTH_BINARY", "build/release/bin/hearth"))
SCRIPTED = os.path.abspath(os.environ.get("HEARTH_SCRIPTED_MODEL", "build/release/assets/scripted.gguf"))
START_TIMEOUT_S = 60


def clean_environment(**extra):
    """The environment without anything that Hearth reads."""
    names = ("HOST", "PORT", "MODEL_PATH", "DB_PATH", "KEY_PATH", "PLUGIN_DIR")
    kept = {k: v for k, v in os.environ.items() if k not in names and not k.startswith("HEARTH_")}
    return kept | extra


def run(*arguments, timeout=120, stdin="", **extra):
    """Runs `hearth ARGUMENTS` to its end; returns the CompletedProcess with text output."""
    environment = clean_environment(**extra)
    return subprocess.run([HEARTH, *map(str, arguments)], input=stdin, text=True, capture_output=True,
                          timeout=timeout, env=environment)


def is_static():
    """Whether the binary is the one that is shipped, and not a debug or sanitizer build."""
    return "not a dynamic" in subprocess.run(["ldd", HEARTH], capture_output=True, text=True).stderr


def wait_until(condition, timeout_s, what):
    """Waits for `condition()` to be true and returns its value."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.01)


def has_ended(pid):
    """True if no process has this number, or only a dead one that nobody has collected yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


class Answer:
    """One HTTP answer, read whole."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]

    @property
    def text(self):
        """The answer's text, of a chat completion."""
        return self.json["choices"][0]["message"]["content"]


class Stream:
    """A Server-Sent Events answer, read event by event."""

    def __init__(self, connection, response):
        self.connection, self.response, self.status = connection, response, response.status

    def __iter__(self):
        """Yields each event's data as text, `[DONE]` included."""
        for line in self.response:
            line = line.decode().rstrip("\r\n")
            if line.startswith("data: "):
                yield line[len("data: "):]

    def events(self):
        """Yields each event's JSON; ends at [DONE]."""
        for data in self:
            if data == "[DONE]":
                return
            yield json.loads(data)

    def text(self):
        """Reads to the end; the content of all deltas."""
        pieces = [e["choices"][0]["delta"].get("content") or "" for e in self.events() if e.get("choices")]
        return "".join(pieces)

    def close(self):
        self.response.close()
        self.connection.close()


class Daemon:
    """A `hearth serve` on a free port with a data directory of its own."""

    def __init__(self, *arguments, data=None, port=0, wait_ready=True, **environment):
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="hearth-e2e-")
        self.log_path = os.path.join(self.data, "serve.log")
        command = [HEARTH, "serve", "--data", self.data, "--port", str(port), *map(str, arguments)]
        # Tests stop and kill engines; those of others shall not wait for the cores that these hold.
        # And each has a port of its own for gRPC: the usual one may be somebody's.
        environment = {"XDG_RUNTIME_DIR": self.data, "HEARTH_GRPC_PORT": "0"} | environment
        self.log_file = open(self.log_path, "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log_file,
                                        stderr=self.log_file, env=clean_environment(**environment))
        try:
            self.host, self.port = wait_until(self._address, START_TIMEOUT_S, "daemon listens")
            if wait_ready:
                wait_until(self.is_ready, START_TIMEOUT_S, "daemon ready")
        except AssertionError as error:
            log = self.log()
            self.kill()
            raise AssertionError(f"{error}\n{log}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def _address(self):
        if self.process.poll() is not None:
            raise AssertionError(f"daemon ended with {self.process.returncode}")
        with contextlib.suppress(OSError, ValueError):
            pid_file = json.loads(pathlib.Path(self.data, "hearth.pid").read_text())
            if pid_file["port"] and pid_file["pid"] == self.process.pid:  # a killed one leaves its file
                return pid_file["host"], pid_file["port"]
        return None

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"daemon ended with {self.process.returncode}")
        return self.request("GET", "/health/ready").status == 200

    def log(self):
        return pathlib.Path(self.log_path).read_text(errors="replace")

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def engine_pids(self):
        """The daemon's engines, from when they are themselves: a child that is stopped before exec stops
        whoever starts it."""
        path = f"/proc/{self.process.pid}/task"
        engines = []
        for thread in os.listdir(path):
            with contextlib.suppress(OSError):
                for child in pathlib.Path(path, thread, "children").read_text().split():
                    if b"\0engine\0" in pathlib.Path("/proc", child, "cmdline").read_bytes():
                        engines.append(int(child))
        return sorted(engines)

    def connect(self, timeout=60):
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def socket(self, timeout=60):
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = self.connect(timeout)
        try:
            data = json.dumps(body) if isinstance(body, (dict, list)) else body
            connection.request(method, path, data, {"Content-Type": "application/json"} | (headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def post(self, path, body, **options):
        return self.request("POST", path, body, **options)

    def chat(self, content, timeout=60, **fields):
        """A chat completion; `content` is the user's message or a list of messages."""
        return self.post("/v1/chat/completions", chat_body(content, **fields), timeout=timeout)

    def stream(self, content, timeout=60, **fields):
        connection = self.connect(timeout)
        body = json.dumps(chat_body(content, stream=True, **fields))
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        return Stream(connection, connection.getresponse())

    def metric(self, name, **labels):
        """The sum of a metric over all label sets that contain `labels`."""
        total = 0.0
        for line in self.request("GET", "/metrics").body.decode().splitlines():
            match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if match and match[1] == name and all(f'{k}="{v}"' in (match[2] or "") for k, v in labels.items()):
                total += float(match[3])
        return total

    def stop(self, timeout=30):
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log_file.close()
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)


def chat_body(content, **fields):
    messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
    return {"messages": messages, "temperature": 0} | fields


# The scripts look at the last words of a prompt, which a date would push away.
NO_DATE = {"HEARTH_CONTEXT_SHOW_DATE": "false"}


def scripted(*arguments, **options):
    """A daemon with the scripted model; its answers are known to the byte (tests/scripted/script.json)."""
    return Daemon("--model", SCRIPTED, *arguments, **(NO_DATE | options))


def tool_calling(**options):
    """A daemon with the model that calls Hearth's own tools (tests/scripted/tools.json)."""
    options = NO_DATE | options
    return Daemon("--model", os.path.join(os.path.dirname(SCRIPTED), "scripted-tools.gguf"), **options)


NEVER_ENDING = "Never stop."  # the scripted model answers this for ever
