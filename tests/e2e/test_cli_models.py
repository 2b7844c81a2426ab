"""The models of a daemon from the command line, and what commands open that start one."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import tempfile
import unittest

import harness

EMBER = pathlib.Path(harness.__file__).resolve().parents[2] / "models" / "ember" / "ember.gguf"
ITALY = "What is the capital of Italy?"
POOL = """[[pool.model]]
name = "ember"
level = "operational"
[[pool.model]]
name = "second"
[[provider]]
name = "rack"
kind = "compatible"
url = "http://127.0.0.1:1/v1"
key_env = "NO_SUCH_KEY_IS_SET"
models = ["big"]
"""


class WithData(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hearth-cli-models-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = os.path.join(self.folder, "data")
        os.makedirs(os.path.join(self.data, "models"))
        os.symlink(EMBER, os.path.join(self.data, "models", "second.gguf"))

    def settings(self, text):
        pathlib.Path(self.data, "hearth.toml").write_text(text)

    def hearth(self, *arguments, **options):
        return harness.run(*arguments, "--data", self.data,
                           **({"HEARTH_PORT": "0", "HEARTH_GRPC_PORT": "0"} | options))

    def ok(self, *arguments, **options):
        done = self.hearth(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def workspace(self):
        """The folders that the running daemon has open to tools."""
        info = json.loads(pathlib.Path(self.data, "hearth.pid").read_text())
        with socket.create_connection((info["host"], info["port"]), timeout=30) as connection:
            connection.sendall(b"GET /v1/tools HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        return json.loads(text[text.index("{"):text.rindex("}") + 1])["workspace"]


class Models(WithData):
    def test_a_daemon_tells_of_its_models(self):
        self.settings(POOL)
        without = json.loads(self.ok("models", "--json"))
        self.assertEqual([one["name"] for one in without], ["ember", "second", "rack/big"])
        with harness.Daemon(data=self.data):
            ember, second, big = json.loads(self.ok("models", "--json"))
            self.assertEqual((ember["state"], ember["level"], ember["in_use"]), ("ready", "operational", True))
            self.assertEqual((second["name"], second["state"], second["in_use"]), ("second", "unloaded", False))
            self.assertEqual((big["name"], big["state"]), ("rack/big", "failed"))
            self.assertIn("NO_SUCH_KEY_IS_SET", big["state_text"])
            table = self.ok("models")
            self.assertRegex(table, r"\* +ember +operational .* ready")
            self.assertRegex(table, r"rack/big .*failed: no key: set NO_SUCH_KEY_IS_SET")
            status = self.ok("status")
            self.assertRegex(status, r"model +ember, operational, ready")
            self.assertRegex(status, r"model +second, tactical, unloaded")
            self.assertRegex(status, r"grpc +127\.0\.0\.1:\d+")
            self.assertEqual([one["state"] for one in json.loads(self.ok("status", "--json"))["models"]],
                             ["ready", "unloaded", "failed"])
            self.assertIn("it was named", self.ok("route", "--model", "second", "Hello"))

    def test_a_name_is_asked_of_the_daemon(self):
        self.settings(POOL)
        with harness.Daemon(data=self.data):
            answer = json.loads(self.ok("run", "--json", "-t", "0", "-m", "second", ITALY))
            self.assertEqual(answer["model"], "second")
            self.assertIn("Rome", answer["answer"])
            self.assertEqual(json.loads(self.ok("run", "--json", "-m", "operational", ITALY))["model"], "ember")
            in_session = json.loads(self.ok("run", "--json", "--session", "s", "-m", "second", "--no-tools", ITALY))
            self.assertEqual(in_session["model"], "second")
            self.assertTrue(self.ok("chat", "-m", "second", stdin=ITALY + "\n"))
            failed = self.hearth("run", "-m", "rack/big", ITALY)
            self.assertEqual(failed.returncode, 1)
            self.assertIn("NO_SUCH_KEY_IS_SET", failed.stderr)
            for command in (["run", "-m", "nobody", ITALY], ["chat", "-m", "nobody"]):
                unknown = self.hearth(*command)
                self.assertEqual(unknown.returncode, 1)
                self.assertIn("there is no file nobody, and the daemon has no model of that name; it has "
                              "ember, second, rack/big", unknown.stderr)
        absent = self.hearth("run", "-m", "/no/such.gguf", ITALY)
        self.assertEqual(absent.stderr.splitlines()[-1],
                         "hearth: model 'such': /no/such.gguf: No such file or directory")

    def test_a_daemon_is_started_for_a_name_with_no_folder_open(self):
        self.addCleanup(self.hearth, "stop")
        self.assertEqual(json.loads(self.ok("run", "--json", "-m", "auto", ITALY))["model"], "ember")
        self.assertEqual(self.workspace(), [])


class Folders(WithData):
    def test_what_only_asks_opens_none(self):
        self.addCleanup(self.hearth, "stop")
        for command in (["cost"], ["stop-spending", "--status"], ["sessions", "list"]):
            self.ok(*command)
            self.assertEqual(self.workspace(), [], command)
            self.ok("stop")

    def test_run_in_a_session_says_that_there_are_no_tools(self):
        with harness.Daemon(data=self.data):
            asked = self.hearth("run", "--session", "x", ITALY)
            self.assertIn("hearth: No tools: the running daemon was started without a folder; `hearth stop` lets",
                          asked.stderr)
            self.assertEqual(self.hearth("run", "--session", "x", "--no-tools", ITALY).stderr, "")

    def test_context_waits_for_the_model(self):
        self.addCleanup(self.hearth, "stop")
        self.ok("run", "--session", "x", ITALY)
        self.ok("stop")
        self.assertIn("ember holds 2048 tokens", self.ok("context", "x"))


class Ports(WithData):
    def test_a_second_daemon_is_told_of_the_first(self):
        with harness.Daemon(data=self.data) as daemon:
            second = self.hearth("serve")
            self.assertEqual(second.returncode, 1)
            self.assertIn(f"at {daemon.url}; end it with: hearth stop --data '{self.data}'", second.stderr)

    def test_taken_ports_are_named_with_the_remedy(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            server = self.hearth("serve", HEARTH_PORT=port)
            self.assertIn("set server.port (--port) to another one", server.stderr)
            grpc = self.hearth("serve", HEARTH_GRPC_PORT=port)
            self.assertIn("set grpc.port to another one", grpc.stderr)
            self.assertEqual((server.returncode, grpc.returncode), (1, 1))

    def test_grpc_that_gave_way_is_said(self):
        with contextlib.ExitStack() as kept:
            with contextlib.suppress(OSError):  # if another has the usual port, that is as good
                kept.enter_context(socket.create_server(("127.0.0.1", 50051)))
            self.check_grpc_gave_way()

    def check_grpc_gave_way(self):
        self.addCleanup(self.hearth, "stop")
        started = self.hearth("serve", "--detach", HEARTH_GRPC_PORT="")
        self.assertEqual(started.returncode, 0, started.stderr)
        self.assertIn("gRPC: none: when the daemon began, port 50051 was another program's", started.stderr)
        self.assertRegex(self.ok("status", HEARTH_GRPC_PORT=""), r"grpc +none: .*set grpc\.port to a free one")


if __name__ == "__main__":
    unittest.main()
