"""What the store says, for bench/crash.py: read from the SQLite file itself, never through the daemon."""
import collections
import dataclasses
import os
import pathlib
import shutil
import sqlite3
import tempfile

UNCERTAIN = "uncertain:"
# What a process was doing when it was killed, the most delicate first.
PHASES = ("starting", "inside a tool", "between call and tool", "waiting for a yes", "in the model",
          "accepted, not begun", "idle")
OPEN_CALLS = """
  SELECT count(*) FROM inbox JOIN messages AS said
    ON said.session_id = inbox.session_id AND said.turn = inbox.turn AND said.role = 'assistant',
    json_each(said.details, '$.tool_calls') AS wanted
  WHERE inbox.state = 'running' AND inbox.ended_ms IS NULL AND NOT EXISTS (
    SELECT 1 FROM messages AS result WHERE result.session_id = inbox.session_id AND result.turn = inbox.turn
    AND result.role = 'tool' AND json_extract(result.details, '$.tool_call_id') = json_extract(wanted.value, '$.id'))"""


@dataclasses.dataclass
class Row:
    """A message in the inbox."""
    id: int
    session: str
    key: str
    state: str
    reason: str
    turn: int
    ended: bool


@dataclasses.dataclass
class Effect:
    id: int
    session: str
    turn: int
    call: str
    path: str
    state: str
    result: str


class Store:
    """One look at the store. Use as a context manager."""

    def __init__(self, connection, folder=None):
        self.db, self.folder = connection, folder

    @staticmethod
    def copy_of(data):
        """A copy of a dead daemon's store, opened with what was only in its log: the original stays as it is
        for the daemon to recover."""
        folder = tempfile.mkdtemp(prefix="hearth-crash-")
        for end in ("", "-wal"):
            source = pathlib.Path(data, "hearth.db" + end)
            if source.exists():
                shutil.copy(source, folder)
        return Store(sqlite3.connect(os.path.join(folder, "hearth.db")), folder)

    @staticmethod
    def of_living(data):
        path = pathlib.Path(data, "hearth.db").as_uri() + "?mode=ro"
        return Store(sqlite3.connect(path, uri=True, timeout=10))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.db.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def all(self, sql, *values):
        return self.db.execute(sql, values).fetchall()

    def is_made(self):
        """Whether the first daemon came so far as to make the tables."""
        return bool(self.all("SELECT 1 FROM sqlite_master WHERE name = 'inbox'"))

    def faults(self):
        found = [text for (text,) in self.all("PRAGMA integrity_check") if text != "ok"]
        return found + [f"a row of {row[0]} points nowhere" for row in self.all("PRAGMA foreign_key_check")]

    def inbox(self):
        """Rows by key."""
        rows = self.all("SELECT id, session_id, key, state, reason, turn, ended_ms IS NOT NULL FROM inbox")
        return {row[2]: Row(*row) for row in rows}

    def find(self, key):
        rows = self.all("SELECT id, session_id, key, state, reason, turn, ended_ms IS NOT NULL FROM inbox "
                        "WHERE key = ?", key)
        return Row(*rows[0]) if rows else None

    def effects(self):
        return [Effect(*row) for row in self.all(
            "SELECT id, session_id, turn, call_id, json_extract(arguments, '$.path'), state, result FROM effects "
            "WHERE class <> 'reads' ORDER BY id")]

    def turns(self):
        """Messages by session and turn: (role, content, calls, the call that it answers)."""
        found = collections.defaultdict(list)
        for session, turn, role, content, calls, answers in self.all(
                "SELECT session_id, turn, role, content, json_extract(details, '$.tool_calls'), "
                "json_extract(details, '$.tool_call_id') FROM messages ORDER BY session_id, number"):
            found[session, turn].append((role, content, calls, answers))
        return found

    def phase(self):
        def count(sql):
            return self.all(sql)[0][0]
        if not self.is_made():
            return "starting"
        if count("SELECT count(*) FROM effects WHERE state = 'intended' AND class <> 'reads'"):
            return "inside a tool"
        running = count("SELECT count(*) FROM inbox WHERE state = 'running'")
        waits = count("SELECT count(*) FROM approvals WHERE state = 'waiting'")
        open_calls = count(OPEN_CALLS)
        if open_calls > waits:
            return "between call and tool"
        if running > waits:
            return "in the model"
        if count("SELECT count(*) FROM inbox WHERE state = 'waiting'"):
            return "accepted, not begun"
        return "waiting for a yes" if waits else "idle"


