"""Requests that no honest client sends: each gets a 4xx that says why, and the daemon stays as it was."""
import json
import socket
import unittest

import harness

CHAT = "/v1/chat/completions"
HEADER_BYTES_MAX = 16_384
CONTEXT_TOKENS = 512


def body(**fields):
    return json.dumps(harness.chat_body("Say hello.", max_tokens=1) | fields)


def raw_field(name, text):
    """A chat body with a field whose value is `text`, as it stands."""
    return f'{body()[:-1]}, "{name}": {text}}}'.encode()


def content(raw):
    """A chat body whose message is these bytes inside the quotes."""
    return b'{"max_tokens": 1, "messages": [{"role": "user", "content": "' + raw + b'"}]}'


class Malformed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = harness.scripted(HEARTH_MODEL_CONTEXT_TOKENS=str(CONTEXT_TOKENS))

    @classmethod
    def tearDownClass(cls):
        cls.daemon.kill()

    def tearDown(self):
        self.assertEqual(self.daemon.chat("What is 2+2?").text, "2+2 is 4.")

    def refused(self, data, status=400, path=CHAT):
        answer = self.daemon.request("POST", path, data)
        self.assertEqual(answer.status, status, (data[:80], answer.body[:300]))
        self.assertTrue(answer.error["message"])
        self.assertEqual(answer.error["type"], "invalid_request_error")
        return answer.error

    def accepted(self, data, path=CHAT):
        answer = self.daemon.request("POST", path, data)
        self.assertEqual(answer.status, 200, (data[:80], answer.body[:300]))
        return answer

    def raw(self, data):
        """Sends bytes, closes the sending side's wait by reading to the end; the status or None."""
        with self.daemon.socket(timeout=20) as sock:
            sock.sendall(data)
            head = sock.recv(65_536)
        return int(head.split(b" ")[1]) if head.startswith(b"HTTP/1.1 ") else None

    def test_broken_json(self):
        for text in ("", " ", "{", "}", "nul", "{]", "{'messages': []}", '{"messages": [}', '{"a": 1,}', '{"a" 1}',
                     '{"a": 01}', '{"a": +1}', '{"a": .5}', '{"a": "\t"}', '{"a": "\\x41"}', '{"a": "\\u12"}', "[]",
                     '"text"', "7", "true", body() + "x", body() + body(), "\ufeffx", '{"messages": "' + "x" * 100_000):
            with self.subTest(text[:40]):
                self.refused(text.encode())

    def test_numbers_that_are_none(self):
        for number in ("NaN", "nan", "Infinity", "-Infinity", "inf", "1e999", "-1e999", "0x10", "1_000", "--1", "1e"):
            for name in ("temperature", "max_tokens", "seed", "unknown_field"):
                with self.subTest(name + " " + number):
                    self.refused(raw_field(name, number))

    def test_numbers_of_every_size(self):
        for number in ("0", "-1", "-0.5", "0.5", "2147483648", "4294967296", "9223372036854775807",
                       "9223372036854775808", "18446744073709551616", "1e18", "1e300", "-1e18"):
            with self.subTest(number):
                self.assertEqual(self.refused(raw_field("max_tokens", number))["param"], "max_tokens")
                self.assertEqual(self.refused(raw_field("max_completion_tokens", number))["param"],
                                 "max_completion_tokens")
        self.accepted(json.dumps(harness.chat_body("Say hello.", max_tokens=2_147_483_647)))
        self.accepted(json.dumps(harness.chat_body("Say hello.", max_tokens=1.0)))

    def test_nesting(self):
        for depth in (100_000, 1_000_000):
            for opening, closing in (("[", "]"), ('{"a":', "}")):
                with self.subTest(f"{depth} {opening}"):
                    self.refused((opening * depth).encode())
                    whole = opening * depth + "1" + closing * depth
                    self.refused(raw_field("unknown_field", whole))
                    self.refused(raw_field("tools", whole))

    def test_bytes_that_are_no_utf8(self):
        bad = [b"\xff", b"\xc3", b"\xc3(", b"\xe2\x82", b"\xf0\x9f\x98", b"\x80",  # cut or stray
               b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf",  # longer than they need to be
               b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80",  # surrogates
               b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe\xff"]  # beyond Unicode
        for raw in bad:
            with self.subTest(raw):
                self.refused(content(b"a" + raw + b"b"))
                self.refused(b'{"' + raw + b'": 1, ' + body().encode()[1:])
                self.refused(b'{"content": "' + raw + b'"}', path="/tokenize")

    def test_escapes(self):
        for raw in (rb"\ud800", rb"\udc00", rb"\ud800x", rb"\ud800\ud800", rb"\udc00\ud800", rb"\ud83d\u0041"):
            with self.subTest(raw):
                self.refused(content(raw))
        for raw in (rb"\u0000", rb"a\u0000b"):
            with self.subTest(raw):
                self.assertIn("zero byte", self.refused(content(raw))["message"])
        for raw in (rb"\ud83d\ude00", rb"\uffff", rb"\ufeff", rb"\u202e\b\f", b"\x7f"):
            with self.subTest(raw):
                self.accepted(content(raw))
        for raw in (b"\x00", b"\x01", b"\n", b"\x1f"):
            with self.subTest(raw):
                self.refused(content(raw))

    def test_nul_in_every_text(self):
        for fields in ({"model": "scripted\0x"}, {"model": "\0"}):
            self.assertEqual(self.refused(body(**fields), 404)["param"], "model")
        self.accepted(body(stop=["\0"]))
        self.accepted(body(user="\0", session_id="\0"))
        self.refused(body(grammar="root ::= \"a\0b\""))
        self.refused(body(tools=[{"type": "function", "function": {"name": "a\0b"}}]))

    def test_duplicate_keys_the_last_one_counts(self):
        self.refused(raw_field("max_tokens", "0"))  # body() has a good one before it
        answer = self.accepted(b'{"messages": 3, ' + body().encode()[1:])
        self.assertEqual(answer.json["usage"]["completion_tokens"], 1)

    def test_every_field_with_every_wrong_type(self):
        tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
        wrong_for = {
            "messages": ["number", "string", "object", "flag"], "model": ["number", "array", "object", "flag"],
            "temperature": ["string", "array", "object", "flag"], "top_p": ["string", "array", "object", "flag"],
            "top_k": ["string", "array", "object", "flag"], "min_p": ["string", "array", "object", "flag"],
            "typical_p": ["string", "array", "object", "flag"], "seed": ["string", "array", "object", "flag"],
            "max_tokens": ["string", "array", "object", "flag"], "n": ["string", "array", "object", "flag"],
            "max_completion_tokens": ["string", "array", "object", "flag"],
            "presence_penalty": ["string", "array", "object", "flag"],
            "frequency_penalty": ["string", "array", "object", "flag"],
            "repeat_penalty": ["string", "array", "object", "flag"],
            "repeat_last_n": ["string", "array", "object", "flag"],
            "logit_bias": ["string", "number", "array", "flag"], "stop": ["number", "object", "flag"],
            "stream": ["string", "number", "array", "object"], "stream_options": ["string", "number", "array", "flag"],
            "logprobs": ["string", "number", "array", "object"], "top_logprobs": ["string", "array", "object", "flag"],
            "tools": ["string", "number", "object", "flag"], "tool_choice": ["string", "number", "array", "flag"],
            "parallel_tool_calls": ["string", "number", "array", "object"],
            "response_format": ["string", "number", "array", "flag"], "grammar": ["number", "array", "object", "flag"],
            "json_schema": ["string", "number", "array", "flag"], "session_id": ["number", "array", "object", "flag"],
            "cache_prompt": ["string", "number", "array", "object"],
            "ignore_eos": ["string", "number", "array", "object"], "modalities": ["string", "number", "object", "flag"],
        }
        values = {"string": "x", "number": 7.5, "array": [[1]], "object": {"a": {}}, "flag": True}
        for name, kinds in wrong_for.items():
            for kind in kinds:
                with self.subTest(f"{name} {kind}"):
                    error = self.refused(body(**({"tools": [tool]} | {name: values[kind]})))
                    self.assertTrue(error["param"].startswith(name), error)

    def test_messages_of_every_wrong_shape(self):
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for messages, param in [
                ([None], "messages[0]"), ([[]], "messages[0]"), ([{}], "messages[0].role"),
                ([{"role": None, "content": "x"}], "messages[0].role"),
                ([{"role": "user"}], "messages[0].content"), ([{"role": "user", "content": []}], "messages[0].content"),
                ([{"role": "user", "content": {}}], "messages[0].content"),
                ([{"role": "user", "content": [{"type": "input_audio"}]}], "messages[0].content[0].type"),
                ([{"role": "user", "content": [{"type": "image_url"}]}], "messages[0].content[0].image_url"),
                ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text"),
                ([{"role": "user", "content": "x", "name": "n" * 65}], "messages[0].name"),
                ([{"role": "assistant", "tool_calls": [{}]}], "messages[0].tool_calls[0].id"),
                ([{"role": "user", "content": "x", "tool_calls": [call]}], "messages[0].tool_calls"),
                ([{"role": "tool", "content": "x", "tool_call_id": "c"}], "messages[0].tool_call_id"),
                ([{"role": "user", "content": "x"}] * 2_049, "messages")]:
            with self.subTest(param):
                self.assertEqual(self.refused(body(messages=messages))["param"], param)

    def test_a_prompt_at_and_over_the_context(self):
        at = self.accepted(json.dumps({"prompt": [100] * (CONTEXT_TOKENS - 1), "max_tokens": 5}), "/v1/completions")
        self.assertEqual(at.json["usage"]["completion_tokens"], 1)
        full = self.accepted(json.dumps({"prompt": [100] * CONTEXT_TOKENS, "max_tokens": 5}), "/v1/completions")
        self.assertEqual(full.json["choices"][0]["finish_reason"], "length")
        over = self.refused(json.dumps({"prompt": [100] * (CONTEXT_TOKENS + 1)}), path="/v1/completions")
        self.assertEqual(over["code"], "context_length_exceeded")
        self.assertIn(str(CONTEXT_TOKENS + 1), over["message"])
        self.assertIn(str(CONTEXT_TOKENS), over["message"])

    def test_headers_at_and_over_the_limit(self):
        start = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: "
        room = HEADER_BYTES_MAX - len(start) - len(b"\r\n\r\n")
        self.assertEqual(self.raw(start + b"x" * room + b"\r\n\r\n"), 200)
        self.assertEqual(self.raw(start + b"x" * (room + 1) + b"\r\n\r\n"), 431)
        many = b"".join(b"X-%d: y\r\n" % i for i in range(3_000))
        self.assertEqual(self.raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + many + b"\r\n"), 431)

    def test_heads_that_are_no_http(self):
        host = b"Host: localhost\r\n"
        for data, status in [
                (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400), (b"GET\r\n\r\n", 400),
                (b"GET  /health HTTP/1.1\r\n" + host + b"\r\n", 400),
                (b"GET /health HTTP/9.9\r\n" + host + b"\r\n", 400),
                (b"GET /health HTTP/1.1\r\n\r\n", 400), (b"GET /health HTTP/1.1\r\n" + host * 2 + b"\r\n", 400),
                (b"GET /health HTTP/1.1\r\nHost: a\0b\r\n\r\n", 400),
                (b"GET /health HTTP/1.1\r\n" + host + b"A\0: b\r\n\r\n", 400),
                (b"GET /health HTTP/1.1\r\n" + host + b" folded: x\r\n\r\n", 403),  # a part of the host's name
                (b"GET /%zz HTTP/1.1\r\n" + host + b"\r\n", 400), (b"GET /%00 HTTP/1.1\r\n" + host + b"\r\n", 400),
                (b"POST /tokenize HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n", 400),
                (b"POST /tokenize HTTP/1.1\r\n" + host + b"Content-Length: 1e3\r\n\r\n", 400),
                (b"POST /tokenize HTTP/1.1\r\n" + host + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
                (b"POST /tokenize HTTP/1.1\r\n" + host + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
                (b"POST /tokenize HTTP/1.1\r\n" + host + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
                 400),
                (b"POST /tokenize HTTP/1.1\r\n" + host + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
                (b"POST /tokenize HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", 400),
                (b"POST /tokenize HTTP/1.1\r\n" + host + b"Content-Length: 9000000\r\n\r\n", 413)]:
            with self.subTest(data[:70]):
                self.assertEqual(self.raw(data), status)

    def test_a_chunked_body_over_the_limit(self):
        with self.daemon.socket(timeout=20) as sock:
            sock.sendall(b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(9):
                sock.sendall(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
            self.assertTrue(sock.recv(65_536).startswith(b"HTTP/1.1 413 "))

    def test_unknown_model_everywhere(self):
        for path, fields in ((CHAT, {"messages": [{"role": "user", "content": "x"}]}),
                             ("/v1/completions", {"prompt": "x"}), ("/v1/embeddings", {"input": "x"}),
                             ("/tokenize", {"content": "x"}), ("/detokenize", {"tokens": [1]})):
            with self.subTest(path):
                error = self.refused(json.dumps(fields | {"model": "no-such"}), 404, path)
                self.assertEqual(error["code"], "model_not_found")
                self.assertIn("scripted", error["message"])
        self.assertEqual(self.daemon.request("GET", "/v1/models/no-such").status, 404)


class ByteByByte(unittest.TestCase):
    def test_a_request_in_single_bytes_is_a_request(self):
        with harness.scripted() as daemon, daemon.socket() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            text = json.dumps(harness.chat_body("What is 2+2?"))
            data = (f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    f"Content-Length: {len(text)}\r\n\r\n{text}").encode()
            for i in range(len(data)):
                sock.sendall(data[i:i + 1])
            answer = b""
            while piece := sock.recv(65_536):
                answer += piece
            self.assertIn(b"2+2 is 4.", answer)
