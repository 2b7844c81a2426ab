"""Models of providers, against servers that behave like theirs (provider_double.py)."""
import json
import os
import pathlib
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import harness
from provider_double import Double, Reply

PRICES = """date = "2026-01-01"
source = "https://prices.example"
[[price]]
model = "anthropic/*"
input = "1"
output = "10"
cache_read = "0.1"
cache_write = "1.25"
[[price]]
model = "openai/*"
input = "1"
output = "10"
[[price]]
model = "gemini/*"
input = "1"
output = "10"
"""
KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY", "gemini": "GEMINI_API_KEY"}
SETTINGS = 'retries_max = 2\nretry_wait_max = "2s"\n'


def provider_text(double, name=None, more=""):
    named = f'name = "{name or double.kind}"\nkind = "{double.kind}"\nurl = "{double.url}"\n'
    return f"\n[[provider]]\n{named}{SETTINGS}{more}\n"


def daemon_with(settings, *doubles, prices=PRICES, data=None, **environment):
    """A daemon whose providers are these doubles, with their keys in its environment."""
    data = data or tempfile.mkdtemp(prefix="hearth-providers-")
    pathlib.Path(data, "hearth.toml").write_text(settings)
    pathlib.Path(data, "prices.toml").write_text(prices)
    keys = {KEYS[double.kind]: double.key for double in doubles}
    return harness.Daemon("--log-level", "debug", data=data, **(keys | environment))


def ask(daemon, model, text, **more):
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    return daemon.post("/v1/chat/completions", body | more)


def for_each(test):
    """Runs it for each kind of provider; what one left unsaid does not reach the next."""
    def run(self):
        for kind, double in self.doubles.items():
            with self.subTest(kind):
                double.forget()
                test(self, f"{kind}/some-model-1", double)
    return run


