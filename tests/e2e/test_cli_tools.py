"""What a person sees of tools: the question before one acts, the way back, and where they work."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import unittest

import harness
from harness import scripted, tool_calling, wait_until
from test_cli import Terminal

TOOLS_MODEL = os.path.abspath(os.path.join(os.path.dirname(harness.SCRIPTED), "scripted-tools.gguf"))
BINARY = os.path.abspath(harness.HEARTH)
WRITE = "Write hello to new.txt."  # the model calls write_file
ANSWER = "I have read what came of it."  # and says this when the file was made
WAITING = 3  # exit status


def counted(daemon, condition):
    """How many messages of the inbox are so."""
    with contextlib.closing(sqlite3.connect(f"file:{daemon.data}/hearth.db?mode=ro", uri=True)) as store:
        return store.execute(f"SELECT count(*) FROM inbox WHERE {condition}").fetchone()[0]


def open_messages(daemon):
    return counted(daemon, "ended_ms IS NULL")


class InAFolder(unittest.TestCase):
    """Commands that are given in a workspace, with a data directory of their own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hearth-tools-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data, self.workspace = os.path.join(self.folder, "data"), os.path.join(self.folder, "work")
        os.mkdir(self.workspace)
        self.new = pathlib.Path(self.workspace, "new.txt")
        self.addCleanup(self.hearth, "stop")

    def environment(self, extra):
        return harness.clean_environment(**({"HEARTH_PORT": "0", "HEARTH_MODEL": TOOLS_MODEL, **harness.NO_DATE,
                                             "HOME": self.folder + "/home"} | extra))

    def hearth(self, *arguments, stdin="", folder=None, **extra):
        return subprocess.run([BINARY, *arguments, "--data", self.data], input=stdin, text=True,
                              capture_output=True, timeout=120, env=self.environment(extra),
                              cwd=folder or self.workspace)

    def ok(self, *arguments, **options):
        done = self.hearth(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def chat(self, *arguments, folder=None, **extra):
        terminal = Terminal("chat", *arguments, "--data", self.data, folder=folder or self.workspace,
                            binary=BINARY, **{k: v for k, v in self.environment(extra).items()
                                              if k.startswith("HEARTH_") or k in ("HOME", "NO_COLOR")})
        return terminal, terminal.expect(r"> $|\] $")

    def waiting(self):
        return json.loads(self.ok("approvals", "list", "--json"))

    def ask(self, terminal):
        """Has the model ask to write; the question."""
        terminal.type(WRITE + "\n")
        return terminal.expect(r"N\] $")


class Dialog(InAFolder):
    def test_the_question_shows_the_exact_call_and_the_diff(self):
        terminal, hello = self.chat()
        self.assertIn(f"Tools work in {self.workspace} and ask before they change it.", hello)
        self.assertIn("A new session, chat,", hello)
        seen = self.ask(terminal)
        for words in ("write_file", "new.txt", "content  hello", "\x1b[32m+hello\x1b[0m", "[y] allow this once",
                      f"always: write_file on {self.workspace}/*", "Enter"):
            self.assertIn(words, seen)
        self.assertFalse(self.new.exists())
        terminal.type("y\n")
        terminal.expect(ANSWER)
        self.assertEqual(self.new.read_text(), "hello")
        self.assertEqual(terminal.leave(), 0)
        history = pathlib.Path(self.data, "chat_history").read_text()
        self.assertNotIn("\ny\n", history, "an answer is no line to have again")

    def test_without_colours(self):
        terminal, _ = self.chat(NO_COLOR="1")
        seen = self.ask(terminal)
        self.assertIn("  +hello", seen)
        self.assertNotIn("\x1b[32m", seen)
        terminal.type("n\n")
        terminal.leave()

    def test_enter_denies(self):
        terminal, _ = self.chat()
        self.ask(terminal)
        terminal.type("perhaps\n")
        terminal.expect(r"one of the letters(?s:.*)N\] $")
        terminal.type("\n")
        terminal.expect(r"> $")
        self.assertFalse(self.new.exists())
        self.assertEqual(self.waiting(), [])
        messages = json.loads(self.ok("sessions", "export", "chat"))["messages"]
        self.assertEqual(messages[2]["content"], "denied: the user said no")
        self.assertEqual(terminal.leave(), 0)

    def test_what_was_typed_before_the_question_is_no_answer(self):
        terminal, _ = self.chat()
        terminal.type(WRITE + "\ny\ny\n")
        terminal.expect(r"N\] $")
        self.assertEqual(len(self.waiting()), 1)
        self.assertFalse(self.new.exists())
        terminal.type("n\n")
        terminal.leave()

    def test_ctrl_c_leaves_it_waiting_and_the_next_chat_asks_at_once(self):
        terminal, _ = self.chat()
        self.ask(terminal)
        terminal.type("\x03")
        terminal.expect(r"left waiting(?s:.*)> $")
        self.assertEqual(len(self.waiting()), 1)
        terminal.type("hi\n")
        terminal.expect(r"write_file(?s:.*)N\] $")
        terminal.type("\x04")
        terminal.expect(r"not sent(?s:.*)> $")
        self.assertEqual(terminal.leave(), 0)
        self.assertFalse(self.new.exists())
        self.ok("stop")
        terminal, seen = self.chat("--continue")
        self.assertIn("+hello", seen)
        terminal.type("y\n")
        terminal.expect(ANSWER)
        self.assertEqual(self.new.read_text(), "hello")
        self.assertEqual(terminal.leave(), 0)

    def test_for_the_session(self):
        terminal, _ = self.chat()
        self.ask(terminal)
        terminal.type("s\n")
        terminal.expect(ANSWER)
        self.new.unlink()
        terminal.expect("> $")
        terminal.type(WRITE + "\n")
        terminal.expect(ANSWER + r"(?s:.*)> $")
        self.assertEqual(self.new.read_text(), "hello", "it was not asked again")
        self.new.unlink()
        terminal.type("/clear\n")
        terminal.expect("> $")
        self.ask(terminal)
        terminal.type("n\n")
        self.assertEqual(terminal.leave(), 0)

    def test_always_is_for_this_folder(self):
        terminal, _ = self.chat()
        self.ask(terminal)
        terminal.type("a\n")
        terminal.expect(ANSWER)
        self.assertEqual(terminal.leave(), 0)
        self.new.unlink()
        self.assertEqual(self.ok("run", "--session", "other", WRITE).strip(), ANSWER)
        self.ok("stop")
        elsewhere = os.path.join(self.folder, "elsewhere")
        os.mkdir(elsewhere)
        done = self.hearth("run", "--session", "third", WRITE, folder=elsewhere)
        self.assertEqual(done.returncode, WAITING, "another folder was not allowed")

    def test_a_rule_that_asks_is_asked_each_time(self):
        os.mkdir(self.data)
        pathlib.Path(self.data, "hearth.toml").write_text(
            '[[policy.rule]]\ntool = "write_file"\npattern = "**"\ndecision = "ask"\n')
        terminal, _ = self.chat()
        seen = self.ask(terminal)
        self.assertIn("holds once", seen)
        self.assertNotIn("[a]", seen)
        terminal.type("a\n")
        terminal.expect(r"one of the letters(?s:.*)y/N\] $")
        (approval,) = self.waiting()
        self.assertEqual((approval["scopes"], approval["patterns"]), (["once"], {}))
        refused = self.hearth("approvals", "allow", approval["id"], "--scope", "always")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("each time", refused.stderr)
        terminal.type("y\n")
        terminal.expect(ANSWER)
        self.assertEqual(terminal.leave(), 0)

    def test_control_characters_are_written_out(self):
        self.new.write_text("\x1b]0;owned\x07 \u202ereversed\r\n")
        terminal, _ = self.chat()
        seen = self.ask(terminal)
        self.assertIn("-\\x1b]0;owned\\x07 \\u202ereversed\\r", seen)
        self.assertNotIn("\x07", seen)
        terminal.type("n\n")
        terminal.leave()

    def test_a_file_that_changed_meanwhile_is_not_overwritten(self):
        terminal, _ = self.chat()
        self.ask(terminal)
        self.new.write_text("by hand")
        terminal.type("y\n")
        terminal.expect("> $")
        self.assertEqual(self.new.read_text(), "by hand")
        messages = json.loads(self.ok("sessions", "export", "chat"))["messages"]
        self.assertIn("changed while the user was asked", messages[2]["content"])
        terminal.leave()

    def test_commands_of_the_chat(self):
        terminal, _ = self.chat()
        for command, pattern in (("/help", r"/tools(?s:.*)/undo(?s:.*)/exit"), ("/tools", r"write_file +asks"),
                                 ("/sessions", "no sessions yet"), ("/undo", "nothing to undo"),
                                 ("/nonsense", "unknown command")):
            terminal.type(command + "\n")
            terminal.expect(pattern + r"(?s:.*)> $")
        self.ask(terminal)
        terminal.type("y\n")
        terminal.expect(ANSWER + r"(?s:.*)> $")
        terminal.type("/undo\n")
        terminal.expect(r"-hello(?s:.*)y/N\] $")
        terminal.type("y\n")
        terminal.expect(r"is removed(?s:.*)> $")
        self.assertFalse(self.new.exists())
        terminal.type("/sessions\n")
        terminal.expect(r"chat +sess_\w+ +idle +4 (?s:.*)> $")
        terminal.type("/exit\n")
        self.assertEqual(terminal.leave(), 0)


class Elsewhere(InAFolder):
    """Where nobody can be asked."""

    def waits(self, done):
        self.assertEqual(done.returncode, WAITING, done.stderr)
        self.assertIn("+hello", done.stderr)
        (approval,) = self.waiting()
        self.assertIn(f"hearth approvals allow {approval['id']} --data '{self.data}'\n", done.stderr)
        self.assertFalse(self.new.exists())
        return approval["id"]

    def test_run_says_which_command_answers(self):
        approval = self.waits(self.hearth("run", "--session", "s", WRITE))
        shown = self.ok("approvals", "show", approval)
        self.assertIn("  +hello\n", shown)
        self.assertRegex(self.ok("approvals", "list"), approval + r" +s +20\d\d-.* write_file +new.txt")
        self.assertEqual(self.ok("approvals", "allow", approval).strip(), ANSWER)
        self.assertEqual(self.new.read_text(), "hello")
        twice = self.hearth("approvals", "allow", approval)
        self.assertEqual(twice.returncode, 1)
        self.assertIn("approvals list", twice.stderr)
        self.assertIn("nothing waits", self.hearth("approvals", "list").stderr)

    def test_deny(self):
        approval = self.waits(self.hearth("run", "--session", "s", WRITE))
        self.ok("approvals", "deny", approval)
        self.assertFalse(self.new.exists())
        self.assertEqual(self.waiting(), [])

    def test_allow_for_what_is_alike(self):
        approval = self.waits(self.hearth("run", "--session", "s", WRITE))
        for holds in ("25h", "soon", "0s"):
            wrong = self.hearth("approvals", "allow", approval, "--for", holds)
            self.assertEqual(wrong.returncode, 2)
            self.assertIn("--for: a time from 1s to 24h is required", wrong.stderr)
        once = self.hearth("approvals", "allow", approval, "--for", "30m", "--scope", "once")
        self.assertEqual(once.returncode, 2, once.stderr)
        self.ok("approvals", "allow", approval, "--pattern", "alike", "--for", "30m")
        self.assertEqual(self.ok("run", "--session", "t", WRITE).strip(), ANSWER)

    def test_run_json_tells_it_too(self):
        done = self.hearth("run", "--json", "--session", "s", WRITE)
        self.waits(done)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["finish_reason"], "requires_action")
        self.assertEqual(answer["approvals"][0]["tool"], "write_file")

    def test_a_piped_chat_stops_at_the_question(self):
        self.waits(self.hearth("chat", "--session", "s", stdin=WRITE + "\nhi\n"))
        again = self.hearth("chat", "--continue", stdin="hi\n")
        self.assertEqual(again.returncode, WAITING, "and the next one begins with it")
        self.assertEqual(len(self.waiting()), 1)
        messages = json.loads(self.ok("sessions", "export", "s"))["messages"]
        self.assertNotIn("hi", [message["content"] for message in messages])

    def test_a_question_of_another_folder_writes_nowhere(self):
        approval = self.waits(self.hearth("run", "--session", "s", WRITE))
        self.ok("stop")
        elsewhere = os.path.join(self.folder, "elsewhere")
        os.mkdir(elsewhere)
        (waiting,) = json.loads(self.ok("approvals", "list", "--json", folder=elsewhere))
        self.assertEqual((waiting["target"], waiting["scopes"]), (str(self.new), ["once"]))
        self.ok("approvals", "allow", approval, folder=elsewhere)
        self.assertEqual(os.listdir(elsewhere), [])
        self.assertFalse(self.new.exists())
        messages = json.loads(self.ok("sessions", "export", "s"))["messages"]
        self.assertIn("the workspace is another one", messages[2]["content"])


