"""What goes wrong in real life: killed engines, vanished clients, full queues, damaged files."""
import concurrent.futures
import json
import os
import pathlib
import signal
import socket
import struct
import tempfile
import threading
import time
import unittest

import harness

EMBER = pathlib.Path(__file__).parents[2] / "models" / "ember" / "ember.gguf"


def reset(sock):
    """Closes so that the peer sees a reset, as when a client is killed."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class OneDaemon(unittest.TestCase):
    """Inputs that must leave the daemon as it was."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = harness.scripted()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.kill()

    def tearDown(self):
        self.assertEqual(self.daemon.chat("What is 2+2?").text, "2+2 is 4.")

    def generating(self):
        return self.daemon.metric("hearth_requests_running")

    def test_killed_engine_mid_stream(self):
        stream = self.daemon.stream(harness.NEVER_ENDING, max_tokens=7000)
        events = iter(stream)
        for _ in range(5):
            next(events)
        (engine,) = self.daemon.engine_pids()
        os.kill(engine, signal.SIGKILL)
        rest = list(events)
        error = json.loads(rest[-1])["error"]
        self.assertIn("engine", error["message"])
        self.assertEqual(error["type"], "server_error")
        harness.wait_until(self.daemon.is_ready, 20, "engine restarted")
        self.assertNotEqual(self.daemon.engine_pids(), [engine])

    def test_killed_engine_before_the_answer(self):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            job = pool.submit(self.daemon.chat, harness.NEVER_ENDING, max_tokens=7000)
            harness.wait_until(lambda: self.generating() >= 1, 10, "generation runs")
            os.kill(self.daemon.engine_pids()[0], signal.SIGKILL)
            answer = job.result()
        self.assertEqual(answer.status, 503, answer.body)
        self.assertIn("engine", answer.error["message"])
        harness.wait_until(self.daemon.is_ready, 20, "engine restarted")

    def test_client_gone_mid_stream_stops_the_compute(self):
        for close in (lambda s: reset(s), lambda s: s.close()):
            stream = self.daemon.stream(harness.NEVER_ENDING, max_tokens=7000)
            next(iter(stream))
            self.assertGreaterEqual(self.generating(), 1)
            started = time.monotonic()
            close(stream.connection.sock or stream.response.fp.raw._sock)
            stream.response.close()
            harness.wait_until(lambda: self.generating() == 0, 5, "compute stopped")
            self.assertLess(time.monotonic() - started, 1.0)

    def test_client_gone_before_a_plain_answer_stops_the_compute(self):
        connection = self.daemon.connect()
        body = json.dumps(harness.chat_body(harness.NEVER_ENDING, max_tokens=7000))
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        harness.wait_until(lambda: self.generating() >= 1, 10, "generation runs")
        started = time.monotonic()
        connection.close()
        harness.wait_until(lambda: self.generating() == 0, 5, "compute stopped")
        self.assertLess(time.monotonic() - started, 1.0)

    def test_client_gone_inside_a_long_prompt(self):
        connection = self.daemon.connect()
        words = " ".join(f"word{i}" for i in range(1500))
        connection.request("POST", "/v1/chat/completions", json.dumps(harness.chat_body(words, max_tokens=5)),
                           {"Content-Type": "application/json"})
        harness.wait_until(lambda: self.generating() >= 1, 10, "generation runs")
        started = time.monotonic()
        connection.close()
        harness.wait_until(lambda: self.generating() == 0, 5, "compute stopped")
        self.assertLess(time.monotonic() - started, 1.0)

    def test_full_queue(self):
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            jobs = [pool.submit(self.daemon.chat, harness.NEVER_ENDING, max_tokens=40, timeout=300) for _ in range(60)]
            answers = [job.result() for job in jobs]
        by_status = {status: [a for a in answers if a.status == status] for status in (200, 429)}
        self.assertEqual(len(by_status[200]) + len(by_status[429]), 60, [a.status for a in answers])
        self.assertGreaterEqual(len(by_status[200]), 36)  # 4 slots and 32 that wait
        self.assertGreaterEqual(len(by_status[429]), 1)
        refused = by_status[429][0]
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        self.assertIn("32", refused.error["message"])

    def test_body_at_and_over_the_limit(self):
        limit = 8 * 1024 * 1024
        body = json.dumps(harness.chat_body("What is 2+2?"))
        at = self.daemon.post("/v1/chat/completions", body + " " * (limit - len(body)))
        self.assertEqual(at.status, 200, at.body)
        over = self.daemon.post("/v1/chat/completions", body + " " * (limit - len(body) + 1))
        self.assertEqual(over.status, 413)
        self.assertEqual(over.error["param"], "body")
        self.assertIn(str(limit), over.error["message"])

    def test_header_over_the_limit(self):
        answer = self.daemon.request("GET", "/health", headers={"X-Long": "x" * 17_000})
        self.assertEqual(answer.status, 431)
        self.assertIn("16384", answer.error["message"])

    def test_broken_bodies(self):
        def body(**fields):
            return json.dumps(harness.chat_body("x") | fields)
        bad_schema = {"name": "a", "schema": {"type": "nonsense"}}
        long_prompt = json.dumps(harness.chat_body("word " * 9000))
        cases = [
            ("{", 400, None), ("", 400, None), ("[]", 400, None), ("\xff", 400, None), ("[" * 100_000, 400, None),
            ('{"messages": 3}', 400, "messages"), ('{"messages": []}', 400, "messages"), ("{}", 400, "messages"),
            ('{"messages": [{"content": "x"}]}', 400, "messages[0].role"),
            ('{"messages": [{"role": "king", "content": "x"}]}', 400, "messages[0].role"),
            ('{"messages": [{"role": "user", "content": 3}]}', 400, "messages[0].content"),
            (body(temperature="hot"), 400, "temperature"), (body(temperature=2.1), 400, "temperature"),
            (body(max_tokens=-1), 400, "max_tokens"), (body(max_tokens=1e18), 400, "max_tokens"),
            (body(n=0), 400, "n"), (body(stop=[""]), 400, None),
            (body(top_logprobs=21, logprobs=True), 400, "top_logprobs"),
            (body(logit_bias={"999999999": 1}), 400, None), (body(tools=[{"type": "function"}]), 400, None),
            (body(tool_choice={"type": "function", "function": {"name": "nope"}}), 400, None),
            (body(response_format={"type": "xml"}), 400, "response_format.type"),
            (body(response_format={"type": "json_schema", "json_schema": bad_schema}), 400, None),
            (body(grammar="root ::= ("), 400, "grammar"),
            (body(model="no-such-model"), 404, "model"),
            (long_prompt, 400, "messages"),
        ]
        for text, status, param in cases:
            with self.subTest(text[:70]):
                answer = self.daemon.request("POST", "/v1/chat/completions", text.encode("latin-1"))
                self.assertEqual(answer.status, status, answer.body)
                self.assertTrue(answer.error["message"])
                if param:
                    self.assertEqual(answer.error["param"], param)

    def test_a_prompt_longer_than_the_context_names_both_numbers(self):
        error = self.daemon.chat("word " * 9000).error
        self.assertEqual(error["code"], "context_length_exceeded")
        self.assertIn("8192", error["message"])
        self.assertRegex(error["message"], r"\d{4,}.*8192|8192.*\d{4,}")

    def test_stalled_client_does_not_hold_the_engine(self):
        stalled = self.daemon.socket()
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        body = json.dumps(harness.chat_body(harness.NEVER_ENDING, stream=True, max_tokens=500))
        stalled.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answers = [self.daemon.chat("Say hello.").text for _ in range(3)]
        self.assertEqual(answers, ["Hello! I am a scripted test model."] * 3)
        stalled.close()