class EveryKind(unittest.TestCase):
    """What all providers have to do alike."""

    @classmethod
    def setUpClass(cls):
        cls.doubles = {kind: Double(kind) for kind in KEYS}
        text = "[budget]\nday_max = \"\"\nmonth_max = \"\"\n" + "".join(provider_text(d) for d in cls.doubles.values())
        cls.daemon = daemon_with(text, *cls.doubles.values())

    @classmethod
    def tearDownClass(cls):
        log = cls.daemon.log()
        cls.daemon.kill()
        for double in cls.doubles.values():
            assert double.key not in log, "a key in the log"
            double.close()

    @for_each
    def test_an_answer_comes_whole_and_as_a_stream(self, model, double):
        answer = ask(self.daemon, model, "Grüße 🌍")
        self.assertEqual((answer.status, answer.text), (200, "You said: Grüße 🌍"), answer.body)
        self.assertEqual(answer.json["model"], model)
        self.assertEqual(answer.json["usage"]["prompt_tokens"], 100)
        self.assertEqual(answer.json["usage"]["completion_tokens"], 20)
        stream = self.daemon.stream("Grüße", model=model)
        self.assertEqual(stream.text(), "You said: Grüße")

    @for_each
    def test_a_stream_may_be_cut_anywhere(self, model, double):
        for size in (1, 2, 3, 7):
            double.next(Reply(text="Grüße 🌍 — naïve", pings=True, piece_bytes=size))
            self.assertEqual(ask(self.daemon, model, "x").text, "Grüße 🌍 — naïve")

    @for_each
    def test_tools_are_called_in_parallel_and_answered(self, model, double):
        tools = [{"type": "function", "function": {"name": name, "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
            "additionalProperties": False}}}
            for name in ("weather", "time_of")]
        asked = {"role": "user", "content": 'call weather {"city":"Köln"} call time_of {"city":"Rome"}'}
        answer = self.daemon.post("/v1/chat/completions", {"model": model, "messages": [asked], "tools": tools})
        self.assertEqual(answer.status, 200, answer.body)
        choice = answer.json["choices"][0]
        self.assertEqual(choice["finish_reason"], "tool_calls")
        calls = choice["message"]["tool_calls"]
        self.assertEqual([c["function"]["name"] for c in calls], ["weather", "time_of"])
        self.assertEqual([json.loads(c["function"]["arguments"])["city"] for c in calls], ["Köln", "Rome"])
        results = [{"role": "tool", "tool_call_id": c["id"], "content": f"result {i}"} for i, c in enumerate(calls)]
        again = self.daemon.request("POST", "/v1/chat/completions", {
            "model": model, "messages": [asked, choice["message"], *results], "tools": tools})
        self.assertEqual(again.status, 200, again.body)
        self.assertIn("result 0", again.text)
        self.assertIn("result 1", again.text)

    @for_each
    def test_the_system_message_goes_where_the_provider_wants_it(self, model, double):
        answer = self.daemon.request("POST", "/v1/chat/completions", {"model": model, "messages": [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]})
        self.assertEqual(answer.status, 200, answer.body)
        body = double.requests[-1][2]
        where = {"anthropic": lambda: body["system"][0]["text"], "openai": lambda: body["messages"][0]["content"],
                 "gemini": lambda: body["systemInstruction"]["parts"][0]["text"]}[double.kind]
        self.assertEqual(where(), "Be brief.")

    @for_each
    def test_a_busy_provider_is_asked_again(self, model, double):
        for reply in (Reply(status=429, headers={"Retry-After": "0"}), Reply(status=500, headers={"Retry-After": "0"}),
                      Reply(status=503, headers={"retry-after-ms": "5"}), Reply(cut="head")):
            before = len(double.requests)
            double.next(reply, Reply(text="at last"))
            self.assertEqual(ask(self.daemon, model, "x").text, "at last")
            self.assertEqual(len(double.requests) - before, 2)

    @for_each
    def test_an_error_says_who_and_why_and_never_the_key(self, model, double):
        cases = [(Reply(status=400, message="messages: too odd"), 400, "too odd"),
                 (Reply(status=401, message="invalid key sk-double-0123456789"), 403, "; it is from "),
                 (Reply(status=404, message="model: gone-1"), 404, "gone-1")]
        for reply, status, words in cases:
            double.next(reply)
            answer = ask(self.daemon, model, "x")
            self.assertEqual(answer.status, status, answer.body)
            self.assertIn(double.kind + ": ", answer.error["message"])
            self.assertIn(words, answer.error["message"])
            self.assertNotIn(double.key, answer.body.decode())

    @for_each
    def test_a_provider_that_asks_for_too_long_a_wait_is_not_waited_for(self, model, double):
        double.next(Reply(status=429, headers={"Retry-After": "30"}, message="slow down"))
        began = time.monotonic()
        answer = ask(self.daemon, model, "x")
        self.assertEqual(answer.status, 429, answer.body)
        self.assertIn("30 s", answer.error["message"])
        self.assertLess(time.monotonic() - began, 10)

    @for_each
    def test_an_answer_that_breaks_off_is_an_error_with_what_came_before(self, model, double):
        for reply in (Reply(text="half of it and the rest", cut="middle"),
                      Reply(text="half of it and the rest", error_in_stream="overloaded_error")):
            double.next(reply)
            answer = ask(self.daemon, model, "x")
            self.assertEqual(answer.status, 503, answer.body)
            double.next(reply)
            stream = self.daemon.stream("x", model=model)
            events = list(stream.events())
            self.assertTrue(any("error" in event for event in events), events)

    @for_each
    def test_a_client_that_leaves_ends_the_providers_answer(self, model, double):
        gone = double.gone
        double.next(Reply(text="word " * 400, hang="middle"))
        stream = self.daemon.stream("x", model=model)
        next(stream.events())
        stream.close()
        harness.wait_until(lambda: double.gone > gone, 10, "the provider sees it")

    @for_each
    def test_connections_are_used_again(self, model, double):
        ask(self.daemon, model, "x")
        before = double.connections
        for _ in range(5):
            self.assertEqual(ask(self.daemon, model, "x").status, 200)
        self.assertEqual(double.connections, before)

    @for_each
    def test_what_is_cached_is_told_and_what_is_lost_too(self, model, double):
        double.next(Reply(text="ok", prompt_tokens=1000, cached_tokens=900))
        answer = ask(self.daemon, model, "x", seed=7, logit_bias={}, top_k=5)
        self.assertEqual(answer.json["usage"]["prompt_tokens_details"]["cached_tokens"], 900)
        if double.kind == "anthropic":
            self.assertIn("seed", " ".join(answer.json["loosened"]))

    @for_each
    def test_what_only_local_models_can_is_refused(self, model, double):
        before = len(double.requests)
        for path, body in (("/v1/embeddings", {"input": "x"}), ("/tokenize", {"content": "x"}),
                           ("/v1/completions", {"prompt": "x"})):
            answer = self.daemon.request("POST", path, {"model": model} | body)
            self.assertEqual(answer.status, 400, answer.body)
        answer = ask(self.daemon, model, "x", deterministic=True)
        self.assertEqual((answer.status, answer.error["param"]), (400, "deterministic"))
        self.assertEqual(len(double.requests), before)

    @for_each
    def test_images_are_passed_through(self, model, double):
        pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        content = [{"type": "text", "text": "What is this?"},
                   {"type": "image_url", "image_url": {"url": "data:image/png;base64," + pixel}}]
        answer = self.daemon.post("/v1/chat/completions", {"model": model, "messages": [
            {"role": "user", "content": content}]})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(json.dumps(double.requests[-1][2]).count(pixel), 1)
        refused = self.daemon.post("/v1/chat/completions", {"model": "ember", "messages": [
            {"role": "user", "content": content}]})
        self.assertEqual((refused.status, refused.error["param"]), (400, "messages"))

    @for_each
    def test_the_other_faces_reach_a_provider_too(self, model, double):
        answer = self.daemon.post("/v1/messages", {"model": model, "max_tokens": 50, "messages": [
            {"role": "user", "content": "hi"}]})
        self.assertEqual(answer.json["content"][0]["text"], "You said: hi", answer.body)
        answer = self.daemon.post("/v1/responses", {"model": model, "input": "hi"})
        self.assertEqual(answer.json["output"][0]["content"][0]["text"], "You said: hi", answer.body)
        again = self.daemon.post("/v1/responses", {"model": model, "input": "more",
                                                   "previous_response_id": answer.json["id"]})
        self.assertEqual(again.status, 200, again.body)
        self.assertIn("You said: hi", json.dumps(double.requests[-1][2], ensure_ascii=False))
        answer = self.daemon.post("/api/chat", {"model": model, "stream": False, "messages": [
            {"role": "user", "content": "hi"}]})
        self.assertEqual(answer.json["message"]["content"], "You said: hi", answer.body)

    @for_each
    def test_a_whole_answer_where_a_stream_was_asked_for(self, model, double):
        if double.kind == "gemini":
            return
        double.next(Reply(text="all at once", calls=[("weather", '{"city":"Bonn"}')], whole=True))
        answer = ask(self.daemon, model, "x")
        self.assertEqual(answer.status, 200, answer.body)
        message = answer.json["choices"][0]["message"]
        self.assertEqual(message["content"], "all at once")
        self.assertEqual(json.loads(message["tool_calls"][0]["function"]["arguments"]), {"city": "Bonn"})


