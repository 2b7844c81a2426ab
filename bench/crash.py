#!/usr/bin/env python3
"""crash.py [--points 500] [--seed N]: kills the daemon, the engine or both with SIGKILL at random moments of a
load, starts them again, and compares what clients were told with what the store and the workspace hold.

Several clients talk at once in sessions, each message with an Idempotency-Key: turns whose tool adds a mark to a
file (so that one run of a tool can be told from two), turns with two such calls, turns that wait for a yes, plain
answers, cancelled ones, and turns of Ember. After each crash whoever has no answer asks again with the same key.
A store is used for many crashes, then everybody is answered and the whole is looked at. Moments are drawn at
random, and aimed at: the beginning of the daemon, the sending of a request, the first byte of an answer, a change
in the store's log, in the folder of undo and in the workspace. Exit status 1 if a promise of docs/reliability.md
was broken; then the store is kept and its place printed."""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
sys.path.insert(0, str(ROOT / "bench"))
import harness  # noqa: E402
from crash_load import AIM_MAX_S, Client, Load, stat_of  # noqa: E402
from crash_store import PHASES, Ledger, Store  # noqa: E402

DAEMON, ENGINE, BOTH = "daemon", "engine", "daemon and engine"
KINDS = {DAEMON: 5, ENGINE: 2, BOTH: 2}  # how often
POINTS_OF_A_STORE = 25
EMBER_EVERY = 5      # one store in five talks with Ember
START_KILLED = 0.2   # how often a daemon is killed again while it starts
START_MAX_S = 0.3
ORPHAN_MAX_S = 5     # an engine without its daemon ends by itself within this
ANSWERS_MAX = 10     # between two crashes, as long as they come within
PAUSE_MAX_S = 5
MARKS = {f"{name}.txt": "+" for name in "abceh"} | {"g": "+"}
SETTINGS = """
[[policy.rule]]
tool = "edit_file"
pattern = "*"
decision = "allow"

[[policy.rule]]
tool = "edit_file"
pattern = "e.txt"
decision = "ask"
"""
SCRIPTED = [Client("a", "Add to a."), Client("b", "Add to b.", {"cancels": True}), Client("c", "Add to c."),
            Client("e", "Add to e."), Client("twice", "Add twice.", {"cancels": True}),
            Client("count", "Count to thirty."), Client("again", "Count to thirty.", {"cancels": True})]
EMBER = [Client(f"ember{number}", question, {"fields": {"max_tokens": 24}})
         for number, question in enumerate(("What is the capital of Italy?", "My name is Ada.", "What is my name?"))]


class Served(harness.Daemon):
    """A daemon whose start is not waited for, so that it can be killed in it. Its log goes on over restarts."""

    def __init__(self, data, model, workspace):
        self.own_data, self.data = False, data
        self.log_path = os.path.join(data, "serve.log")
        command = [harness.HEARTH, "serve", "--data", data, "--port", "0"] + (["--model", model] if model else [])
        environment = {"XDG_RUNTIME_DIR": data} | harness.NO_DATE
        if workspace:
            environment["HEARTH_TOOLS_WORKSPACE"] = workspace
        self.log_file = open(self.log_path, "ab")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log_file,
                                        stderr=self.log_file, env=harness.clean_environment(**environment))

    def wait_listening(self):
        self.host, self.port = harness.wait_until(self._address, harness.START_TIMEOUT_S, "daemon listens")

    def engines(self):
        try:
            return self.engine_pids()
        except OSError:
            return []


def kill(pid):
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        pass