class Undo(InAFolder):
    def write(self):
        done = self.hearth("run", "--session", "s", WRITE)
        approval = self.waiting()[0]["id"]
        self.assertEqual(done.returncode, WAITING)
        self.ok("approvals", "allow", approval)
        self.assertEqual(self.new.read_text(), "hello")

    def test_takes_the_last_change_back_with_and_without_a_daemon(self):
        self.assertIn("nothing to undo", self.hearth("undo", "--list").stderr)
        self.assertEqual(self.hearth("undo", "--yes").returncode, 1)
        self.write()
        self.assertRegex(self.ok("undo", "--list"), r"1 +20\d\d-.* +- +" + str(self.new))
        self.assertEqual(self.hearth("undo").returncode, 2, "nobody was asked")
        self.assertEqual(self.ok("undo", "--yes"), f"{self.new} is removed\n")
        self.assertFalse(self.new.exists())
        self.new.write_text("before\n")
        self.write()
        self.ok("stop")
        done = self.hearth("undo", "--yes", folder="/")
        self.assertIn("+before", done.stderr)
        self.assertEqual(self.new.read_text(), "before\n")
        self.assertEqual(self.hearth("undo", "--yes").returncode, 1)

    def test_asks_on_a_terminal(self):
        self.write()
        for answer, gone in (("n", False), ("y", True)):
            terminal = Terminal("undo", "--data", self.data)
            terminal.expect(r"-hello(?s:.*)\[y/N\] ")
            terminal.type(answer + "\n")
            terminal.expect("is removed" if gone else "nothing was changed")
            self.assertEqual(self.new.exists(), not gone)

    def test_a_file_that_changed_since_is_left_alone(self):
        self.write()
        self.new.write_text("by hand")
        done = self.hearth("undo", "--yes")
        self.assertEqual(done.returncode, 1)
        self.assertIn("has changed since", done.stderr)
        self.assertIn("hearth undo --force 1", done.stderr)
        self.assertEqual(self.new.read_text(), "by hand")
        self.ok("undo", "--force", "1", "--yes")
        self.assertFalse(self.new.exists())


