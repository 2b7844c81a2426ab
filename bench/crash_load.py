"""The scripted load of bench/crash.py: clients that talk in sessions, ask again after each crash with the same
Idempotency-Key, and remember what they were told."""
import contextlib
import dataclasses
import http.client
import json
import os
import random
import threading
import time

from crash_store import Store

ATTEMPT_TIMEOUT_S = 60
PATIENCE_S = 300     # for an answer, since the last crash
TALK_LENGTH = 12     # messages in one session, then the next begins
REASKED = 0.15       # how often an earlier message is sent again, to hear the same
CANCELLED = 0.3      # how often a session is cancelled behind a message, of who does that at all
ALLOWED = 0.8        # of the questions that a person is asked
AFTER_ERROR_S = 0.3
AIM_MAX_S = 2        # for a moment that does not come
LOST = (OSError, http.client.HTTPException, json.JSONDecodeError)


@dataclasses.dataclass
class Client:
    """One that talks: `question` is what it says, behind a number of its own."""
    name: str
    question: str
    extra: dict = dataclasses.field(default_factory=dict)
    patience: bool = True  # cancels nothing


@dataclasses.dataclass
class Message:
    key: str
    session: str
    text: str
    stream: bool
    acknowledged: bool = False  # its answer had begun, or its row was seen
    told: tuple = ()            # ("reply", text) or ("error", code): the first end that was told
    shown: str = ""             # of a stream that was cut off, the longest


class Interrupted(Exception):
    """The answer did not come to its end."""


class Talker(threading.Thread):
    """One client's thread."""

    def __init__(self, load, client, seed):
        super().__init__(daemon=True, name=client.name)
        self.load, self.client, self.random = load, client, random.Random(seed)
        self.mine = []

    def run(self):
        while not self.load.closing.is_set():
            message = self.next_message()
            self.mine.append(message)
            self.load.messages.append(message)
            if self.client.extra.get("cancels") and self.random.random() < CANCELLED:
                aimed = self.random.random() < 0.5
                threading.Thread(target=self.load.cancel, daemon=True,
                                 args=(message.session, self.random.uniform(0, 0.8), aimed)).start()
            self.settle(message)
            if message.told and message.told[0] == "error":
                time.sleep(AFTER_ERROR_S)  # an engine that is started again refuses in no time
            if self.random.random() < REASKED:
                self.ask_again(self.random.choice(self.mine))
            time.sleep(self.random.uniform(0, 0.05))

    def next_message(self):
        number = len(self.mine)
        session = f"{self.client.name}-{number // TALK_LENGTH}"
        return Message(f"{self.client.name}-{number}", session, f"#{self.client.name}{number}: {self.client.question}",
                       self.random.random() < 0.5)

    def settle(self, message):
        """Until the message has its end and this client knows it."""
        asked_at = time.monotonic()
        while not message.told:
            if time.monotonic() > max(asked_at, self.load.calm_since) + PATIENCE_S:
                return self.load.say(f"{message.key} got no end within {PATIENCE_S} s")
            told = self.ask(message)
            if told:
                message.told = told
                if told[0] == "reply" and not told[1].startswith(message.shown):
                    self.load.say(f"{message.key} was shown {message.shown!r} first and {told[1]!r} in the end")

    def ask_again(self, message):
        """What has an end keeps it, however often it is asked for."""
        if not message.told:
            return
        asked_at = time.monotonic()
        while time.monotonic() < max(asked_at, self.load.calm_since) + PATIENCE_S:
            told = self.ask(message)
            if told:
                self.load.reasked += 1
                if told != message.told:
                    self.load.say(f"{message.key} was told {message.told}, and later {told}")
                return
        self.load.say(f"{message.key} got no answer when it was asked for again")

    def ask(self, message):
        """One attempt. The end that was told, or nothing."""
        try:
            status, body = self.load.post(self, message)
        except LOST + (Interrupted,):
            self.load.wait_up()
            return ()
        if status == 200:
            return self.reply_of(body)
        return self.error_of(message, status, body)

    def reply_of(self, body):
        """A reply; when somebody has to decide first, what comes of that."""
        if not body.get("approvals"):
            return ("reply", body["text"])
        for approval in body["approvals"]:
            allow = self.random.random() < ALLOWED
            try:
                self.load.decide(self, approval["id"], allow)
            except LOST + (Interrupted,):
                self.load.wait_up()
        return ()  # asked for again with the key

    def error_of(self, message, status, body):
        """An error is an end if the store says so. Otherwise the message was not accepted, or goes on."""
        text = body.get("error", {}).get("message", "")
        if status < 429:
            self.load.say(f"{message.key} was refused: {status} {text}")
            return ("error", status)
        try:
            with Store.of_living(self.load.data) as store:
                row = store.find(message.key)
        except Exception as error:  # the store's file is being made or recovered
            row = None
            self.load.trouble = str(error)
        if row is None:
            self.load.wait_up()
            return ()
        message.acknowledged = True
        return ("error", row.state) if row.ended and row.state != "done" else ()