class Life:
    """One store, from its making to the last look at it."""

    def __init__(self, run, number, points):
        self.run, self.number, self.points = run, number, points
        self.random = random.Random(f"{run.seed}-{number}")
        self.is_ember = number % EMBER_EVERY == EMBER_EVERY - 1
        self.folder = tempfile.mkdtemp(prefix=f"hearth-crash-{run.seed}-{number}-")
        self.data, self.workspace = os.path.join(self.folder, "data"), os.path.join(self.folder, "workspace")
        os.makedirs(self.data)
        os.makedirs(self.workspace)
        pathlib.Path(self.data, "hearth.toml").write_text(SETTINGS)
        for path in MARKS:
            pathlib.Path(self.workspace, path).write_text("on" if path == "g" else "end")
        self.point = 0
        self.violations = []
        self.ledger = Ledger(self.workspace, MARKS, self.say)
        self.load = Load(self.data, EMBER if self.is_ember else SCRIPTED, f"{run.seed}-{number}", self.say)
        self.orphans = []
        self.daemon = None
        self.interrupted = set()

    def say(self, text):
        if text not in [said for _, said in self.violations]:
            self.violations.append((self.point, text))
            print(f"VIOLATION, seed {self.run.seed}, store {self.number}, point {self.point}: {text}", flush=True)

    # ---- processes -------------------------------------------------------------------------------

    def start(self):
        model = None if self.is_ember else self.run.model
        self.daemon = Served(self.data, model, None if self.is_ember else self.workspace)

    def restart(self):
        """Starts the daemon and, sometimes, kills it while it starts, which is a point of its own."""
        self.start()
        while self.point < self.points and self.random.random() < START_KILLED:
            self.point += 1
            time.sleep(self.random.uniform(0, START_MAX_S))
            self.kill_daemon("starting")
            self.start()
        self.daemon.wait_listening()
        self.load.serve_at((self.daemon.host, self.daemon.port))

    def kill_daemon(self, phase=None, kind=DAEMON):
        engines = self.daemon.engines()
        victims = [self.daemon.process.pid] + (engines if kind == BOTH else [])
        self.random.shuffle(victims)
        for pid in victims:
            kill(pid)
        self.daemon.process.wait()
        self.load.gone()
        self.daemon.log_file.close()
        self.orphans += [(pid, time.monotonic() + ORPHAN_MAX_S) for pid in engines]
        with Store.copy_of(self.data) as store:
            self.ledger.check_dead(store, list(self.load.messages))
            self.note(kind, phase or store.phase(), store)

    def kill_engine(self):
        engines = self.daemon.engines()
        self.load.calm_since = time.monotonic()
        for pid in engines:
            kill(pid)
        with Store.of_living(self.data) as store:
            self.note(ENGINE, store.phase() if engines else "starting", store)

    def note(self, kind, phase, store):
        self.run.hits[kind, phase] += 1
        if store.is_made():
            self.interrupted |= {row.key for row in store.inbox().values() if row.state == "running"}

    def check_orphans(self):
        for pid, deadline in self.orphans:
            if time.monotonic() > deadline and not harness.has_ended(pid):
                self.say(f"engine {pid} outlives its daemon")
        self.orphans = [(pid, deadline) for pid, deadline in self.orphans if time.monotonic() <= deadline]

    # ---- moments ---------------------------------------------------------------------------------

    def let_answer(self, count):
        """So that some crashes come early and others into the middle of much that is going on."""
        enough, deadline = self.load.answered + count, time.monotonic() + PAUSE_MAX_S
        while self.load.answered < enough and time.monotonic() < deadline:
            time.sleep(0.005)

    def wait_for_moment(self):
        aims = {"time": None, "a request is sent": lambda: self.load.sent,
                "an answer begins": lambda: self.load.answered,
                "the store is written": lambda: stat_of(os.path.join(self.data, "hearth.db-wal"))}
        if not self.is_ember:
            aims |= {"a version is kept for undo": lambda: stat_of(os.path.join(self.data, "undo")),
                     "the workspace changes": lambda: stat_of(self.workspace)}
        look = aims[self.random.choice(list(aims))]
        self.let_answer(self.random.choice((0, self.random.randint(1, ANSWERS_MAX))))
        time.sleep(self.random.uniform(0.02, 0.4))
        if look is None:
            return
        before, deadline = look(), time.monotonic() + AIM_MAX_S
        while look() == before and time.monotonic() < deadline:
            time.sleep(0.0001)
        if self.random.random() < 0.7:
            time.sleep(self.random.expovariate(1 / 0.003))

    # ---- the whole -------------------------------------------------------------------------------

    def live(self):
        self.restart()
        self.load.start()
        while self.point < self.points:
            self.wait_for_moment()
            self.point += 1
            kind = self.random.choices(list(KINDS), KINDS.values())[0]
            if kind == ENGINE:
                self.kill_engine()
            else:
                self.kill_daemon(kind=kind)
                self.restart()
            self.check_orphans()
        self.end()

    def end(self):
        self.load.finish()
        self.daemon.stop()
        time.sleep(0.1)
        self.daemon.log_file.close()
        with Store.copy_of(self.data) as store:
            self.ledger.check_end(store, self.load.messages)
            self.count(store)
        self.check_doctor()
        strays = [name for folder in (self.workspace, os.path.join(self.data, "undo"))
                  if os.path.isdir(folder) for name in os.listdir(folder) if name.startswith(".hearth-")]
        self.run.totals["stray files"] += len(strays)

    def count(self, store):
        totals, rows = self.run.totals, store.inbox()
        totals["messages accepted"] += len(rows)
        totals["answered with a reply"] += sum(row.state == "done" for row in rows.values())
        totals["answered with an error"] += sum(row.state == "failed" for row in rows.values())
        totals["cancelled by their sender"] += sum(row.state == "dropped" for row in rows.values())
        cut_off = [rows[key] for key in self.interrupted]
        totals["turns cut off"] += len(cut_off)
        totals["of these: resumed to a reply"] += sum(row.state == "done" for row in cut_off)
        totals["of these: reported as failed or cancelled"] += sum(row.state != "done" for row in cut_off)
        totals["tool effects"] += len(store.effects())
        totals["of these: shown as uncertain"] += self.ledger.shown_uncertain
        totals["asked again with the same key"] += self.load.reasked

    def check_doctor(self):
        model = [] if self.is_ember else ["--model", self.run.model]
        done = harness.run("doctor", "--json", "--data", self.data, *model, XDG_RUNTIME_DIR=self.data)
        for finding in json.loads(done.stdout):
            if finding["verdict"] == "FAIL":
                self.say(f"hearth doctor: {finding['check']}: {finding['detail']}")

    def put_away(self):
        if self.violations:
            print(f"store {self.number} is kept in {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


class Run:
    def __init__(self, options):
        self.seed, self.points, self.model = options.seed, options.points, options.model
        self.hits, self.totals = collections.Counter(), collections.Counter()
        self.violations = 0

    def live(self):
        done = number = 0
        while done < self.points:
            life = Life(self, number, min(POINTS_OF_A_STORE, self.points - done))
            try:
                life.live()
            except Exception as error:  # whatever it was, the store is evidence
                life.say(f"the harness broke off: {type(error).__name__}: {error}")
                raise
            finally:
                if life.daemon and life.daemon.process.poll() is None:
                    life.daemon.process.kill()
                life.put_away()
                self.violations += len(life.violations)
            done, number = done + life.point, number + 1
            print(f"{done} points, {self.violations} violations", flush=True)

    def table(self, took_s):
        kinds = list(KINDS)
        lines = ["| killed while | " + " | ".join(kinds) + " |", "|---|" + "---:|" * len(kinds)]
        for phase in PHASES:
            if any(self.hits[kind, phase] for kind in kinds):
                lines.append(f"| {phase} | " + " | ".join(str(self.hits[kind, phase]) for kind in kinds) + " |")
        sums = [sum(count for (of, _), count in self.hits.items() if of == kind) for kind in kinds]
        lines += ["| all | " + " | ".join(map(str, sums)) + " |", "", "| counted | |", "|---|---:|"]
        lines += [f"| {name} | {count:,} |" for name, count in self.totals.items()]
        lines += [f"| **violations** | **{self.violations}** |", "",
                  f"Seed {self.seed}, {sum(sums)} points in {took_s / 60:.1f} minutes."]
        return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--hearth", default=os.environ.get("HEARTH_BINARY", str(ROOT / "build/release/bin/hearth")))
    parser.add_argument("--model", default=str(ROOT / "build/release/assets/scripted-crash.gguf"))
    options = parser.parse_args()
    harness.HEARTH = options.hearth
    threading.excepthook = thread_failed
    run, began = Run(options), time.monotonic()
    print(f"seed {run.seed}", flush=True)
    run.live()
    print("\n" + run.table(time.monotonic() - began))
    return 1 if run.violations or broken_threads else 0


broken_threads = []


def thread_failed(details):
    broken_threads.append(details)
    threading.__excepthook__(details)


if __name__ == "__main__":
    sys.exit(main())
