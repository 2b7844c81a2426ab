"""Turns that are made again, and conversations that are written down as tests."""
import glob
import json
import os
import shutil
import sqlite3
import tempfile
import unittest

import harness
from harness import Daemon, run

SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "replay")


class Replay(unittest.TestCase):
    def setUp(self):
        self.data = self.folder("hearth-e2e-")

    def folder(self, prefix):
        path = tempfile.mkdtemp(prefix=prefix)
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def daemon(self, **options):
        return Daemon(data=self.data, **options)

    def say(self, daemon, text, **fields):
        body = {"session_id": "s", "messages": [{"role": "user", "content": text}]} | fields
        answer = daemon.post("/v1/chat/completions", body)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def replay(self, *arguments, **options):
        return run("--data", self.data, "replay", *arguments, **options)

    def assert_same(self, turns, **options):
        for turn in turns:
            done = self.replay(f"s/{turn}", "--diff", **options)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("The same, bit by bit.", done.stdout)

    def test_turns_are_the_same_bit_by_bit(self):
        """Sampled hotly, with tools, a decision and a crash between; beside the daemon and without one."""
        workspace = self.folder("hearth-workspace-")
        with open(os.path.join(workspace, "notes.txt"), "w", encoding="utf-8") as file:
            file.write("buy milk")
        with self.daemon(HEARTH_TOOLS_WORKSPACE=workspace) as daemon:
            self.say(daemon, "Hello!", temperature=1.3)
            self.say(daemon, "What is in notes.txt?", temperature=0)
            asked = self.say(daemon, "Please write 'eggs' into list.txt", temperature=0)
            self.assertEqual(asked["choices"][0]["finish_reason"], "requires_action", asked)
            approval = asked["approvals"][0]["id"]
            daemon.post(f"/v1/approvals/{approval}", {"decision": "allow"})
            self.assert_same([0, 1], HEARTH_CONTEXT_SHOW_DATE="false")
            daemon.kill()
        os.remove(os.path.join(workspace, "notes.txt"))  # what tools said is told again, not done
        with self.daemon(HEARTH_TOOLS_WORKSPACE=workspace) as daemon:
            self.say(daemon, "Tell me a story about the sea", temperature=1.3, max_tokens=40, seed=7)
            self.say(daemon, "And another one", temperature=1.3, max_tokens=40)
        self.assert_same(range(5))
        self.assertFalse(os.path.exists(os.path.join(workspace, "notes.txt")))

    def test_turns_behind_a_summary_are_the_same(self):
        settings = {"HEARTH_CONTEXT_HISTORY_TOKENS_MAX": "256", "HEARTH_CONTEXT_RECENT_MESSAGES_MAX": "2"}
        with self.daemon(**settings) as daemon:
            for number in range(8):
                self.say(daemon, f"Tell me about the number {number} and what it is good for.", temperature=1.0,
                         max_tokens=40)
        with sqlite3.connect(os.path.join(self.data, "hearth.db")) as store:
            self.assertGreater(store.execute("SELECT count(*) FROM summaries").fetchone()[0], 0)
        store.close()
        self.assert_same(range(8), **settings)

    def test_the_first_difference_is_shown(self):
        with self.daemon() as daemon:
            harness.wait_until(lambda: daemon.request("GET", "/v1/models").json["data"][0]["meta"]["fingerprint"],
                               60, "what its file is can be written down")
            self.say(daemon, "What is the capital of Italy?", temperature=0)
        store = sqlite3.connect(os.path.join(self.data, "hearth.db"))
        with store:
            store.execute("UPDATE journal SET answer_digest = 'x'")
        store.close()
        done = self.replay("s")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("call 1: prompt of", done.stdout)
        self.assertIn("ANOTHER", done.stdout)
        other = self.replay("s/0", "--diff", "--model", harness.SCRIPTED,
                            HEARTH_CONTEXT_INSTRUCTIONS="You are Ann.")
        self.assertEqual(other.returncode, 1, other.stdout)
        self.assertIn("the model's file is", other.stdout)
        self.assertIn("the instructions are others today: \"You are Ann.\" was", other.stdout)
        self.assertIn("Call 1, what it answered, at token", other.stdout)
        shown = json.loads(self.replay("s/0", "--json", "--model", harness.SCRIPTED).stdout)
        self.assertEqual(shown["difference"]["in"], "answer")
        self.assertFalse(shown["is_same"])
        store = sqlite3.connect(os.path.join(self.data, "hearth.db"))
        with store:
            store.execute("UPDATE journal SET inputs_digest = 'x'")
        store.close()
        self.assertIn("Call 1, what the model read", self.replay("s", "--diff").stdout)

    def test_what_cannot_be_made_again_is_said(self):
        with self.daemon() as daemon:
            self.say(daemon, "Hello!")
        for name, text in (("s/7", "no journal of turn 7"), ("t", 'no session "t"'),
                           ("s/99999999999", "is no SESSION/TURN"), ("", "a session is required")):
            done = self.replay(name)
            self.assertNotEqual(done.returncode, 0, name)
            self.assertIn(text, done.stderr, name)
        self.assertEqual(self.replay("s", "a.turn").returncode, 2)
        self.assertEqual(self.replay("s", "t").returncode, 2)

    def test_scripts_come_out_as_they_say(self):
        scripts = sorted(glob.glob(os.path.join(SCRIPTS, "*.turn")))
        self.assertGreater(len(scripts), 10)
        done = self.replay(*scripts)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual([line[:6] for line in done.stdout.splitlines()], ["ok    "] * len(scripts))

    def test_a_script_that_comes_out_otherwise_fails(self):
        def script(change):
            with open(os.path.join(SCRIPTS, "allowed_write.turn"), encoding="utf-8") as file:
                content = json.load(file)
            change(content)
            path = os.path.join(self.data, "a.turn")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(content, file)
            return self.replay(path)
        for change, text in (
                (lambda it: it["turns"][0]["expect"].pop(), "turns[0].expect[4]: expected nothing more, was"),
                (lambda it: it["turns"][0].update(ends="failed"), 'turns[0].ends: expected "failed", was "done"'),
                (lambda it: it["turns"][0].update(decide=["deny"]), "denied: the user said no"),
                (lambda it: it["files_after"].update({"todo.txt": None}), "files_after.todo.txt: is there"),
                (lambda it: it["rows"][0].update(gives=[]), "rows[0].gives[0]: expected nothing more"),
                (lambda it: it["rows"][0].update(sql="DELETE FROM effects"), "rows[0].sql: "),
                (lambda it: it["rows"][0].update(sql="ATTACH '/tmp/x.db' AS x"), "rows[0].sql: ")):
            done = script(change)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn(text, done.stdout)
        for change, field in ((lambda it: it.pop("turns"), "turns"),
                              (lambda it: it["turns"][0].update(ends="well"), "turns[0].ends"),
                              (lambda it: it.update(files={"../x": "y"}), "files.../x")):
            done = script(change)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertIn(field, done.stderr)


if __name__ == "__main__":
    unittest.main()
