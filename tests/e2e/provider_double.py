"""Servers that behave like Anthropic's, OpenAI's and Gemini's, on loopback: strict about what those
refuse, and as unkind as networks are. Standard library only.

    with Double("anthropic") as double:
        double.next(Reply(text="Hello", pieces=3))    # what the next question gets
        double.url, double.key, double.requests       # where, with which key, and what was asked

Without a Reply it says "You said: …", or calls a tool if the last message is `call NAME {…}`.
"""
import dataclasses
import json
import re
import socket
import socketserver
import threading
import time


@dataclasses.dataclass
class Reply:
    text: str = ""
    calls: list = dataclasses.field(default_factory=list)  # (name, arguments as JSON text)
    thinking: str = ""
    status: int = 200
    message: str = ""            # of an error
    headers: dict = dataclasses.field(default_factory=dict)
    piece_bytes: int = 0         # the stream goes out in pieces so long, cut anywhere; 0: by events
    pause_s: float = 0           # between pieces
    hang: str = ""               # "head": never answers; "middle": stops after half of it
    cut: str = ""                # "head": closes at once; "start": after the first event; "middle": after half
    error_in_stream: str = ""    # an error event after half of the text
    error_first: str = ""        # an error event before any text
    pings: bool = False
    prompt_tokens: int = 100
    cached_tokens: int = 0
    written_tokens: int = 0
    output_tokens: int = 20
    usage: bool = True
    call_id: str = ""            # of every call
    whole: bool = False          # answers a stream's request with one JSON body
    stop: str = ""


class Refusal(Exception):
    def __init__(self, status, kind, message):
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message


def require(condition, message, status=400, kind="invalid_request_error"):
    if not condition:
        raise Refusal(status, kind, message)


def only(body, known, where=""):
    for name in body:
        require(name in known, f"{where}{name}: Extra inputs are not permitted")


def sse(data, event=None):
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)}\n\n".encode()


def halves(text):
    middle = len(text) // 2
    return [part for part in (text[:middle], text[middle:]) if part]