class Keys(unittest.TestCase):
    def test_a_key_comes_from_a_file_that_only_its_owner_may_read(self):
        with Double("openai") as double, tempfile.TemporaryDirectory(prefix="hearth-keys-") as data:
            file = pathlib.Path(data, "openai.key")
            file.write_text(double.key + "\n")
            for mode, status in ((0o600, 200), (0o640, 503)):
                file.chmod(mode)
                with daemon_with(provider_text(double, more='key_file = "openai.key"'), data=data) as daemon:
                    answer = ask(daemon, "openai/m", "x")
                    self.assertEqual(answer.status, status, answer.body)
                    self.assertNotIn(double.key, daemon.log())
                    if status == 503:
                        self.assertIn("chmod 600", answer.error["message"])

    def test_a_provider_without_a_key_says_what_to_set(self):
        with Double("openai") as double, daemon_with(provider_text(double, more='models = ["m"]')) as daemon:
            answer = ask(daemon, "openai/m", "x")
            self.assertEqual(answer.status, 503)
            self.assertIn("OPENAI_API_KEY", answer.error["message"])
            models = {m["id"]: m for m in daemon.request("GET", "/v1/models").json["data"]}
            self.assertEqual(models["openai/m"]["state"], "failed")
            self.assertEqual(ask(daemon, "auto", "hello").status, 200)  # the local one answers