class Workspaces(InAFolder):
    def hello(self, *arguments, **options):
        terminal, hello = self.chat(*arguments, **options)
        self.assertEqual(terminal.leave(), 0)
        return hello

    def test_a_running_daemon_keeps_its_own(self):
        self.assertIn(f"Tools work in {self.workspace} and", self.hello())
        elsewhere = os.path.join(self.folder, "elsewhere")
        os.mkdir(elsewhere)
        hello = self.hello(folder=elsewhere)
        self.assertIn(f"Tools work in {self.workspace} and", hello)
        self.assertIn("`hearth stop` lets it begin in " + elsewhere, hello)
        for arguments, says in ((("--workspace", elsewhere), "lets it begin in " + elsewhere),
                                (("--no-tools",), "lets it begin without"), (("--workspace", "."), None)):
            done = self.hearth("run", "--session", "s", *arguments, "hi")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(bool(done.stderr), bool(says), "what an option asked for and is not so is said")
            self.assertIn(says or "", done.stderr)

    def test_a_home_directory_is_not_opened_in_passing(self):
        os.mkdir(self.folder + "/home")
        hello = self.hello(folder=self.folder + "/home")
        self.assertIn("No tools: ", hello)
        self.assertIn("is your home directory", hello)
        self.ok("stop")
        named = self.hearth("chat", "--workspace", self.folder + "/home")
        self.assertEqual(named.returncode, 2)
        self.assertIn("tools.workspace", named.stderr)
        for folder in ("/", self.folder):
            self.assertEqual(self.hearth("serve", "--workspace", folder).returncode, 2, folder)

    def test_named_none_and_configured(self):
        other = os.path.join(self.folder, "other")
        os.mkdir(other)
        for arguments, extra, says in ((("--workspace", "../other"), {}, f"Tools work in {other} and"),
                                       (("--no-tools",), {}, "No tools: no folder is open"),
                                       ((), {"HEARTH_TOOLS_WORKSPACE": other}, f"Tools work in {other} and"),
                                       (("--private",), {}, "not remembered and uses no tools"),
                                       ((), {"HEARTH_POLICY_PLAN_MODE": "true"}, "plan mode")):
            self.assertIn(says, self.hello(*arguments, **extra), arguments)
            self.ok("stop")

    def test_run_works_in_its_folder(self):
        self.new.write_text("here")
        self.assertEqual(self.hearth("run", "--session", "s", WRITE).returncode, WAITING)
        self.assertIn("-here", self.ok("approvals", "show", self.waiting()[0]["id"]))