class Load:
    """All clients of one store, and where the daemon is."""

    def __init__(self, data, clients, seed, say):
        self.data, self.say = data, say
        self.messages, self.closing = [], threading.Event()
        self.up = threading.Event()
        self.address = None
        self.sent, self.answered, self.reasked = 0, 0, 0  # counted, for whoever waits for such a moment
        self.trouble = ""
        self.calm_since = time.monotonic()  # the last crash
        self.talkers = [Talker(self, client, f"{seed}-{client.name}") for client in clients]

    def start(self):
        for talker in self.talkers:
            talker.start()

    def finish(self):
        """No new messages; waits for the ends of those that were sent."""
        self.closing.set()
        for talker in self.talkers:
            talker.join(PATIENCE_S + ATTEMPT_TIMEOUT_S)
            if talker.is_alive():
                self.say(f"{talker.name} still waits")

    def serve_at(self, address):
        self.address = address
        self.calm_since = time.monotonic()
        self.up.set()

    def gone(self):
        self.up.clear()

    def wait_up(self):
        time.sleep(0.01)
        self.up.wait(ATTEMPT_TIMEOUT_S)

    def exchange(self, method, path, body, headers):
        connection = http.client.HTTPConnection(*self.address, timeout=ATTEMPT_TIMEOUT_S)
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"} | headers)
        self.sent += 1
        return connection, connection.getresponse()

    def post(self, talker, message):
        """Status and body; of a stream the text put together."""
        body = {"session_id": message.session, "messages": [{"role": "user", "content": message.text}],
                "temperature": 0, "stream": message.stream} | talker.client.extra.get("fields", {})
        connection, response = self.exchange("POST", "/v1/chat/completions", body, {"Idempotency-Key": message.key})
        with contextlib.closing(connection):
            if response.status == 200:
                message.acknowledged = True
                self.answered += 1
            if response.status == 200 and message.stream:
                return 200, read_stream(response, message)
            parsed = json.loads(response.read())
            return response.status, parsed if response.status != 200 else whole(parsed)

    def decide(self, talker, approval, allow):
        connection, response = self.exchange("POST", f"/v1/approvals/{approval}",
                                             {"decision": "allow" if allow else "deny"}, {})
        with contextlib.closing(connection):
            return json.loads(response.read())

    def cancel(self, session, delay_s, aimed):
        """After a while, or when a tool has just kept a version for undo: then it is about to write."""
        undo = os.path.join(self.data, "undo")
        before, deadline = stat_of(undo), time.monotonic() + (AIM_MAX_S if aimed else delay_s)
        while time.monotonic() < deadline and (not aimed or stat_of(undo) == before):
            time.sleep(0.0005)
        try:
            connection, response = self.exchange("POST", f"/v1/sessions/{session}/cancel", {}, {})
            with contextlib.closing(connection):
                response.read()
        except LOST:
            pass


def stat_of(path):
    """What changes with a file or a folder."""
    try:
        found = os.stat(path)
        return found.st_mtime_ns, found.st_size
    except OSError:
        return None


def whole(body):
    return {"text": body["choices"][0]["message"]["content"], "approvals": body.get("approvals")}


def read_stream(response, message):
    """A stream to its end. A failure within it ends it too; then the store is asked what became of it."""
    text, approvals = "", None
    for line in response:
        line = line.decode().strip()
        if not line.startswith("data: "):
            continue
        if line == "data: [DONE]":
            return {"text": text, "approvals": approvals}
        event = json.loads(line[6:])
        if "error" in event:
            raise Interrupted(event["error"]["message"])
        approvals = event.get("approvals") or approvals
        for choice in event.get("choices", []):
            text += choice["delta"].get("content") or ""
        if len(text) > len(message.shown):
            message.shown = text
    raise Interrupted("the stream broke off")