class Tls(unittest.TestCase):
    def test_only_a_certificate_that_is_trusted_gets_the_question(self):
        with tempfile.TemporaryDirectory(prefix="hearth-tls-") as folder:
            key, certificate = f"{folder}/key.pem", f"{folder}/cert.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-nodes", "-days", "2", "-keyout", key, "-out", certificate, "-subj", "/CN=localhost",
                            "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            with Double("anthropic", tls=context) as double:
                more = "retries_max = 0"
                text = provider_text(double).replace(SETTINGS, "") + more
                with daemon_with(text, double) as daemon:
                    answer = ask(daemon, "anthropic/m", "x")
                    self.assertEqual(answer.status, 503, answer.body)
                    self.assertIn("certificate", answer.error["message"])
                    self.assertEqual(double.requests, [])
                with daemon_with(f'[net]\nca_file = "{certificate}"\n' + text, double) as daemon:
                    self.assertEqual(ask(daemon, "anthropic/m", "x").text, "You said: x")

    def test_a_proxy_is_asked_where_the_environment_says_so(self):
        asked = []

        class Proxy(socketserver.StreamRequestHandler):
            def handle(self):
                asked.append(self.rfile.readline().decode())
                self.wfile.write(b"HTTP/1.1 503 Closed\r\nContent-Length: 0\r\n\r\n")

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as proxy:
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            settings = '[[provider]]\nname = "openai"\nurl = "http://provider.invalid/v1"\nretries_max = 0\n'
            address = f"http://127.0.0.1:{proxy.server_address[1]}"
            with daemon_with(settings, OPENAI_API_KEY="k", http_proxy=address) as daemon:
                self.assertEqual(ask(daemon, "openai/m", "x").status, 503)
            proxy.shutdown()
        self.assertEqual(asked, ["POST http://provider.invalid/v1/chat/completions HTTP/1.1\r\n"])


class Fallback(unittest.TestCase):
    def test_the_strong_one_is_asked_the_local_one_steps_in_and_it_comes_back(self):
        with Double("anthropic") as double:
            settings = provider_text(double, more='models = ["strong"]\n')
            with daemon_with(settings, double) as daemon:
                answer = ask(daemon, "strategic", "hello")
                self.assertEqual(answer.text, "You said: hello")
                self.assertEqual(answer.json["x_hearth"]["route"]["model"], "anthropic/strong")
                self.assertGreater(answer.json["x_hearth"]["cost_microdollars"], 0)
                double.always(Reply(status=529))
                asked = len(double.requests)
                for i in range(8):
                    answer = ask(daemon, "strategic", "hello")
                    route = answer.json["x_hearth"]["route"]
                    self.assertEqual(route["model"], "ember")
                    (why,) = route["passed_over"]
                    self.assertIn("529" if i < 5 else "left alone for another", why)
                (listed,) = [one for one in daemon.request("GET", "/v1/models").json["data"]
                             if one["id"] == "anthropic/strong"]
                self.assertIn("left alone for another", listed["state_text"])
                self.assertEqual(listed["level"], "strategic")
                # Not waited for, since another was there; and left alone after five failures.
                self.assertEqual(len(double.requests) - asked, 5)
                double.always(None)
                answer = ask(daemon, "anthropic/strong", "by name it is asked all the same")
                self.assertEqual(answer.status, 200)

    def test_an_error_at_the_very_beginning_of_a_stream_is_passed_over(self):
        with Double("anthropic") as double, \
                daemon_with(provider_text(double, more='models = ["strong"]'), double) as daemon:
            double.next(Reply(text="never", error_first="overloaded_error"))
            answer = ask(daemon, "strategic", "hello")
            self.assertEqual(answer.json["x_hearth"]["route"]["model"], "ember")


