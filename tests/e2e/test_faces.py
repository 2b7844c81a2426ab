"""The faces that other programs know (Anthropic's, OpenAI's Responses, Ollama's), beyond what their SDKs see."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import tempfile
import threading
import unittest

import harness

PIXEL = "iVBORw0KGgo="  # how a PNG begins


def anthropic(content, **fields):
    return {"model": "scripted", "max_tokens": 7000, "temperature": 0,
            "messages": [{"role": "user", "content": content}]} | fields


def ollama(content, **fields):
    return {"model": "scripted:latest", "options": {"temperature": 0},
            "messages": [{"role": "user", "content": content}]} | fields


def response(said, **fields):
    return {"model": "scripted", "input": said, "temperature": 0} | fields


def output_text(answer):
    return answer.json["output"][-1]["content"][0]["text"]


def open_stream(daemon, path, body, headers=None):
    connection = daemon.connect()
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"} | (headers or {}))
    return harness.Stream(connection, connection.getresponse())


class Faces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = harness.scripted()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.kill()

    def tearDown(self):
        harness.wait_until(self.is_idle, 5, "nothing is computed any more")
        self.assertEqual(self.daemon.chat("What is 2+2?").text, "2+2 is 4.")

    def is_idle(self):
        return self.daemon.metric("hearth_requests_running") == 0

    def test_all_say_the_same(self):
        said = "Greet me in many languages."
        want = self.daemon.chat(said).text
        post = self.daemon.post
        self.assertEqual(post("/v1/messages", anthropic(said)).json["content"][0]["text"], want)
        self.assertEqual(post("/api/chat", ollama(said, stream=False)).json["message"]["content"], want)
        self.assertEqual(post("/api/generate", {"model": "scripted", "prompt": said, "stream": False,
                                                "options": {"temperature": 0}}).json["response"], want)
        self.assertEqual(output_text(post("/v1/responses", response(said))), want)

    def test_streams_are_framed_as_their_clients_want(self):
        want = self.daemon.chat("Count to thirty.").text
        events, text = [], post_raw(self.daemon, "/v1/messages", anthropic("Count to thirty.", stream=True))
        for event in text.split("\n\n")[:-1]:
            name, data = event.split("\n")
            self.assertEqual(name, "event: " + json.loads(data[len("data: "):])["type"])
            events.append(json.loads(data[len("data: "):]))
        deltas = [e["delta"] for e in events if e["type"] == "content_block_delta"]
        self.assertEqual("".join(d["text"] for d in deltas), want)
        rows = post_raw(self.daemon, "/api/chat", ollama("Count to thirty.")).split("\n")
        self.assertEqual(rows.pop(), "")
        self.assertEqual("".join(json.loads(row)["message"]["content"] for row in rows), want)
        self.assertTrue(json.loads(rows[-1])["done"])

    def test_tools_go_round(self):
        question = "What is the weather in Paris?"
        schema = {"type": "object", "properties": {"location": {"type": "string"}}}
        tool = {"name": "get_weather", "input_schema": schema}
        called = self.daemon.post("/v1/messages", anthropic(question, tools=[tool])).json
        self.assertEqual(called["stop_reason"], "tool_use")
        (call,) = [block for block in called["content"] if block["type"] == "tool_use"]
        self.assertEqual(call["input"], {"location": "Paris"})
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": '{"temp": 18}'}
        talk = [{"role": "user", "content": question}, {"role": "assistant", "content": called["content"]},
                {"role": "user", "content": [result]}]
        said = self.daemon.post("/v1/messages", anthropic("", tools=[tool]) | {"messages": talk}).json
        self.assertEqual(said["content"][0]["text"], "It is 18 degrees in Paris.")

        function = {"type": "function", "function": {"name": "get_weather", "parameters": schema}}
        called = self.daemon.post("/api/chat", ollama(question, tools=[function], stream=False)).json
        self.assertEqual(called["message"]["tool_calls"][0]["function"]["arguments"], {"location": "Paris"})
        talk = [{"role": "user", "content": question}, called["message"],
                {"role": "tool", "tool_name": "get_weather", "content": '{"temp": 18}'}]
        said = self.daemon.post("/api/chat", ollama("", tools=[function], stream=False) | {"messages": talk}).json
        self.assertEqual(said["message"]["content"], "It is 18 degrees in Paris.")

        tool = {"type": "function", "name": "get_weather", "parameters": schema}
        called = self.daemon.post("/v1/responses", response(question, tools=[tool])).json
        (call,) = [item for item in called["output"] if item["type"] == "function_call"]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": '{"temp": 18}'}
        said = self.daemon.post("/v1/responses", response([output], tools=[tool],
                                                          previous_response_id=called["id"]))
        self.assertEqual(output_text(said), "It is 18 degrees in Paris.")

    def test_tokens_are_counted_as_they_are_taken(self):
        asked = {k: v for k, v in anthropic("What is 2+2?").items() if k != "max_tokens"}
        counted = self.daemon.post("/v1/messages/count_tokens", asked).json
        usage = self.daemon.post("/v1/messages", anthropic("What is 2+2?")).json["usage"]
        self.assertEqual(counted, {"input_tokens": usage["input_tokens"] + usage["cache_read_input_tokens"]})

    def test_broken_bodies(self):
        paths = ["/v1/messages", "/v1/messages/count_tokens", "/v1/responses", "/api/chat", "/api/generate",
                 "/api/embed", "/api/embeddings", "/api/show"]
        for path in paths:
            for body in ("", "{", "[]", "3", "\xff", "[" * 100_000, "{}", '{"model": 3}', '{"model": ""}'):
                with self.subTest(path=path, body=body[:10]):
                    answer = self.daemon.request("POST", path, body.encode("latin-1"))
                    self.assertEqual(answer.status, 400, answer.body)
                    self.assertTrue(self.message_of(path, answer))

    def message_of(self, path, answer):
        """What an error says, which has the shape of its face."""
        if path.startswith("/api/"):
            self.assertEqual(list(answer.json), ["error"])
            return answer.json["error"]
        if path.startswith("/v1/messages"):
            self.assertEqual(sorted(answer.json), ["error", "type"])
            self.assertEqual(answer.json["type"], "error")
            self.assertEqual(sorted(answer.error), ["message", "type"])
        return answer.error["message"]

    def test_refusals_have_the_shape_of_their_face(self):
        large = "x" * (8 * 1024 * 1024 + 1)
        for path, kind in (("/v1/messages", "request_too_large"), ("/api/chat", None), ("/v1/responses", None)):
            with self.subTest(path):
                over = self.daemon.request("POST", path, large)
                self.assertEqual(over.status, 413)
                self.assertIn("8388608", self.message_of(path, over))
                if kind:
                    self.assertEqual(over.error["type"], kind)
                self.assertEqual(self.daemon.request("PUT", path).status, 405)
                self.message_of(path, self.daemon.request("PUT", path))
                stranger = self.daemon.request("POST", path, "{}", headers={"Origin": "https://evil.example"})
                self.assertEqual(stranger.status, 403)
                self.message_of(path, stranger)
        for path in ("/v1/messages/batches", "/api/nothing"):
            unknown = self.daemon.request("POST", path, "{}")
            self.assertEqual(unknown.status, 404)
            self.message_of(path, unknown)

    def test_a_prompt_longer_than_the_context_is_the_clients(self):
        words = "word " * 9000
        for path, body in (("/v1/messages", anthropic(words)), ("/api/chat", ollama(words)),
                           ("/v1/responses", response(words)), ("/v1/messages", anthropic(words, stream=True))):
            with self.subTest(path):
                answer = self.daemon.post(path, body)
                self.assertEqual(answer.status, 400, answer.body)
                self.assertIn("8192", self.message_of(path, answer))

    def test_images_are_refused_in_words(self):
        url = "data:image/png;base64," + PIXEL
        bodies = {
            "/v1/chat/completions": harness.chat_body([{"role": "user", "content": [
                {"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]}]),
            "/v1/messages": anthropic([{"type": "image", "source": {
                "type": "base64", "media_type": "image/png", "data": PIXEL}}]),
            "/v1/responses": response([{"role": "user", "content": [{"type": "input_image", "image_url": url}]}]),
            "/api/chat": ollama("What is this?") | {"messages": [
                {"role": "user", "content": "What is this?", "images": [PIXEL]}]},
        }
        for path, body in bodies.items():
            with self.subTest(path):
                answer = self.daemon.post(path, body)
                self.assertEqual(answer.status, 400, answer.body)
                self.assertIn("messages: model 'scripted' cannot see images", self.message_of(path, answer))

    def test_what_is_lost_is_told(self):
        answer = self.daemon.post("/v1/messages", anthropic("Say hello.", metadata={"user_id": "u"}))
        self.assertEqual(answer.headers["x-hearth-lost"], "metadata: is not used")
        stream = open_stream(self.daemon, "/api/chat", ollama("Say hello.", options={"num_ctx": 4096}))
        self.assertIn("options.num_ctx", stream.response.headers["x-hearth-lost"])
        list(stream.response)
        stream.close()
        forged = self.daemon.post("/v1/messages", anthropic("Say hello.") | {"a\r\nSet-Cookie: b": 1})
        self.assertEqual(forged.headers["x-hearth-lost"], "a??Set-Cookie: b: is not used")
        self.assertIsNone(forged.headers["Set-Cookie"])

    def test_clients_that_leave_end_the_work(self):
        asked = (("/v1/messages", anthropic(harness.NEVER_ENDING, stream=True)),
                 ("/api/chat", ollama(harness.NEVER_ENDING)),
                 ("/api/generate", {"model": "scripted", "prompt": harness.NEVER_ENDING}),
                 ("/v1/responses", response(harness.NEVER_ENDING, stream=True)))
        for path, body in asked:
            with self.subTest(path):
                stream = open_stream(self.daemon, path, body)
                self.assertEqual(stream.status, 200)
                self.assertTrue(stream.response.readline())
                self.assertFalse(self.is_idle())
                stream.close()
                harness.wait_until(self.is_idle, 5, "compute stopped")

    def test_too_many_are_told_so(self):
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            ask = lambda i: self.daemon.post("/v1/messages", anthropic(harness.NEVER_ENDING, max_tokens=40),
                                             timeout=300)
            answers = list(pool.map(ask, range(60)))
        refused = [answer for answer in answers if answer.status != 200]
        self.assertGreaterEqual(len(refused), 1)
        for answer in refused:
            self.assertEqual(answer.status, 429)
            self.assertEqual(answer.error["type"], "rate_limit_error")
            self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)

    def test_the_metrics_know_the_routes(self):
        self.daemon.post("/v1/messages", anthropic("Say hello."))
        made = self.daemon.post("/v1/responses", response("Say hello.")).json["id"]
        self.daemon.request("GET", "/v1/responses/" + made)
        self.daemon.request("GET", "/api/tags")
        self.daemon.request("GET", "/api/nothing")
        for path in ("/v1/messages", "/v1/responses", "/v1/responses/{id}", "/api/tags", "other"):
            self.assertGreaterEqual(self.daemon.metric("hearth_http_requests_total", path=path), 1, path)

    def test_somebody_is_there(self):
        self.assertEqual(self.daemon.request("GET", "/").body, b"Ollama is running")
        head = self.daemon.request("HEAD", "/")
        self.assertEqual((head.status, head.body), (200, b""))

    def test_an_ollama_client_finds_its_way(self):
        (listed,) = self.daemon.request("GET", "/api/tags").json["models"]
        self.assertEqual(listed["name"], "scripted:latest")
        shown = self.daemon.post("/api/show", {"model": listed["name"]}).json
        self.assertEqual(shown["details"], listed["details"])
        (running,) = self.daemon.request("GET", "/api/ps").json["models"]
        self.assertEqual(running["digest"], listed["digest"])
        others = (("POST", "/api/pull", "hearth pull"), ("DELETE", "/api/delete", "hearth model rm"),
                  ("POST", "/api/create", "hearth model"), ("HEAD", "/api/blobs/sha256:1", ""))
        for method, path, command in others:
            answer = self.daemon.request(method, path, "{}")
            self.assertEqual(answer.status, 501)
            self.assertIn(command, answer.body.decode())


def post_raw(daemon, path, body):
    return daemon.post(path, body).body.decode()


class Chains(unittest.TestCase):
    """Responses that follow each other, over restarts."""

    def setUp(self):
        self.data = tempfile.mkdtemp(prefix="hearth-e2e-faces-")
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)

    def start(self, start=harness.scripted, **options):
        pathlib.Path(self.data, "hearth.pid").unlink(missing_ok=True)
        daemon = start(data=self.data, **options)
        self.addCleanup(daemon.kill)
        return daemon

    def test_a_chain_survives_a_restart_and_computes_what_is_new(self):
        daemon = self.start()
        story = "Please remember: " + ", ".join(f"item {i} is {i * 37 % 101}" for i in range(60)) + ". Say hello."
        first = daemon.post("/v1/responses", response(story)).json
        usage = daemon.post("/v1/responses", response("What is 2+2?", previous_response_id=first["id"])).json["usage"]
        before = first["usage"]["total_tokens"]
        self.assertGreaterEqual(usage["input_tokens_details"]["cached_tokens"], before - 1)
        self.assertEqual(daemon.stop(), 0, daemon.log())

        daemon = self.start()
        self.assertEqual(daemon.request("GET", "/v1/responses/" + first["id"]).json, first)
        second = daemon.post("/v1/responses", response("What is 2+2?", previous_response_id=first["id"]))
        self.assertEqual(output_text(second), "2+2 is 4.")
        self.assertGreater(second.json["usage"]["input_tokens"], before)
        cached = second.json["usage"]["input_tokens_details"]["cached_tokens"]
        self.assertGreaterEqual(cached, before - 1, daemon.log())

    def test_a_fork_does_not_see_what_came_later(self):
        daemon = self.start()
        first = daemon.post("/v1/responses", response("Say hello.")).json
        follow = {"previous_response_id": first["id"]}
        second = daemon.post("/v1/responses", response("What is 2+2?", **follow)).json
        other = daemon.post("/v1/responses", response("What is 2+2?", **follow)).json
        self.assertEqual(second["usage"]["input_tokens"], other["usage"]["input_tokens"])
        third = daemon.post("/v1/responses", response("Say hello.", previous_response_id=other["id"])).json
        self.assertGreater(third["usage"]["input_tokens"], other["usage"]["input_tokens"])
        sessions = daemon.request("GET", "/v1/sessions").json["data"]
        self.assertEqual(sessions, [])

    def test_a_killed_daemon_leaves_nothing_in_progress(self):
        daemon = self.start()
        made = daemon.post("/v1/responses", response(harness.NEVER_ENDING, background=True)).json
        path = "/v1/responses/" + made["id"]
        status = lambda: daemon.request("GET", path).json["status"]
        harness.wait_until(lambda: status() == "in_progress", 10, "in progress")
        daemon.kill()
        daemon = self.start()
        found = daemon.request("GET", path).json
        self.assertEqual(found["status"], "failed")
        self.assertIn("daemon ended", found["error"]["message"])

    def test_a_background_response_outlives_its_client_and_can_be_cancelled(self):
        daemon = self.start()
        made = daemon.post("/v1/responses", response("Count to thirty.", background=True)).json
        self.assertEqual(made["status"], "queued")
        get = lambda: daemon.request("GET", "/v1/responses/" + made["id"]).json
        harness.wait_until(lambda: get()["status"] == "completed", 20, "completed")
        self.assertIn("29, 30", get()["output"][0]["content"][0]["text"])
        endless = daemon.post("/v1/responses", response(harness.NEVER_ENDING, background=True)).json["id"]
        cancelled = daemon.post(f"/v1/responses/{endless}/cancel", None).json
        self.assertEqual(cancelled["status"], "cancelled")
        idle = lambda: daemon.metric("hearth_requests_running") == 0
        harness.wait_until(idle, 5, "compute stopped")
        self.assertEqual(daemon.request("GET", f"/v1/responses/{endless}").json["status"], "cancelled")

    def test_another_tokens_response_does_not_exist(self):
        pathlib.Path(self.data, "hearth.toml").write_text('[server]\ntokens = ["token-of-ann", "token-of-bob"]\n')
        start = lambda **o: harness.scripted("--config", os.path.join(self.data, "hearth.toml"), wait_ready=False, **o)
        daemon = self.start(start)
        ann, bob = {"Authorization": "Bearer token-of-ann"}, {"x-api-key": "token-of-bob"}
        ready = lambda: daemon.request("GET", "/health/ready", headers=ann).status == 200
        harness.wait_until(ready, 30, "ready")
        made = daemon.post("/v1/responses", response("Say hello."), headers=ann).json["id"]
        follow = response("And?", previous_response_id=made)
        self.assertEqual(daemon.request("GET", "/v1/responses/" + made, headers=bob).status, 404)
        self.assertEqual(daemon.request("DELETE", "/v1/responses/" + made, headers=bob).status, 404)
        self.assertEqual(daemon.post("/v1/responses", follow, headers=bob).status, 404)
        self.assertEqual(daemon.post("/v1/responses", follow, headers=ann).status, 200)
        refused = daemon.post("/v1/messages", anthropic("Say hello."))
        self.assertEqual(refused.status, 401)
        self.assertEqual(refused.error["type"], "authentication_error")
        self.assertEqual(daemon.request("GET", "/api/tags").json.keys(), {"error"})


class Draining(unittest.TestCase):
    def test_answers_end_and_new_ones_are_told(self):
        with harness.scripted() as daemon:
            stream = open_stream(daemon, "/v1/messages", anthropic(harness.NEVER_ENDING, stream=True, max_tokens=150))
            events = iter(stream)
            next(events)
            result = {}
            stopper = threading.Thread(target=lambda: result.update(code=daemon.stop(60)))
            stopper.start()

            def refused():
                try:
                    answer = daemon.post("/v1/messages", anthropic("Say hello.", max_tokens=1))
                    return answer if answer.status != 200 else None
                except OSError:
                    return "refused"
            told = harness.wait_until(refused, 10, "new work is refused")
            rest = list(events)
            stopper.join()
            self.assertEqual(json.loads(rest[-1])["type"], "message_stop")
            self.assertEqual(result["code"], 0, daemon.log())
            if told != "refused":
                self.assertEqual(told.status, 529)
                self.assertEqual(told.error["type"], "overloaded_error")


if __name__ == "__main__":
    unittest.main()