def check_message(message, row, turn, say):
    """One message that has an end: it was said once, and has exactly that end."""
    said = [content for role, content, _, _ in turn if role == "user"]
    answers = [content for role, content, calls, _ in turn if role == "assistant" and not calls]
    if row.state == "done":
        if said != [message.text]:
            say(f"{message.key} is done and its turn holds the messages {said}")
        if len(answers) != 1 or turn[-1][0] != "assistant":
            say(f"{message.key} is done with {len(answers)} answers")
        if message.told and message.told != ("reply", answers[0] if answers else None):
            say(f"{message.key}: the client was told {message.told}, the transcript says {answers}")
        return
    if len(said) > 1 or any(text != message.text for text in said):
        say(f"{message.key} ended as {row.state} and its turn holds the messages {said}")
    if not row.reason:
        say(f"{message.key} ended as {row.state} without a reason")
    if message.told and message.told[0] == "reply":
        say(f"{message.key}: the client got a reply, the store says {row.state}")
    if row.state == "failed" and answers:
        say(f"{message.key} failed and has an answer: {answers}")


def check_effect(effect, turn, say):
    """What a tool did is in the transcript as it was; what is not known is said to be so."""
    results = [content for role, content, _, answers in turn if role == "tool" and answers == effect.call]
    what = f"the call {effect.call} on {effect.path} ({effect.state})"
    if len(results) != 1:
        return say(f"{what} has {len(results)} results in the transcript")
    expected = {"done": effect.result, "failed": "error: " + effect.result}.get(effect.state, UNCERTAIN)
    if not results[0].startswith(expected):
        say(f"{what} is shown as: {results[0]}")


class Ledger:
    """What must be true of one store and one workspace over all of its crashes."""

    def __init__(self, workspace, marks, say):
        """`marks`: by file, what each effect adds to it once."""
        self.workspace, self.marks, self.say = workspace, marks, say
        self.happened = {}  # by effect's id, once it is known: 0 or 1
        self.shown_uncertain = 0

    def counts(self):
        return {path: pathlib.Path(self.workspace, path).read_text().count(mark)
                for path, mark in self.marks.items()}

    def check_effects(self, store):
        """With nobody at work: each effect that is done happened once, one that was cut off at most once, and
        both stay as they were."""
        counts = self.counts()
        for path, count in counts.items():
            effects = [effect for effect in store.effects() if effect.path == path]
            known = sum(self.happened[e.id] if e.id in self.happened else e.state == "done" for e in effects)
            unknown = [e for e in effects
                       if e.state in ("intended", "uncertain") and e.id not in self.happened]
            if not known <= count <= known + len(unknown):
                self.say(f"{path} has {count} marks; {known} calls made one, {len(unknown)} perhaps")
            elif len(unknown) == 1:
                self.happened[unknown[0].id] = count - known

    def check_dead(self, store, messages):
        """After a crash: what was acknowledged is there, what was answered is as it was answered."""
        for fault in store.faults():
            self.say(f"the store: {fault}")
        if not store.is_made():
            return
        rows, turns = store.inbox(), store.turns()
        for message in messages:
            row = rows.get(message.key)
            if row is None and (message.acknowledged or message.told):
                self.say(f"{message.key} was acknowledged and is lost")
            if message.told and row and not row.ended:
                self.say(f"{message.key} was told {message.told} and has no end in the store")
            if row and row.ended:
                check_message(message, row, turns[row.session, row.turn], self.say)
        self.check_effects(store)

    def check_end(self, store, messages):
        """At the end of all, with nobody at work."""
        self.check_dead(store, messages)
        turns = store.turns()
        for row in store.inbox().values():
            if not row.ended:
                self.say(f"{row.key} is {row.state} for ever")
        for effect in store.effects():
            check_effect(effect, turns[effect.session, effect.turn], self.say)
            if effect.state == "intended":
                self.say(f"the call {effect.call} is intended for ever")
            self.shown_uncertain += effect.state == "uncertain"
        said = collections.Counter(content for turn in turns.values() for role, content, _, _ in turn if role == "user")
        for text, times in said.items():
            if times > 1:
                self.say(f"'{text}' is {times} times in the transcripts")