class Lifecycle(unittest.TestCase):
    def test_sigterm_drains(self):
        with harness.scripted() as daemon:
            stream = daemon.stream(harness.NEVER_ENDING, max_tokens=150)
            events = iter(stream)
            next(events)
            keep_alive = daemon.connect()
            keep_alive.request("GET", "/health")
            keep_alive.getresponse().read()
            result = {}
            stopper = threading.Thread(target=lambda: result.update(code=daemon.stop(60)))
            stopper.start()
            refused = self.refused_while_draining(daemon)
            rest = list(events)
            stopper.join()
            self.assertEqual(rest[-1], "[DONE]")
            self.assertIn(refused, ("refused", 503))
            self.assertEqual(result["code"], 0, daemon.log())

    def refused_while_draining(self, daemon):
        def attempt():
            try:
                status = daemon.chat("Say hello.", max_tokens=1).status
                return status if status != 200 else None
            except OSError:
                return "refused"
        return harness.wait_until(attempt, 10, "new work is refused")

    def test_sigterm_when_idle_is_quick(self):
        with harness.scripted() as daemon:
            engines = daemon.engine_pids()
            self.assertEqual(daemon.stop(5), 0, daemon.log())
            self.assertFalse([pid for pid in engines if os.path.exists(f"/proc/{pid}")])

    def test_killed_daemon_leaves_no_engine(self):
        with harness.scripted() as daemon:
            engines = daemon.engine_pids()
            self.assertEqual(len(engines), 1)
            daemon.process.kill()
            daemon.process.wait()
            harness.wait_until(lambda: all(map(harness.has_ended, engines)), 5, "engine ended")

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, tempfile.TemporaryDirectory() as data:
            port = taken.getsockname()[1]
            result = harness.run("serve", "--data", data, "--port", port)
            self.assertEqual(result.returncode, 1)
            self.assertIn(str(port), result.stderr)
            self.assertIn("in use", result.stderr)

    def test_second_daemon_on_the_same_data(self):
        with harness.scripted() as daemon:
            result = harness.run("serve", "--data", daemon.data, "--port", "0")
            self.assertEqual(result.returncode, 1)
            self.assertIn(str(daemon.process.pid), result.stderr)
            self.assertEqual(daemon.request("GET", "/health").status, 200)

    def test_damaged_models_are_refused_in_one_sentence(self):
        whole = EMBER.read_bytes()
        cases = {"half.gguf": whole[: len(whole) // 2], "empty.gguf": b"", "text.gguf": b"this is no model" * 100,
                 "one-byte-short.gguf": whole[:-1]}
        with tempfile.TemporaryDirectory() as data:
            for name, content in cases.items():
                with self.subTest(name):
                    path = pathlib.Path(data, name)
                    path.write_bytes(content)
                    for command in (["serve", "--port", "0"], ["run", "hello"]):
                        result = harness.run(*command, "--data", data, "--model", path)
                        self.assertEqual(result.returncode, 1, result.stderr)
                        self.assertIn(name, result.stderr)
                        self.assertNotIn("GGML_ASSERT", result.stderr)

    def test_missing_model(self):
        with tempfile.TemporaryDirectory() as data:
            result = harness.run("run", "--data", data, "--model", data + "/none.gguf", "hello")
            self.assertEqual(result.returncode, 1)
            self.assertIn("none.gguf", result.stderr)

    def test_open_binding_needs_a_token(self):
        with tempfile.TemporaryDirectory() as data:
            result = harness.run("serve", "--data", data, "--host", "0.0.0.0", "--port", "0")
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("token", result.stderr)


class Doors(unittest.TestCase):
    """Who may come in."""

    def test_tokens(self):
        with harness.scripted(HEARTH_TOKEN="open-sesame", wait_ready=False) as daemon:
            allowed = {"Authorization": "Bearer open-sesame"}
            def is_ready():
                return daemon.request("GET", "/health/ready", headers=allowed).status == 200
            harness.wait_until(is_ready, 30, "ready")
            self.assertEqual(daemon.request("GET", "/health").status, 200)
            for headers in ({}, {"Authorization": "Bearer open-sesam"}, {"Authorization": "Bearer open-sesame2"},
                            {"Authorization": "Basic open-sesame"}):
                with self.subTest(headers):
                    answer = daemon.request("GET", "/v1/models", headers=headers)
                    self.assertEqual(answer.status, 401)
                    self.assertEqual(answer.error["code"], "invalid_api_key")
            self.assertEqual(daemon.request("GET", "/v1/models", headers=allowed).status, 200)
            self.assertNotIn("open-sesame", daemon.log())

    def test_foreign_host_and_origin(self):
        with harness.scripted() as daemon:
            for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
                with self.subTest(headers):
                    self.assertEqual(daemon.request("GET", "/v1/models", headers=headers).status, 403)
            self.assertNotIn("Access-Control-Allow-Origin", daemon.request("GET", "/v1/models").headers)
