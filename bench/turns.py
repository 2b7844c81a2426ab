#!/usr/bin/env python3
"""What remembering costs: the daemon's part of a turn, a hundred open sessions, and a year of use.

1. A turn in a session (`session_id`) beside the same calls of the model that nothing remembers. Both are whole
requests at one client: HTTP, JSON, the prompt's template, the grammar of the tools, frames to the engine,
computing, and back. The stateless twin sends what the session keeps: the same instructions, the same tools as the
model is shown them (`shown_tools`), all that was said. So both prompts have the same tokens, as many of them are
computed and as many cached; the program ends with an error if the counts differ. They differ in one word of the
first question, so that neither finds what the other has computed. What is left when the twin's time is subtracted
is what a session does besides: accept and commit, which wait for the disk, reading the transcript, memories,
rules, the tool. A turn with one read_file has two calls of the model, so two requests are subtracted, less what one
exchange costs by itself (the same body, refused at its last field), because the turn has one and not two.
The model is scripted and tiny, the date is not shown (scripts look at the last words), snapshots are written as
always. Pairs are made one after the other and the median of their differences is given; p95 has the noise of both.
It can be below nothing: the engine renders and reads less of a session than of a client's whole history. So what a
turn takes besides computing is given too, the whole of it: HTTP, template, frames, store, tool.

2. 100 sessions of 40 messages: the resident memory of the daemon alone above what it was when it was ready. Talked
in over HTTP; then once more after a restart, with a turn in each. Nothing is kept of the KV cache on disk here:
the engine's writing is not the daemon's memory.

3. 100,000 messages in 500 sessions: from the start of the process until the daemon answers from its store
(`GET /v1/sessions`), with the file in the page cache; models load in the engine beside that and are not waited for.
Then the turns of 1 beside those of a new store, and searches as requests over HTTP."""
import concurrent.futures
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

import peers
import served

NOTE, HELLO, READ = "A short note.\n", "Hello.", "Read note.txt."
PAUSE_S = 0.04  # between turns, in which what goes on behind an answer ends
NEW, YEAR = "new store", "after a year"
STORES = (NEW, YEAR)
HELLOS, READS = "hello", "read"
QUESTION = "Here is the list for the house: bread, milk, the letter to the bank, a call to Ann. And what else is on it?"
CLIENTS = 4
SEARCHES = {"a rare word": "w777", "a rare and a common word": "house w777", "a word in most messages": "house",
            "five words in most messages": "what is on my list"}


def sizes(quick):
    """How much of everything: (talks of a round, pairs of a talk, sessions, turns of each, messages of the year,
    starts of a round, searches)."""
    return (1, 3, 4, 3, 2_000, 1, 3) if quick else (3, 10, 100, 20, 100_000, 3, 25)


# ---- turns --------------------------------------------------------------------------------------


class Talk:
    """A session and its stateless twin, turn by turn."""

    def __init__(self, client, name, tools):
        self.client, self.name, self.tools = client, name, tools
        self.session, self.history, self.turns = name, [], 0
        client.say(name, f"Talk A {name}. {HELLO}")
        instructions = client.get(f"/v1/sessions/{name}/context")["static"]["text"]
        self.history = [{"role": "system", "content": instructions}]
        self.twin(f"Talk B {name}. {HELLO}")

    def twin(self, question):
        """A call of the model that nothing remembers, and what it says."""
        self.history.append({"role": "user", "content": question})
        return self.twin_goes_on()

    def twin_goes_on(self):
        took_ms, answer = self.client.chat(self.history, tools=self.tools)
        self.history.append({name: value for name, value in answer["choices"][0]["message"].items() if value})
        time.sleep(PAUSE_S)
        return took_ms, answer

    def turn(self, question):
        took_ms, answer = self.client.say(self.session, question)
        time.sleep(PAUSE_S)
        return took_ms, answer

    def hello(self):
        """By kind, milliseconds of a turn without tools, of its twin, and of the turn besides computing."""
        turn_ms, answer = self.turn(HELLO)
        twin_ms, same = self.twin(HELLO)
        self.check(answer, [same])
        return {HELLOS: (turn_ms, twin_ms, turn_ms - computing_ms(answer))}

    def read(self):
        """By kind, milliseconds of a turn with one read_file, of its twins with one exchange, and of the turn
        besides the last call's computing."""
        turn_ms, answer = self.turn(READ)
        asked_ms, asked = self.twin(READ)
        (call,) = asked["choices"][0]["message"]["tool_calls"]
        refused_ms, _ = self.client.chat(self.history, tools=self.tools, deterministic=7, status=400)
        self.history.append({"role": "tool", "tool_call_id": call["id"], "content": NOTE})
        told_ms, told = self.twin_goes_on()
        self.check(answer, [asked, told])
        return {READS: (turn_ms, asked_ms + told_ms - refused_ms, turn_ms - computing_ms(answer))}

    def check(self, answer, twins):
        """That what is compared is the same."""
        def counts(of):
            return tuple(sum(one["usage"][name] for one in of) for name in ("prompt_tokens", "completion_tokens")) + (
                sum(one["usage"]["prompt_tokens_details"]["cached_tokens"] for one in of),)
        text, same = (one["choices"][0]["message"]["content"] for one in (answer, twins[-1]))
        if text != same or counts([answer]) != counts(twins):
            sys.exit(f"a turn and its twin differ: {text!r} of {counts([answer])} tokens (prompt, answer, cached), "
                     f"{same!r} of {counts(twins)}")