class Anthropic:
    fields = {"model", "max_tokens", "messages", "system", "stream", "tools", "tool_choice", "temperature", "top_p",
              "top_k", "stop_sequences", "metadata", "output_config", "thinking"}

    def key_of(self, headers):
        return headers.get("x-api-key")

    def check(self, path, headers, body):
        require(path == "/v1/messages", f"no such path {path}", 404, "not_found_error")
        require(headers.get("anthropic-version") == "2023-06-01", "anthropic-version: header is required")
        only(body, self.fields)
        for name in ("model", "max_tokens", "messages"):
            require(name in body, f"{name}: Field required")
        require(0 <= body.get("temperature", 1) <= 1, "temperature: range: 0..1")
        require(not ("temperature" in body and "top_p" in body),
                "`temperature` and `top_p` cannot both be specified for this model")
        for stop in body.get("stop_sequences", []):
            require(stop.strip(), "stop_sequences: each stop sequence must contain non-whitespace")
        marks = json.dumps(body).count('"cache_control"')
        require(marks <= 4, "A maximum of 4 blocks with cache_control may be provided.")
        for tool in body.get("tools", []):
            only(tool, {"name", "description", "input_schema", "cache_control"}, "tools.0.custom.")
            require(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool["name"]), "tools.0.custom.name: String should match")
            require(tool["input_schema"].get("type") == "object", "tools.0.custom.input_schema.type: Field required")
        self.check_messages(body["messages"])

    def check_messages(self, messages):
        require(messages, "messages: at least one message is required")
        require(messages[0]["role"] == "user", "messages: first message must use the \"user\" role")
        open_calls = set()
        for index, message in enumerate(messages):
            only(message, {"role", "content"}, f"messages.{index}.")
            require(message["role"] in ("user", "assistant"),
                    f"messages.{index}.role: Input should be 'user' or 'assistant'")
            content = message["content"]
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            require(blocks, f"messages.{index}: all messages must have non-empty content")
            answered = {b["tool_use_id"] for b in blocks if b["type"] == "tool_result"}
            require(answered == open_calls if message["role"] == "user" else not answered,
                    f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after")
            for block in blocks:
                if block["type"] == "text":
                    require(block["text"].strip(), "messages: text content blocks must be non-empty")
            open_calls = {b["id"] for b in blocks if b["type"] == "tool_use"}
            for call in open_calls:
                require(re.fullmatch(r"[a-zA-Z0-9_-]+", call), "tool_use.id: String should match pattern")
        require(not open_calls, "messages: `tool_use` ids were found without `tool_result` blocks")
        last = messages[-1]
        if last["role"] == "assistant" and isinstance(last["content"], list):
            require(not last["content"][-1].get("text", "").endswith((" ", "\n")),
                    "messages: final assistant content cannot end with trailing whitespace")

    def last_said(self, body):
        content = body["messages"][-1]["content"]
        if isinstance(content, str):
            return content, []
        results = [b for b in content if b["type"] == "tool_result"]
        return " ".join(b["text"] for b in content if b["type"] == "text"), [str(r["content"]) for r in results]

    def error(self, refusal):
        return {"type": "error", "error": {"type": refusal.kind, "message": refusal.message}, "request_id": "req_1"}

    def usage(self, reply, output):
        return {"input_tokens": reply.prompt_tokens - reply.cached_tokens - reply.written_tokens,
                "cache_read_input_tokens": reply.cached_tokens, "cache_creation_input_tokens": reply.written_tokens,
                "output_tokens": output}

    def stop_reason(self, reply):
        return reply.stop or ("tool_use" if reply.calls else "end_turn")

    def blocks(self, reply):
        blocks = [("thinking", reply.thinking)] if reply.thinking else []
        blocks += [("text", reply.text)] if reply.text else []
        return blocks + [("tool_use", call) for call in reply.calls]

    def stream(self, reply, body, number):
        yield sse({"type": "message_start", "message": {
            "id": f"msg_{number}", "type": "message", "role": "assistant", "model": body["model"], "content": [],
            "stop_reason": None, "usage": self.usage(reply, 1)}}, "message_start")
        if reply.pings:
            yield sse({"type": "ping"}, "ping")
        if reply.error_first:
            yield sse({"type": "error", "error": {"type": reply.error_first, "message": "Overloaded"}}, "error")
            return
        for index, (kind, what) in enumerate(self.blocks(reply)):
            empty = {"text": {"type": "text", "text": ""}, "thinking": {"type": "thinking", "thinking": ""}}.get(kind)
            start = empty or {"type": "tool_use", "id": f"toolu_{number}_{index}", "name": what[0], "input": {}}
            yield sse({"type": "content_block_start", "index": index, "content_block": start}, "content_block_start")
            for part in halves(what[1] if kind == "tool_use" else what):
                delta = {"text": {"type": "text_delta", "text": part},
                         "thinking": {"type": "thinking_delta", "thinking": part}}.get(
                             kind, {"type": "input_json_delta", "partial_json": part})
                yield sse({"type": "content_block_delta", "index": index, "delta": delta}, "content_block_delta")
                if reply.error_in_stream:
                    yield sse({"type": "error",
                               "error": {"type": reply.error_in_stream,
                                         "message": reply.message or "Overloaded"}}, "error")
                    return
            yield sse({"type": "content_block_stop", "index": index}, "content_block_stop")
        yield sse({"type": "message_delta", "delta": {"stop_reason": self.stop_reason(reply), "stop_sequence": None},
                   "usage": {"output_tokens": reply.output_tokens}}, "message_delta")
        yield sse({"type": "message_stop"}, "message_stop")

    def whole(self, reply, body, number):
        content = [{"type": "text", "text": reply.text}] if reply.text else []
        content += [{"type": "tool_use", "id": f"toolu_{number}_{i}", "name": name, "input": json.loads(arguments)}
                    for i, (name, arguments) in enumerate(reply.calls)]
        return {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": body["model"],
                "content": content, "stop_reason": self.stop_reason(reply), "stop_sequence": None,
                "usage": self.usage(reply, reply.output_tokens)}


class OpenAi:
    fields = {"model", "messages", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls",
              "temperature", "top_p", "max_completion_tokens", "max_tokens", "stop", "seed", "presence_penalty",
              "frequency_penalty", "response_format", "n", "user", "logit_bias", "logprobs", "top_logprobs"}

    def key_of(self, headers):
        return (headers.get("authorization") or "").removeprefix("Bearer ")

    def check(self, path, headers, body):
        require(path == "/v1/chat/completions", f"Invalid URL (POST {path})", 404)
        for name in body:
            require(name in self.fields, f"Unrecognized request argument supplied: {name}")
        require("model" in body and body.get("messages"), "you must provide a model and messages")
        require("stream_options" not in body or body.get("stream"),
                "stream_options is only allowed when stream is true")
        require("parallel_tool_calls" not in body or body.get("tools"),
                "parallel_tool_calls is only allowed when tools are specified")
        waiting = []
        for index, message in enumerate(body["messages"]):
            role = message["role"]
            require(role in ("system", "developer", "user", "assistant", "tool"), f"messages[{index}].role is wrong")
            if role == "tool":
                require(message["tool_call_id"] in waiting,
                        "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.")
                waiting.remove(message["tool_call_id"])
                continue
            require(not waiting, "An assistant message with 'tool_calls' must be followed by tool messages")
            waiting = [call["id"] for call in message.get("tool_calls", [])]
            require(message.get("content") is not None or waiting, f"messages[{index}].content is required")
        require(not waiting, "An assistant message with 'tool_calls' must be followed by tool messages")

    def last_said(self, body):
        results = []
        for message in reversed(body["messages"]):
            if message["role"] != "tool":
                break
            results.insert(0, str(message["content"]))
        content = body["messages"][-1]["content"]
        if isinstance(content, list):
            content = " ".join(part.get("text", "") for part in content)
        return content, results

    def error(self, refusal):
        return {"error": {"message": refusal.message, "type": refusal.kind, "param": None, "code": None}}

    def usage(self, reply):
        return {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.output_tokens,
                "total_tokens": reply.prompt_tokens + reply.output_tokens,
                "prompt_tokens_details": {"cached_tokens": reply.cached_tokens}}

    def stop_reason(self, reply):
        return reply.stop or ("tool_calls" if reply.calls else "stop")

    def chunk(self, body, number, delta, reason=None, **more):
        choices = [{"index": 0, "delta": delta, "finish_reason": reason}] if delta is not None else []
        return sse({"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1, "model": body["model"],
                    "choices": choices} | more)

    def stream(self, reply, body, number):
        if reply.error_first:
            yield sse({"error": {"message": "The server had an error", "type": reply.error_first}})
            return
        yield self.chunk(body, number, {"role": "assistant", "content": ""})
        if reply.pings:
            yield b": keep-alive\n\n"
        for part in halves(reply.text):
            yield self.chunk(body, number, {"content": part})
            if reply.error_in_stream:
                yield sse({"error": {"message": reply.message or "The server had an error",
                                     "type": reply.error_in_stream}})
                return
        for index, (name, arguments) in enumerate(reply.calls):
            yield self.chunk(body, number, {"tool_calls": [{
                "index": index, "id": reply.call_id or f"call_{number}_{index}", "type": "function",
                "function": {"name": name, "arguments": ""}}]})
            for part in halves(arguments):
                yield self.chunk(body, number, {"tool_calls": [{"index": index, "function": {"arguments": part}}]})
        yield self.chunk(body, number, {}, self.stop_reason(reply))
        if reply.usage and body.get("stream_options", {}).get("include_usage"):
            yield self.chunk(body, number, None, usage=self.usage(reply))
        yield sse("[DONE]")

    def whole(self, reply, body, number):
        message = {"role": "assistant", "content": reply.text or None}
        if reply.calls:
            message["tool_calls"] = [{"id": f"call_{number}_{i}", "type": "function",
                                      "function": {"name": name, "arguments": arguments}}
                                     for i, (name, arguments) in enumerate(reply.calls)]
        return {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1, "model": body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": self.stop_reason(reply)}],
                "usage": self.usage(reply)}


class Gemini:
    fields = {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings"}
    schema = {"type", "description", "properties", "required", "items", "enum", "nullable", "format", "minimum",
              "maximum", "minItems", "maxItems", "anyOf", "title", "default", "propertyOrdering", "minLength",
              "maxLength", "pattern", "minProperties", "maxProperties", "example"}

    def key_of(self, headers):
        return headers.get("x-goog-api-key")

    def check(self, path, headers, body):
        require(re.fullmatch(r"/v1beta/models/[\w.-]+:streamGenerateContent\?alt=sse", path),
                f"no such path {path}", 404)
        for name in body:
            require(name in self.fields, f'Invalid JSON payload received. Unknown name "{name}"')
        require(body.get("contents"), "contents is not specified")
        waiting = 0
        for content in body["contents"]:
            require(content["role"] in ("user", "model"), "Please use a valid role: user, model.")
            require(content["parts"], "contents.parts must not be empty.")
            answers = sum("functionResponse" in part for part in content["parts"])
            require(answers == waiting,
                    "the number of function response parts must be equal to the number of function call parts")
            waiting = sum("functionCall" in part for part in content["parts"])
        for tool in body.get("tools", []):
            for function in tool["functionDeclarations"]:
                self.check_schema(function.get("parameters", {}))

    def check_schema(self, schema):
        for name in schema:
            require(name in self.schema, f'Invalid JSON payload received. Unknown name "{name}" at \'tools[0]\'')
        for inner in schema.get("properties", {}).values():
            self.check_schema(inner)

    def last_said(self, body):
        parts = body["contents"][-1]["parts"]
        results = [json.dumps(p["functionResponse"]["response"]) for p in parts if "functionResponse" in p]
        return " ".join(p.get("text", "") for p in parts), results

    def error(self, refusal):
        return {"error": {"code": refusal.status, "message": refusal.message, "status": "INVALID_ARGUMENT"}}

    def part(self, body, parts, reply, reason=None):
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
        if reason:
            candidate["finishReason"] = reason
        return sse({"candidates": [candidate], "modelVersion": "gemini-x",
                    "usageMetadata": {"promptTokenCount": reply.prompt_tokens,
                                      "cachedContentTokenCount": reply.cached_tokens,
                                      "candidatesTokenCount": reply.output_tokens,
                                      "totalTokenCount": reply.prompt_tokens + reply.output_tokens}})

    def stream(self, reply, body, number):
        for part in halves(reply.text):
            yield self.part(body, [{"text": part}], reply)
            if reply.error_in_stream:
                yield sse({"error": {"code": 503, "message": reply.message or "overloaded",
                                     "status": "UNAVAILABLE"}})
                return
        calls = [{"functionCall": {"name": name, "args": json.loads(arguments)}} for name, arguments in reply.calls]
        yield self.part(body, calls or [{"text": ""}], reply, reply.stop or "STOP")

    def whole(self, reply, body, number):
        raise AssertionError("streams only")


KINDS = {"anthropic": Anthropic, "openai": OpenAi, "gemini": Gemini}
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable", 529: "Overloaded"}


class Double:
    def __init__(self, kind="openai", key="sk-double-0123456789", tls=None):
        """`tls`: an ssl.SSLContext with a certificate."""
        self.kind, self.key, self.face = kind, key, KINDS[kind]()
        self.scheme = "https" if tls else "http"
        self.requests, self.connections = [], 0
        self.gone = 0  # clients that left before the end
        self._replies, self._lock, self._default = [], threading.Lock(), None
        double = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                double.connections += 1
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    while double._serve(self):
                        pass
                except (OSError, ValueError):
                    double.gone += 1

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads, request_queue_size = True, True, 256

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self):
        return self._server.server_address[1]

    @property
    def url(self):
        base = {"anthropic": "", "openai": "/v1", "gemini": "/v1beta"}[self.kind]
        return f"{self.scheme}://{'localhost' if self.scheme == 'https' else '127.0.0.1'}:{self.port}{base}"

    def next(self, *replies):
        with self._lock:
            self._replies.extend(replies)

    def forget(self):
        with self._lock:
            self._replies.clear()
            self._default = None

    def always(self, reply):
        """What every question gets for which nothing else was said; None: as at first."""
        self._default = reply

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _serve(self, handler):
        line = handler.rfile.readline().decode()
        if not line:
            return False
        method, path, _ = line.split(" ", 2)
        headers = {}
        while (line := handler.rfile.readline().decode().strip()):
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        text = handler.rfile.read(int(headers.get("content-length", 0)))
        with self._lock:
            reply = self._replies.pop(0) if self._replies else None
            body = json.loads(text)
            self.requests.append((path, headers, body))
            number = len(self.requests)
        try:
            require(method == "POST", "wrong method", 405)
            require(self.face.key_of(headers) == self.key, "invalid x-api-key: sk-…", 401, "authentication_error")
            self.face.check(path, headers, body)
            reply = reply or self._default or self._usual(body)
            if reply.status != 200:
                raise Refusal(reply.status, "overloaded_error", reply.message or "Overloaded")
        except Refusal as refusal:
            if reply and (reply.cut == "head" or reply.hang == "head"):
                return self._misbehave(handler, reply)
            data = json.dumps(self.face.error(refusal)).encode()
            extra = "".join(f"{k}: {v}\r\n" for k, v in (reply.headers if reply else {}).items())
            self._send(handler, f"HTTP/1.1 {refusal.status} {REASONS.get(refusal.status, 'X')}\r\n"
                                f"Content-Type: application/json\r\n{extra}"
                                f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
            return True
        if reply.cut == "head" or reply.hang == "head":
            return self._misbehave(handler, reply)
        if reply.whole or not (body.get("stream") or self.kind == "gemini"):
            data = json.dumps(self.face.whole(reply, body, number)).encode()
            self._send(handler, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                b"Content-Length: %d\r\n\r\n" % len(data) + data)
            return True
        return self._stream(handler, reply, list(self.face.stream(reply, body, number)))

    def _usual(self, body):
        said, results = self.face.last_said(body)
        if results:
            return Reply(text="The tools said: " + " | ".join(results))
        calls = re.findall(r"call (\w+) (\{[^{}]*\})", said)
        return Reply(calls=calls) if calls else Reply(text="You said: " + said)

    def _misbehave(self, handler, reply):
        if reply.hang:
            handler.connection.settimeout(60)
            handler.rfile.read(1)  # until the client leaves
            self.gone += 1
        return False

    @staticmethod
    def _send(handler, data):
        handler.wfile.write(data)
        handler.wfile.flush()

    def _stream(self, handler, reply, events):
        self._send(handler, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\n")
        data = b"".join(events)
        size = reply.piece_bytes
        pieces = [data[i:i + size] for i in range(0, len(data), size)] if size else events
        half = 1 if reply.cut == "start" else (len(pieces) + 1) // 2
        for number, piece in enumerate(pieces):
            if number == half and reply.cut:
                return False
            if number == half and reply.hang == "middle":
                return self._misbehave(handler, reply)
            self._send(handler, b"%x\r\n" % len(piece) + piece + b"\r\n")
            if reply.pause_s:
                time.sleep(reply.pause_s)
        self._send(handler, b"0\r\n\r\n")
        return True
