"""Conversations that are remembered, as a person at a terminal has them."""
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import unittest

import harness
from harness import Daemon, scripted, wait_until
from test_cli import Terminal


class RememberedConversations(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-cli-")
        self.addCleanup(folder.cleanup)
        self.data = folder.name
        # A daemon that is started here opens no folder: these conversations are without tools.
        self.enterContext(contextlib.chdir("/"))
        self.addCleanup(self.hearth, "stop")

    def hearth(self, *arguments, **options):
        return harness.run(*arguments, "--data", self.data, **({"HEARTH_PORT": "0"} | options))

    def ok(self, *arguments, **options):
        """The standard output of a command that must succeed."""
        done = self.hearth(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def exported(self, session):
        return json.loads(self.ok("sessions", "export", session))["messages"]

    def begin(self, *arguments):
        """`hearth run --session s`, in the background, once it shows the answer that never ends."""
        command = [harness.HEARTH, "run", "--data", self.data, "--session", "s", *arguments, harness.NEVER_ENDING]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   stdin=subprocess.DEVNULL, env=harness.clean_environment(HEARTH_PORT="0"))
        self.addCleanup(lambda: process.poll() is None and process.kill())
        first = process.stdout.read(20)
        self.assertTrue(first.startswith("tick tock"), first)
        return process, first

    def test_run_remembers_over_a_stop(self):
        first = json.loads(self.ok("run", "--json", "--session", "work", "My name is Ada."))
        self.assertRegex(first["session_id"], "^sess_")
        self.ok("stop")
        again = json.loads(self.ok("run", "--json", "--session", "work", "What is my name?"))
        self.assertEqual((again["answer"], again["session_id"]), ("Your name is Ada.", first["session_id"]))
        self.assertEqual(self.ok("run", "--session", first["session_id"], "What is my name?").strip(),
                         "Your name is Ada.")
        self.assertNotIn("session_id", json.loads(self.ok("run", "--json", "hi")), "and else nothing is")
        self.assertEqual(len(self.exported("work")), 6)

    def test_what_cannot_be_meant_is_a_usage_error(self):
        for arguments, word in ((("run", "--session", "s", "--model", "x.gguf", "hi"), "daemon"),
                                (("run", "--session", "", "hi"), "name"),
                                (("chat", "--session", "s", "--continue"), "excludes"),
                                (("sessions", "delete", "s"), "--yes"),
                                (("sessions", "search", " "), "words")):
            done = self.hearth(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(word, done.stderr)

    def test_instructions_come_first(self):
        begun = self.hearth("run", "--session", "s", "--system", "Be short.", "hi")
        self.assertEqual(begun.returncode, 0)
        (note,) = begun.stderr.splitlines()
        self.assertIn("No tools: / is the whole system", note)
        for command in (("run", "--session", "s", "--system", "Rhyme.", "hi"),
                        ("chat", "--session", "s", "--system", "Rhyme.")):
            late = self.hearth(*command, stdin="hi")
            self.assertEqual(late.returncode, 0, late.stderr)
            self.assertIn("has begun already", late.stderr)
        systems = [message["content"] for message in self.exported("s") if message["role"] == "system"]
        self.assertEqual(systems, ["Be short."])

    def test_chat_goes_on(self):
        new = self.ok("chat", "--continue", stdin="My name is Ada.\n")
        self.assertIn("Ada", new)
        self.ok("stop")
        self.assertEqual(self.ok("chat", "--continue", stdin="What is my name?\n").strip(), "Your name is Ada.")
        cleared = self.ok("chat", "--session", "chat", stdin="/clear\nMy name is Bob.\n/clear\nhi\n")
        self.assertIn("Bob", cleared)
        names = [session["name"] for session in json.loads(self.ok("sessions", "list", "--json"))]
        self.assertEqual(names, ["chat-3", "chat-2", "chat"])
        self.assertEqual(len(self.exported("chat")), 4)
        self.assertEqual(len(self.exported("chat-2")), 2)
        self.ok("chat", stdin="hi\n")
        self.assertEqual(len(json.loads(self.ok("sessions", "list", "--json"))), 3, "a plain chat is not remembered")

    def test_chat_on_a_terminal_survives_its_daemon(self):
        self.ok("run", "--session", "work", "My name is Ada.")
        terminal = Terminal("chat", "--data", self.data, "--session", "work", HEARTH_PORT="0")
        seen = terminal.expect(r"Hello, Ada![^\n]*\n[^\n]*> $")
        self.assertIn("The session work goes on.", seen)
        self.assertIn("\x1b[2m> My name is Ada.", seen)
        daemon = json.loads(self.ok("status", "--json"))["pid"]
        os.kill(daemon, signal.SIGKILL)
        wait_until(lambda: harness.has_ended(daemon), 10, "the daemon is dead")
        terminal.type("What is my name?\n")
        terminal.expect(r"Your name is Ada\.\r\n(?s:.*)> ")
        self.assertEqual(terminal.leave(), 0)
        self.assertEqual(len(self.exported("work")), 4)

    def test_a_chat_on_a_terminal_is_remembered_unless_it_is_private(self):
        terminal = Terminal("chat", "--data", self.data, HEARTH_PORT="0")
        self.assertIn("A new session, chat, is remembered.", terminal.expect("> $"))
        terminal.type("My name is Ada.\n")
        terminal.expect(r"Ada(?s:.*)> $")
        self.assertEqual(terminal.leave(), 0)
        terminal = Terminal("chat", "--data", self.data, HEARTH_PORT="0")
        self.assertIn("A new session, chat-2,", terminal.expect("> $"))
        self.assertEqual(terminal.leave(), 0)
        terminal = Terminal("chat", "--private", "--data", self.data, HEARTH_PORT="0")
        self.assertIn("not remembered", terminal.expect("> $"))
        terminal.type("hi\n/help\n")
        self.assertIn("forget", terminal.expect(r"/exit(?s:.*)> $"))
        self.assertEqual(terminal.leave(), 0)
        names = [session["name"] for session in json.loads(self.ok("sessions", "list", "--json"))]
        self.assertEqual(names, ["chat"], "what was never said in is no session")

    def test_ctrl_c_stops_the_turn(self):
        with scripted(data=self.data) as daemon:
            process, _ = self.begin("--max-tokens", "6000")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(20), 130)
            wait_until(lambda: daemon.request("GET", "/v1/sessions/s").json["state"] == "idle", 10, "it was stopped")
            question, answer = self.exported("s")
            self.assertTrue(answer["content"].startswith("tick tock"), "what was shown was said")

    def test_an_answer_goes_on_when_the_daemon_is_killed_and_restarted(self):
        with scripted(data=self.data) as daemon:
            process, first = self.begin("--max-tokens", "2000")
            daemon.process.kill()
            daemon.process.wait()
            with scripted(data=self.data):
                rest = process.stdout.read()  # communicate() would lose what the first read left in its buffer
                self.assertEqual(process.wait(60), 0, process.stderr.read())
                question, answer = self.exported("s")
                self.assertEqual(question["content"], harness.NEVER_ENDING)
                self.assertEqual((first + rest).strip(), answer["content"].strip())

    def test_an_answer_that_does_not_come_is_said_and_made_later(self):
        with scripted(data=self.data) as daemon:
            process, _ = self.begin("--max-tokens", "2000")
            daemon.process.kill()
            daemon.process.wait()
            _, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 1)
            self.assertIn("hearth sessions show s", errors)
        with scripted(data=self.data):
            wait_until(lambda: len(self.exported("s")) == 2, 30, "the turn is made to its end")
            self.assertEqual([message["role"] for message in self.exported("s")], ["user", "assistant"])

    def test_export_holds_everything(self):
        said = ["My name is Ada.", 'a "quoted"\tline\nand another', "Grüße, 你好 👋", "# no heading"]
        for text in said:
            self.ok("run", "--session", "a/b c?", text)
        whole = json.loads(self.ok("sessions", "export", "a/b c?"))
        messages = whole["messages"]
        self.assertEqual(whole["session"]["name"], "a/b c?")
        self.assertEqual([message["number"] for message in messages], list(range(2 * len(said))))
        self.assertEqual([message["content"] for message in messages[::2]], said)
        lines = self.ok("sessions", "export", whole["session"]["id"], "--format", "jsonl").splitlines()
        self.assertEqual([json.loads(line) for line in lines], messages)
        document = self.ok("sessions", "export", "a/b c?", "-f", "markdown")
        for message in messages:
            self.assertIn("\n\n" + message["content"] + "\n", document)
        self.assertEqual(self.hearth("sessions", "export", "none").returncode, 1)

    def test_export_of_many_pages(self):
        with Daemon(data=self.data) as daemon:
            for number in range(4):  # turns
                body = {"session_id": "s", "max_tokens": 1,
                        "messages": [{"role": "user", "content": f"{number} {at}"} for at in range(32)]}
                answer = daemon.post("/v1/chat/completions", body)
                assert answer.status == 200, answer.body
            self.assertEqual([message["number"] for message in self.exported("s")], list(range(4 * 33)))

    def test_show_is_safe(self):
        self.ok("run", "--session", "s", "hi \x1b]0;owned\x07 \x9b2J")
        shown = self.ok("sessions", "show", "s")
        self.assertRegex(shown, r"you\nhi .*owned")
        self.assertNotRegex(shown, "[\x00-\x08\x0b-\x1f\x7f-\x9f]")

    def test_delete(self):
        self.ok("run", "--session", "s", "hi")
        self.ok("run", "--session", "t", "hi")
        self.assertEqual(self.hearth("sessions", "delete", "s", stdin="y\n").returncode, 2, "nobody was asked")
        terminal = Terminal("sessions", "delete", "s", "--data", self.data)
        terminal.expect(r"\[y/N\] ")
        terminal.type("n\n")
        terminal.expect("nothing was deleted")
        terminal = Terminal("sessions", "delete", "s", "--data", self.data)
        terminal.expect(r"\[y/N\] ")
        terminal.type("y\n")
        terminal.expect("deleted s")
        self.ok("sessions", "delete", "--yes", "t")
        self.assertEqual(json.loads(self.ok("sessions", "list", "--json")), [])
        self.assertEqual(self.hearth("sessions", "delete", "--yes", "s").returncode, 1)

    def test_search(self):
        self.ok("run", "--session", "work", "It's \"odd\", isn't it?")
        for words in (['"odd"'], ["it's", "odd"], ["isn't it?"], ["odd"]):
            found = json.loads(self.ok("sessions", "search", "--json", *words))
            self.assertEqual([one["session_name"] for one in found if one["number"] == 0], ["work"], words)
        self.assertRegex(self.ok("sessions", "search", "odd"), r"work +0 +.*\[odd\]")
        for words in ("'", '"', "?", "odd AND", "NEAR(", "xyzzy"):
            done = self.hearth("sessions", "search", words)
            self.assertEqual((done.returncode, done.stdout), (0, ""), words)
            self.assertIn("nothing", done.stderr)

    def test_list(self):
        self.assertIn("no sessions yet", self.hearth("sessions", "list").stderr)
        self.ok("run", "--session", "work", "hi")
        self.assertRegex(self.ok("sessions", "list"), r"work +sess_\w+ +idle +2 +20\d\d-\d\d-\d\d \d\d:\d\d")