class Budgets(unittest.TestCase):
    def spending(self, daemon):
        return {c["what"]: c for c in daemon.request("GET", "/v1/spending").json["caps"]}

    def test_what_is_not_priced_is_not_paid(self):
        with Double("openai") as double:
            prices = PRICES.replace("openai/*", "openai/known")
            with daemon_with(provider_text(double), double, prices=prices) as daemon:
                answer = ask(daemon, "openai/unknown", "x")
                self.assertEqual(answer.status, 403, answer.body)
                self.assertIn("prices.toml", answer.error["message"])
                self.assertEqual(double.requests, [])
                self.assertEqual(ask(daemon, "openai/known", "x").status, 200)
            with daemon_with(provider_text(double, more="free = true"), double, prices=prices) as daemon:
                answer = ask(daemon, "openai/unknown", "x")
                self.assertEqual(answer.status, 200)
                self.assertNotIn("x_hearth", answer.json)
                harness.wait_until(lambda: "openai/unknown" in {
                    c["key"] for c in daemon.request("GET", "/v1/costs").json["data"]}, 10, "it is in the ledger")

    def test_fifty_at_once_at_the_cap_spend_nothing_beyond_it(self):
        # One answer may cost 1,000 tokens at $10 a million and its prompt: the cap holds ten of them.
        with Double("openai") as double:
            double.always(Reply(text="ok", pause_s=0.05, output_tokens=1000, prompt_tokens=50))
            settings = '[budget]\nday_max = "0.1010"\n' + provider_text(double)
            with daemon_with(settings, double) as daemon:
                answers = []
                def question():
                    answers.append(ask(daemon, "openai/m", "x", max_tokens=1000))
                threads = [threading.Thread(target=question) for _ in range(50)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                statuses = [answer.status for answer in answers]
                self.assertEqual(set(statuses), {200, 403})
                self.assertLessEqual(len(double.requests), 10)
                self.assertEqual(statuses.count(200), len(double.requests))
                harness.wait_until(lambda: self.spending(daemon)["day"]["spent_microdollars"]
                                   == len(double.requests) * 10_050, 10, "settled")
                refused = next(answer for answer in answers if answer.status == 403)
                for words in ("the day's $0.1010", "begins anew at", "budget.day_max"):
                    self.assertIn(words, refused.error["message"])
                self.assertEqual(refused.error["param"], "budget.day_max")

    def test_a_cap_that_is_near_is_told_then_a_cheaper_model_is_asked_then_none(self):
        with Double("openai") as double:
            double.always(Reply(text="ok", output_tokens=1000, prompt_tokens=50))
            settings = '[budget]\nday_max = "0.1"\n' + provider_text(double, more='models = ["m"]')
            with daemon_with(settings, double) as daemon:
                def spend(model):
                    return ask(daemon, model, "x", max_tokens=1000)
                for _ in range(7):
                    self.assertNotIn("notes", spend("openai/m").json)
                noted = spend("openai/m")
                self.assertIn("of the day's $0.1000 are spent", noted.json["notes"][0])
                # The ninth would take it above 90 %, the tenth beyond.
                self.assertEqual(spend("strategic").json["x_hearth"]["route"]["model"], "openai/m")
                stepped = spend("strategic").json["x_hearth"]["route"]
                self.assertEqual(stepped["model"], "ember")
                self.assertIn("budget.day_max", stepped["passed_over"][0])
                self.assertEqual(spend("openai/m").status, 403)

    def test_the_kill_switch_ends_what_runs_and_outlives_a_restart(self):
        with Double("openai") as double, tempfile.TemporaryDirectory(prefix="hearth-kill-") as data:
            double.always(Reply(text="word " * 500, hang="middle"))
            settings = provider_text(double)
            with daemon_with(settings, double, data=data) as daemon:
                streams = [daemon.stream("x", model="openai/m") for _ in range(20)]
                for stream in streams:
                    next(stream.events())
                began = time.monotonic()
                told = harness.run("stop-spending", "--data", data, "--why", "a drill")
                self.assertEqual(told.returncode, 0, told.stderr)
                self.assertIn("a drill", told.stdout)
                for stream in streams:
                    self.assertIn("spending is stopped", json.dumps(list(stream.events())))
                self.assertLess(time.monotonic() - began, 5)
                harness.wait_until(lambda: double.gone >= 20, 10, "the provider sees it")
                refused = ask(daemon, "openai/m", "x")
                self.assertEqual(refused.status, 403)
                self.assertIn("hearth stop-spending --release", refused.error["message"])
                self.assertEqual(ask(daemon, "ember", "hi").status, 200)
                # What was cut off was said in part, and is paid for.
                day = self.spending(daemon)["day"]["spent_microdollars"]
                self.assertGreater(day, 0)
            double.always(None)
            with daemon_with(settings, double, data=data) as daemon:
                self.assertEqual(ask(daemon, "openai/m", "x").status, 403)
                self.assertEqual(harness.run("stop-spending", "--data", data, "--release").returncode, 0)
                self.assertEqual(ask(daemon, "openai/m", "x").status, 200)
                os.kill(daemon.process.pid, 10)  # SIGUSR1
                harness.wait_until(lambda: ask(daemon, "openai/m", "x").status == 403, 10, "stopped by the signal")
                self.assertIsNone(daemon.process.poll())
            self.assertEqual(harness.run("stop-spending", "--data", data, "--release").returncode, 0)
            with daemon_with(settings, double, data=data) as daemon:
                self.assertEqual(ask(daemon, "openai/m", "x").status, 200)

    def test_a_daemon_that_was_killed_counts_the_most(self):
        with Double("openai") as double, tempfile.TemporaryDirectory(prefix="hearth-lost-") as data:
            double.next(Reply(text="x", hang="middle"))
            daemon = daemon_with(provider_text(double), double, data=data)
            stream = daemon.stream("x", model="openai/m", max_tokens=1000)
            next(stream.events())
            daemon.process.kill()
            daemon.process.wait()
            stream.close()
            daemon.kill()
            with daemon_with(provider_text(double), double, data=data) as daemon:
                self.assertGreater(self.spending(daemon)["day"]["spent_microdollars"], 10_000)
                self.assertIn("cut off by the end of the last process", daemon.log())


class Sessions(unittest.TestCase):
    """Talks that are remembered, with Hearth's own tools, answered elsewhere."""

    def setUp(self):
        self.work = tempfile.TemporaryDirectory(prefix="hearth-work-")
        self.addCleanup(self.work.cleanup)
        pathlib.Path(self.work.name, "a.txt").write_text("The answer is 42.\n")

    def settings(self, double, more=""):
        return f'{more}[tools]\nworkspace = ["{self.work.name}"]\n' + provider_text(double, more='models = ["strong"]')

    def say(self, daemon, session, text, model="strategic"):
        return daemon.post("/v1/chat/completions", {"session_id": session, "model": model, "max_tokens": 500,
                                                    "messages": [{"role": "user", "content": text}]})

    def test_tools_are_run_here_and_the_cache_is_marked_at_the_borders(self):
        for kind in KEYS:
            with self.subTest(kind), Double(kind) as double, daemon_with(self.settings(double), double) as daemon:
                session = daemon.post("/v1/sessions", {}).json["id"]
                answer = self.say(daemon, session, 'call read_file {"path":"a.txt"} call list_files {}')
                self.assertEqual(answer.status, 200, answer.body)
                self.assertIn("The answer is 42.", answer.text)
                self.assertEqual(answer.json["x_hearth"]["route"]["model"], kind + "/strong")
                self.assertEqual(answer.json["x_hearth"]["cost_microdollars"], 2 * 300)
                self.assertEqual(len(double.requests), 2)
                self.assertEqual(self.say(daemon, session, "thanks").status, 200)
                if kind == "anthropic":
                    body = double.requests[-1][2]
                    self.assertIn("cache_control", body["system"][-1])
                    marked = [b for m in body["messages"] for b in m["content"] if "cache_control" in b]
                    self.assertEqual([b["text"] for b in marked], ["thanks"])

    def test_another_model_goes_on_where_one_fails_and_the_talk_is_whole(self):
        with Double("anthropic") as double, daemon_with(self.settings(double), double) as daemon:
            session = daemon.post("/v1/sessions", {}).json["id"]
            first = self.say(daemon, session, "My name is Ada.")
            self.assertEqual(first.json["x_hearth"]["route"]["model"], "anthropic/strong")
            double.next(Reply(status=529))
            answer = self.say(daemon, session, "hello")
            self.assertEqual(answer.status, 200, answer.body)
            route = answer.json["x_hearth"]["route"]
            self.assertEqual(route["model"], "ember")
            self.assertIn("anthropic/strong: anthropic: ", route["passed_over"][0])
            self.assertIn("ember has answered, since anthropic/strong: ", answer.json["notes"][0])
            self.assertEqual(self.say(daemon, session, "again").json["x_hearth"]["route"]["model"], "anthropic/strong")
            said = [m["content"][0]["text"] for m in double.requests[-1][2]["messages"] if m["role"] == "user"]
            self.assertEqual(said, ["My name is Ada.", "hello", "again"])

    def test_a_budget_that_ends_in_the_middle_of_a_tool_loop_hands_over(self):
        with Double("anthropic") as double:
            settings = self.settings(double, '[budget]\nday_max = "0.0200"\n')
            with daemon_with(settings, double) as daemon:
                session = daemon.post("/v1/sessions", {}).json["id"]
                double.next(Reply(calls=[("read_file", '{"path":"a.txt"}')], output_tokens=500, prompt_tokens=9000))
                answer = self.say(daemon, session, "What is in a.txt?")
                self.assertEqual(answer.status, 200, answer.body)
                route = answer.json["x_hearth"]["route"]
                self.assertEqual(route["model"], "ember")
                self.assertIn("budget.day_max", route["passed_over"][0])
                self.assertEqual(len(double.requests), 1)
                # By name there is nobody to hand over to.
                refused = self.say(daemon, session, "and now?", model="anthropic/strong")
                self.assertEqual(refused.status, 403)
                self.assertIn("begins anew at", refused.error["message"])
                messages = daemon.request("GET", f"/v1/sessions/{session}/messages").json["data"]
                self.assertIn("The answer is 42.", json.dumps(messages))


class DailyFiles(unittest.TestCase):
    def test_each_answer_is_a_line_without_text(self):
        with Double("anthropic") as double:
            with daemon_with(provider_text(double, more='models = ["strong"]'), double) as daemon:
                double.next(Reply(text="a secret word", prompt_tokens=1000, cached_tokens=900))
                ask(daemon, "strategic", "my secret question")
                ask(daemon, "ember", "my secret question", max_tokens=3)
                session = daemon.request("POST", "/v1/sessions", {}).json["id"]
                daemon.request("POST", "/v1/chat/completions", {"session_id": session, "max_tokens": 3, "messages": [
                    {"role": "user", "content": "my secret question"}]})
                folder = pathlib.Path(daemon.data, "metrics")

                def lines():
                    files = list(folder.glob("*.jsonl"))
                    return [json.loads(line) for line in files[0].read_text().splitlines()] if files else []
                harness.wait_until(lambda: len(lines()) >= 3, 10, "three lines")
                text = next(folder.glob("*.jsonl")).read_text()
                for word in ("secret", session, double.key):
                    self.assertNotIn(word, text)
                first, second, third = lines()[:3]
                self.assertEqual((first["routing_decision"], first["model"], first["forward_reason"]),
                                 ("provider", "anthropic/strong", "strategic was needed"))
                self.assertEqual((first["cached_tokens"], first["tokens_generated"]), (900, 20))
                self.assertEqual(first["cost_microdollars"], 100 + 90 + 200)
                self.assertEqual((second["routing_decision"], second["forward_reason"]), ("local", None))
                self.assertEqual(second["cost_microdollars"], 0)
                self.assertEqual(len(third["session_id"]), 16)
                self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
                costs = {c["key"]: c for c in daemon.request("GET", "/v1/costs").json["data"]}
                self.assertEqual(costs["anthropic/strong"]["cost_microdollars"], 390)


if __name__ == "__main__":
    unittest.main()
