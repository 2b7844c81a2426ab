"""The engine is killed in the middle of a session's turn while the daemon lives: the turn ends with an error that says
so, nothing hangs, and the session goes on."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import tempfile
import unittest

import harness
from harness import wait_until

TURN_MAX_S = 30  # in which a turn whose engine is gone must have ended


def say(daemon, content, **fields):
    return daemon.chat(content, session_id="s", timeout=TURN_MAX_S, **fields)


def session(daemon):
    (found,) = daemon.request("GET", "/v1/sessions").json["data"]
    return found


def texts(daemon):
    messages = daemon.request("GET", f"/v1/sessions/{session(daemon)['id']}/messages").json["data"]
    return [(message["role"], message["content"]) for message in messages]


def texts_waiting(daemon):
    """Messages that have no answer yet."""
    with contextlib.closing(sqlite3.connect(f"file:{daemon.data}/hearth.db?mode=ro", uri=True)) as store:
        return store.execute("SELECT id FROM inbox WHERE ended_ms IS NULL").fetchall()


def signal_engine(daemon, number):
    (engine,) = daemon.engine_pids()
    os.kill(engine, number)
    return engine


class EngineKilled(unittest.TestCase):
    def fails(self, answer):
        self.assertEqual(answer.status, 503, answer.body)
        self.assertIn("engine", answer.error["message"])
        self.assertEqual(answer.error["type"], "server_error")

    def works_again(self, daemon):
        self.assertEqual(say(daemon, "What is 2+2?").text, "2+2 is 4.")
        self.assertEqual(session(daemon)["state"], "idle")
        self.assertEqual(texts(daemon)[-2:], [("user", "What is 2+2?"), ("assistant", "2+2 is 4.")])

    def test_in_the_middle_of_a_stream(self):
        with harness.scripted() as daemon:
            say(daemon, "Say hello.")
            for _ in range(2):  # the second engine is as good as the first
                stream = daemon.stream(harness.NEVER_ENDING, session_id="s", max_tokens=7000, timeout=TURN_MAX_S)
                events = iter(stream)
                for _ in range(5):
                    next(events)
                signal_engine(daemon, signal.SIGKILL)
                error = json.loads(list(events)[-1])["error"]
                self.assertIn("engine", error["message"])
                wait_until(daemon.is_ready, TURN_MAX_S, "engine restarted")
            self.works_again(daemon)
            self.assertNotIn(harness.NEVER_ENDING, dict(texts(daemon)).values(),
                             "a question without an answer is no part of the conversation")

    def test_before_the_first_token(self):
        with harness.scripted() as daemon, concurrent.futures.ThreadPoolExecutor(1) as pool:
            say(daemon, "Say hello.")
            signal_engine(daemon, signal.SIGSTOP)
            asked = pool.submit(say, daemon, "Count to thirty.")
            wait_until(lambda: session(daemon)["state"] == "thinking", TURN_MAX_S, "the turn runs")
            signal_engine(daemon, signal.SIGKILL)
            self.fails(asked.result())
            self.works_again(daemon)

    def test_messages_that_wait_behind_it_are_answered(self):
        with harness.scripted() as daemon, concurrent.futures.ThreadPoolExecutor(3) as pool:
            say(daemon, "Say hello.")
            signal_engine(daemon, signal.SIGSTOP)
            first = pool.submit(say, daemon, harness.NEVER_ENDING, max_tokens=7000)
            wait_until(lambda: session(daemon)["state"] == "thinking", TURN_MAX_S, "the turn runs")
            second = pool.submit(say, daemon, "What is 2+2?")
            wait_until(lambda: len(texts_waiting(daemon)) == 2, TURN_MAX_S, "it waits behind the other")
            signal_engine(daemon, signal.SIGKILL)
            self.fails(first.result())
            self.assertEqual(second.result().text, "2+2 is 4.")
            self.works_again(daemon)

    def test_behind_a_tool_that_has_run(self):
        """What the tool did stays, once; the error says that there is no answer."""
        folder = tempfile.mkdtemp(prefix="hearth-workspace-")
        self.addCleanup(shutil.rmtree, folder)
        new = pathlib.Path(folder, "new.txt")
        with harness.tool_calling(HEARTH_TOOLS_WORKSPACE=folder) as daemon:
            (approval,) = say(daemon, "Write hello to new.txt.").json["approvals"]
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                signal_engine(daemon, signal.SIGSTOP)
                decided = pool.submit(daemon.post, f"/v1/approvals/{approval['id']}", {"decision": "allow"})
                wait_until(new.exists, TURN_MAX_S, "the tool has run")
                wait_until(lambda: session(daemon)["state"] == "thinking", TURN_MAX_S, "the model is asked")
                signal_engine(daemon, signal.SIGKILL)
                self.fails(decided.result())
            self.assertEqual(new.read_text(), "hello")
            self.assertIn(("tool", "created new.txt (5 bytes)"), texts(daemon))
            self.assertEqual(session(daemon)["state"], "idle")
            self.assertEqual(daemon.request("GET", "/v1/approvals").json["data"], [])
            new.unlink()
            self.assertEqual(say(daemon, "Write hello to new.txt.").json["choices"][0]["finish_reason"],
                             "requires_action")
            self.assertFalse(new.exists(), "what was allowed once is not done again")

    def test_many_in_a_row(self):
        """An engine that ends again and again is restarted with pauses; turns end with an error meanwhile."""
        with harness.scripted() as daemon:
            say(daemon, "Say hello.")
            for _ in range(3):
                if daemon.engine_pids():
                    signal_engine(daemon, signal.SIGKILL)
                answer = say(daemon, "What is 2+2?")
                self.assertIn(answer.status, (200, 503), answer.body)
            wait_until(daemon.is_ready, TURN_MAX_S, "engine restarted")
            self.works_again(daemon)


if __name__ == "__main__":
    unittest.main()