class Turns(unittest.TestCase):
    def test_ctrl_c_stops_its_own_turn_only(self):
        """Another's turn of the session goes on, and one that waits is dropped."""
        with scripted() as daemon:
            body = {"session_id": "s", "max_tokens": 4000, "temperature": 0,
                    "messages": [{"role": "user", "content": harness.NEVER_ENDING}]}
            connection = daemon.connect()
            connection.request("POST", "/v1/chat/completions", json.dumps(body | {"stream": True}),
                               {"Content-Type": "application/json", "Idempotency-Key": "mine"})
            stream = harness.Stream(connection, connection.getresponse())
            events = stream.events()
            for _ in range(5):
                next(events)
            process = subprocess.Popen([harness.HEARTH, "run", "--data", daemon.data, "--session", "s", "hi"],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                       stdin=subprocess.DEVNULL, env=harness.clean_environment())
            self.addCleanup(process.kill)
            wait_until(lambda: open_messages(daemon) == 2, 20, "the second message waits")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
            self.assertEqual(process.returncode, 130)
            wait_until(lambda: open_messages(daemon) == 1, 10, "it was dropped")
            self.assertEqual(daemon.request("GET", "/v1/sessions/s").json["state"], "thinking")
            self.assertTrue(next(events)["choices"][0]["delta"]["content"], "it goes on")
            stopped = daemon.request("POST", "/v1/sessions/s/cancel", {"key": "mine"})
            self.assertEqual(stopped.json["cancelled"], 1)
            stream.close()


