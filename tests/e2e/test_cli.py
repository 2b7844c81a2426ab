"""The commands a person types."""
import contextlib
import json
import os
import pathlib
import pty
import re
import select
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

import harness

EMBER = pathlib.Path(__file__).parents[2] / "models" / "ember" / "ember.gguf"


class Terminal:
    """A command on a pseudo terminal."""

    def __init__(self, *arguments, folder=None, binary=harness.HEARTH, **environment):
        pid, self.fd = pty.fork()
        if pid == 0:
            environment = harness.clean_environment(TERM="xterm", **environment)
            if folder:
                os.chdir(folder)
            os.execve(binary, [binary, *arguments], environment)
        self.pid, self.seen = pid, ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern, timeout_s=30):
        """Reads until `pattern` has appeared since the last expect; returns what was read."""
        deadline = time.monotonic() + timeout_s
        while not re.search(pattern, self.seen):
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {pattern!r} in {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 4096).decode(errors="replace")
            except OSError:
                raise AssertionError(f"ended before {pattern!r}: {self.seen!r}") from None
        seen, self.seen = self.seen, ""
        return seen

    def leave(self, timeout_s=30):
        """Types Ctrl-D until the command has ended; its exit status. Once would do for a person, but a
        key that arrives between the prompt and the switch to raw mode is lost."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self.type("\x15\x04")  # Ctrl-U first: on a line with text Ctrl-D deletes
            if select.select([self.fd], [], [], 0.5)[0]:
                with contextlib.suppress(OSError):
                    os.read(self.fd, 4096)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError("still running")


class Commands(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-cli-")
        self.addCleanup(folder.cleanup)
        self.data = folder.name

    def hearth(self, *arguments, **options):
        return harness.run(*arguments, "--data", self.data, **options)

    def test_run_answers(self):
        result = self.hearth("run", "What is the capital of Italy?")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("Rome", result.stdout)

    def test_run_reads_standard_input(self):
        result = self.hearth("run", stdin="What is the capital of France?")
        self.assertIn("Paris", result.stdout, result.stderr)

    def test_run_json(self):
        result = self.hearth("run", "--json", "Respond with OK if you are working.")
        answer = json.loads(result.stdout)
        self.assertIn("OK", json.dumps(answer))
        self.assertIn("usage", answer)

    def test_run_with_a_model_file(self):
        result = self.hearth("run", "--model", harness.SCRIPTED, "--temperature", "0", "Say hello.")
        self.assertEqual(result.stdout.strip(), "Hello! I am a scripted test model.")

    def test_run_without_a_prompt(self):
        result = self.hearth("run", stdin="")
        self.assertEqual(result.returncode, 2)
        self.assertIn("prompt", result.stderr)

    def test_inspect(self):
        facts = json.loads(self.hearth("inspect", "--json", EMBER).stdout)
        self.assertEqual(facts["architecture"], "llama")
        self.assertGreaterEqual(facts["context_tokens"], 2048)
        self.assertIn("llama", self.hearth("inspect", EMBER).stdout)

    def test_version(self):
        self.assertRegex(self.hearth("version").stdout, r"\d+\.\d+\.\d+")

    def test_help_names_every_command(self):
        text = harness.run("--help").stdout
        for command in "run chat sessions serve stop status models inspect bench doctor config version".split():
            self.assertIn(command, text)
            self.assertIn("xample", harness.run(command, "--help").stdout, command)

    def test_unknown_command(self):
        result = harness.run("servee")
        self.assertEqual(result.returncode, 2)
        self.assertTrue(result.stderr)

    def test_config(self):
        self.assertEqual(self.hearth("config", "init").returncode, 0)
        again = self.hearth("config", "init")
        self.assertEqual(again.returncode, 1)
        path = pathlib.Path(self.data, "hearth.toml")
        self.assertTrue(path.exists())
        self.assertEqual(self.hearth("config", "check").returncode, 0)
        path.write_text("[server]\nporrt = 80\n")
        result = self.hearth("config", "check")
        self.assertEqual(result.returncode, 2)
        for word in ("hearth.toml", "2", "porrt", "port"):
            self.assertIn(word, result.stderr)

    def test_config_from_the_environment(self):
        shown = self.hearth("config", "show", PORT="12345", HEARTH_MODEL_SLOTS="2").stdout
        self.assertIn("12345", shown)
        self.assertRegex(shown, r"slots\s*=\s*2")
        wins = self.hearth("config", "show", PORT="12345", HEARTH_PORT="12346").stdout
        self.assertIn("12346", wins)

    def test_doctor(self):
        result = self.hearth("doctor")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("PASS", result.stdout)
        self.assertNotIn("FAIL", result.stdout)
        key = pathlib.Path(self.data, "identity.key")
        key.write_bytes(b"short")
        key.chmod(0o644)
        broken = self.hearth("doctor")
        self.assertEqual(broken.returncode, 1)
        self.assertIn("FAIL", broken.stdout)

    def make_store(self, schema=None):
        """A store with a conversation, as the steps of the program's own source make it."""
        source = (pathlib.Path(__file__).parents[2] / "src/store/schema/migrations.cpp").read_text()
        steps = re.findall(r'R"sql\((.*?)\)sql"', source, re.S)[:schema]
        path = pathlib.Path(self.data, "hearth.db")
        with contextlib.closing(sqlite3.connect(path)) as store:
            for step in steps:
                store.executescript(step)
            store.execute("INSERT INTO sessions VALUES ('s', 'ann', NULL, NULL, 0, 0)")
            store.executemany(
                "INSERT INTO messages (session_id, number, turn, role, content, created_ms) "
                "VALUES ('s', ?, 0, 'user', ?, 0)", [(n, f"said {n} " * 50) for n in range(500)])
            store.execute(f"PRAGMA user_version = {len(steps)}")
            store.commit()
            store.execute("PRAGMA journal_mode = WAL")
        return path, len(steps)

    def store_finding(self):
        """What doctor says about the store; the other checks, of which the model's is slow, are not looked at."""
        result = self.hearth("doctor", "--json")
        return next(f for f in json.loads(result.stdout) if f["check"] == "store"), result.returncode

    def test_doctor_examines_the_store(self):
        self.assertEqual(self.store_finding()[0]["verdict"], "PASS")
        path, schema = self.make_store()
        before = path.read_bytes()
        finding, status = self.store_finding()
        self.assertEqual((finding["verdict"], status), ("PASS", 0), finding)
        self.assertIn(f"schema {schema},", finding["detail"])
        self.assertEqual(path.read_bytes(), before)
        path.write_bytes(before[:len(before) // 2])
        finding, status = self.store_finding()
        self.assertEqual((finding["verdict"], status), ("FAIL", 1), finding)
        self.assertIn("is damaged", finding["detail"])
        self.assertIn(".recover", finding["remedy"])

    def test_doctor_says_how_to_restore_and_that_works(self):
        path, _ = self.make_store(schema=1)
        copy = path.with_name("hearth.db.schema-1.bak")
        copy.write_bytes(path.read_bytes())
        path.write_bytes(b"a letter to somebody else, as long as it may be")
        finding, _ = self.store_finding()
        self.assertEqual(finding["verdict"], "FAIL")
        self.assertRegex(finding["detail"], r"hearth\.db\.schema-1\.bak \(schema 1, 20\d\d-\d\d-\d\d\)")
        for command in re.findall(r"(?:mv|cp|rm -f) '[^']+'(?: '[^']+')?", finding["remedy"]):
            subprocess.run(command, shell=True, check=False, stderr=subprocess.DEVNULL)
        finding, status = self.store_finding()
        self.assertEqual((finding["verdict"], status), ("PASS", 0), finding)
        self.assertIn("schema 1,", finding["detail"])

    def test_detached_daemon_status_and_stop(self):
        nothing = self.hearth("status")
        self.assertNotEqual(nothing.returncode, 0)
        started = self.hearth("serve", "--detach", "--port", "0")
        self.assertEqual(started.returncode, 0, started.stderr)
        try:
            status = json.loads(self.hearth("status", "--json").stdout)
            self.assertEqual(status["pid"], json.loads(pathlib.Path(self.data, "hearth.pid").read_text())["pid"])
            self.assertIn("Rome", self.hearth("run", "What is the capital of Italy?").stdout)
        finally:
            stopped = self.hearth("stop")
        self.assertEqual(stopped.returncode, 0, stopped.stderr)
        self.assertTrue(harness.has_ended(status["pid"]))
        self.assertEqual(self.hearth("stop").returncode, 0)

    def test_chat_on_a_terminal(self):
        self.addCleanup(self.hearth, "stop")
        terminal = Terminal("chat", "--data", self.data, HEARTH_PORT="0")
        terminal.expect(r"> ?")
        terminal.type("What is the capital of Italy?\n")
        terminal.expect("Rome")
        terminal.type("My name is Zoltan.\n")
        terminal.expect(r"(?s)Zoltan\.\r\n.+\n> ")
        self.assertEqual(terminal.leave(), 0)

    def test_chat_ctrl_c_cancels_the_answer(self):
        self.addCleanup(self.hearth, "stop")
        terminal = Terminal("chat", "--data", self.data, "--model", harness.SCRIPTED, HEARTH_PORT="0",
                            **harness.NO_DATE)
        terminal.expect("> ?")
        terminal.type(harness.NEVER_ENDING + "\n")
        terminal.expect("tick tock tick tock")
        terminal.type("\x03")
        terminal.expect(r"> $")
        terminal.type("Say hello.\n")
        terminal.expect(r"(?s)Hello! I am a scripted test model.*\n> ")
        self.assertEqual(terminal.leave(), 0)

    def test_run_interrupted(self):
        command = [harness.HEARTH, "run", "--data", self.data, "--model", harness.SCRIPTED, harness.NEVER_ENDING]
        process = subprocess.Popen(command,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                   env=harness.clean_environment())
        process.stdout.read(20)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130)