def computing_ms(answer):
    """What the engine says that it took to read the prompt and to write the answer."""
    return answer["timings"]["prompt_ms"] + answer["timings"]["predicted_ms"]


class Turns:
    """What was measured of each turn, by store and kind."""

    def __init__(self):
        self.times = {}

    def add(self, store, kind, number, times):
        self.times.setdefault((store, kind), {}).setdefault(number, []).append(times)

    def of_rounds(self, store, kind, what, of):
        """What `what` says of each round's turns, of each of which `of` is taken."""
        return [what([of(*times) for times in turns]) for turns in self.times[store, kind].values()]


def whole(turn_ms, _twin_ms, _besides_ms):
    return turn_ms


def more(turn_ms, twin_ms, _besides_ms):
    return turn_ms - twin_ms


def besides(_turn_ms, _twin_ms, besides_ms):
    return besides_ms


def p95(numbers):
    return statistics.quantiles(numbers, n=20)[18]


def talk(client, name, tools, pairs, store, number, found):
    one = Talk(client, name, tools)
    for at in range(pairs):
        for make in (one.hello, one.read):
            for kind, times in make().items():
                if at > 0:  # the first of a talk finds nothing of its kind computed
                    found.add(store, kind, number, times)
    print(f"{store:14} round {number} {name}", file=sys.stderr, flush=True)


def turns(daemons, tools, chosen, found):
    """The same talks with both stores in turns."""
    talks, pairs = sizes(chosen.quick)[:2]
    with contextlib.ExitStack() as stack:
        clients = {store: stack.enter_context(served.Client(daemon)) for store, daemon in daemons.items()}
        for number in range(chosen.rounds):
            for at in range(talks):
                for store in STORES if (number + at) % 2 == 0 else STORES[::-1]:
                    talk(clients[store], f"talk-{number}-{at}", tools, pairs + 1, store, number, found)


def report_turns(report, found):
    p50 = statistics.median
    for kind, what, twin, target in ((HELLOS, "turn without tools", "one stateless call", "< 2"),
                                     (READS, "turn with one read_file", "two stateless calls", "< 4")):
        def row(name, store, how, of, goal=""):
            report.add(f"{what}{name}", "ms", {peers.HEARTH: found.of_rounds(store, kind, how, of)}, better="lower",
                       target=goal)
        row(": whole, p50", NEW, p50, whole)
        row(f": more than {twin}, p50", NEW, p50, more, target)
        row(f": more than {twin}, p95", NEW, p95, more)
        # Of a turn with a tool the engine's times are those of its last call.
        measured, measure = ("besides computing", besides) if kind == HELLOS else ("whole", whole)
        if measure is besides:
            row(f": {measured}, p50", NEW, p50, besides)
        row(f", after a year: {measured}, p50", YEAR, p50, measure)
        rounds = zip(*(found.of_rounds(store, kind, p50, measure) for store in (YEAR, NEW)))
        report.add(f"{what}, {measured}: after a year / new", "",
                   {peers.HEARTH: [after / before for after, before in rounds]}, better="lower", target="<= 1.2")


# ---- many sessions ------------------------------------------------------------------------------


def say_in_all(daemon, sessions, count):
    """`count` turns in each session, by several clients at once."""
    def say(names):
        with served.Client(daemon) as client:
            for name in names:
                for _ in range(count):
                    client.say(name, f"This is talk {name}. {QUESTION}")
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(say, sessions[at::CLIENTS]) for at in range(CLIENTS)]:
            done.result()
    served.settle(daemon)