class Bounds(unittest.TestCase):
    def test_what_need_not_be_kept_goes(self):
        with tool_calling() as daemon:
            for session in ("a", "b", "c"):
                body = {"session_id": session, "messages": [{"role": "user", "content": "hi"}]}
                self.assertEqual(daemon.post("/v1/chat/completions", body).status, 200)
            daemon.stop()
            with tool_calling(data=daemon.data, HEARTH_STORE_INBOX_ROWS_MAX="1") as again:
                wait_until(lambda: counted(again, "true") == 1, 20, "two of three are gone")
                self.assertEqual(again.request("GET", "/v1/sessions/a").json["messages"], 2)

    def test_bounds_of_turns_are_checked(self):
        with tempfile.TemporaryDirectory() as folder:
            options = {"HEARTH_TOOLS_WORKSPACE": folder, "HEARTH_AGENT_TURN_TIMEOUT": "24h"}
            done = harness.run("config", "check", HEARTH_AGENT_ROUNDS_MAX="65", **options)
            self.assertEqual(done.returncode, 2)
            self.assertIn("agent.rounds_max: 65 is out of range (1 to 64)", done.stderr)
            self.assertEqual(harness.run("config", "check", HEARTH_AGENT_ROUNDS_MAX="1", **options).returncode, 0)