def many_sessions(chosen, model, report):
    _, _, sessions, count, *_ = sizes(chosen.quick)
    names = [f"open-{number}" for number in range(sessions)]
    settings = {"HEARTH_CONTEXT_SHOW_DATE": "false", "HEARTH_CACHE_DISK_BYTES_MAX": 0}
    data = tempfile.mkdtemp(prefix="hearth-bench-")
    try:
        for when, turns_each in (("talked in", count), ("a turn in each after a restart", 1)):
            with served.Served(chosen.hearth, "--model", model, data=data, **settings) as daemon:
                daemon.wait()
                served.settle(daemon)
                idle, idle_anonymous = daemon.rss_mb()
                say_in_all(daemon, names, turns_each)
                used, anonymous = daemon.rss_mb()
                report.add(f"{sessions} sessions of {2 * count} messages, {when}: daemon above idle", "MB",
                           {peers.HEARTH: [used - idle]}, better="lower", target="< 20", places=1)
                report.note(f"{when}: the daemon had {idle:.1f} MB when it was ready ({idle_anonymous:.1f} of its "
                            f"own), {used:.1f} MB behind it ({anonymous:.1f})")
    finally:
        shutil.rmtree(data, ignore_errors=True)


# ---- a year -------------------------------------------------------------------------------------


def make_year(folder, messages):
    began = time.monotonic()
    subprocess.run([served.BIN / "year_store", os.path.join(folder, "hearth.db"), str(messages)], check=True)
    print(f"made {messages} messages in {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def starts(chosen, model, folders, report):
    """Until the daemon answers from its store, from both stores in turns."""
    samples = {store: [] for store in STORES}
    for number in range(chosen.rounds * sizes(chosen.quick)[5]):
        for store in STORES if number % 2 == 0 else STORES[::-1]:
            with served.Served(chosen.hearth, "--model", model, data=folders[store]) as daemon:
                samples[store].append(daemon.wait("/v1/sessions?limit=1") * 1000)
                daemon.wait()
    report.add("start until the store answers, new store", "ms", {peers.HEARTH: samples[NEW]}, better="lower", places=0)
    report.add("start until the store answers, after a year", "ms", {peers.HEARTH: samples[YEAR]}, better="lower",
               target="< 200", places=0)


def searches(daemon, chosen, report):
    with served.Client(daemon) as client:
        for what, words in SEARCHES.items():
            path = "/v1/search?" + urllib.parse.urlencode({"q": words})
            found = [client.exchange("GET", path) for _ in range(sizes(chosen.quick)[6] + 1)][1:]
            if not chosen.quick and not found[0][1]["data"]:
                sys.exit(f"nothing was found for {words!r}")
            report.add(f"search after a year: {what}", "ms", {peers.HEARTH: [took_ms for took_ms, _ in found]},
                       better="lower", target="< 20")


# ---- all ----------------------------------------------------------------------------------------


def main():
    def more(parser):
        parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it works")
    chosen = peers.options(__doc__, rounds=2, model=peers.EMBER, sides=(peers.HEARTH,), more=more)
    if chosen.quick:
        chosen.rounds = 1
    report = peers.Report("turns", "Turns that are remembered", chosen)
    model, found = served.scripted_model("turns"), Turns()
    tools = served.shown_tools()
    with tempfile.TemporaryDirectory(prefix="hearth-turns-") as folder, contextlib.ExitStack() as stack:
        workspace = os.path.join(folder, "workspace")
        folders = {store: os.path.join(folder, f"data-{at}") for at, store in enumerate(STORES)}
        for path in (workspace, *folders.values()):
            os.mkdir(path)
        with open(os.path.join(workspace, "note.txt"), "w", encoding="utf-8") as note:
            note.write(NOTE)
        make_year(folders[YEAR], sizes(chosen.quick)[4])
        starts(chosen, model, folders, report)
        settings = {"HEARTH_CONTEXT_SHOW_DATE": "false", "HEARTH_TOOLS_WORKSPACE": workspace}
        daemons = {store: stack.enter_context(served.Served(chosen.hearth, "--model", model, data=path, **settings))
                   for store, path in folders.items()}
        for daemon in daemons.values():
            daemon.wait()
            served.settle(daemon)
        searches(daemons[YEAR], chosen, report)
        turns(daemons, tools, chosen, found)
        report_turns(report, found)
    many_sessions(chosen, model, report)
    talks, pairs, *_ = sizes(chosen.quick)
    report.note(f"each round has {talks * pairs} pairs of each kind; files are under {tempfile.gettempdir()}, and each "
                f"turn waits for its disk; median of {chosen.rounds} rounds (lowest to highest)")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
