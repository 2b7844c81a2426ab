"""Exact bytes from the scripted model: one wrong KV position, template byte or stop byte shows here."""
import concurrent.futures
import json
import pathlib
import unittest

import harness

SCRIPT = json.loads((pathlib.Path(__file__).parent.parent / "scripted" / "script.json").read_text())
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Weather of a place",
           "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}}}
PLAIN = [c for c in SCRIPT if "user" in c and not c.get("loops") and "<tool_call>" not in c["reply"]]


class Exact(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = harness.scripted()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.kill()

    def test_every_line_of_the_script(self):
        for case in PLAIN:
            with self.subTest(case["user"]):
                answer = self.daemon.chat(case["user"])
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual(answer.text, case["reply"])
                self.assertEqual(answer.json["choices"][0]["finish_reason"], "stop")

    def test_streams_give_the_same_bytes(self):
        for case in PLAIN:
            with self.subTest(case["user"]):
                self.assertEqual(self.daemon.stream(case["user"]).text(), case["reply"])

    def test_all_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            jobs = [(case, pool.submit(self.daemon.chat, case["user"])) for case in PLAIN * 3]
            for case, job in jobs:
                self.assertEqual(job.result().text, case["reply"])

    def test_many_turns_reuse_what_was_computed(self):
        messages, cached = [], []
        for case in PLAIN * 2:
            messages.append({"role": "user", "content": case["user"]})
            answer = self.daemon.chat(messages)
            self.assertEqual(answer.text, case["reply"])
            usage = answer.json["usage"]
            cached.append(usage["prompt_tokens_details"]["cached_tokens"] / usage["prompt_tokens"])
            messages.append({"role": "assistant", "content": answer.text})
        self.assertGreater(cached[-1], 0.8)

    def test_a_repeated_request_computes_one_token(self):
        first = self.daemon.chat("Say hello.").json
        again = self.daemon.chat("Say hello.").json
        self.assertEqual(first["choices"][0]["message"], again["choices"][0]["message"])
        usage = again["usage"]
        self.assertEqual(usage["prompt_tokens_details"]["cached_tokens"], usage["prompt_tokens"] - 1)

    def test_stop_strings(self):
        whole = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
        for stop, want in (("7", whole.split("7")[0]), (", 3", "1, 2"), ("3, 4, 5", "1, 2, "),
                           (["zzz", " 2"], "1,"), ("1", "")):
            with self.subTest(stop=stop):
                answer = self.daemon.chat("Count to thirty.", stop=stop)
                self.assertEqual(answer.text, want)
                self.assertEqual(answer.json["choices"][0]["finish_reason"], "stop")
                self.assertEqual(self.daemon.stream("Count to thirty.", stop=stop).text(), want)

    def test_max_tokens(self):
        answer = self.daemon.chat("Count to thirty.", max_tokens=5).json
        self.assertEqual(answer["choices"][0]["finish_reason"], "length")
        self.assertEqual(answer["usage"]["completion_tokens"], 5)
        self.assertTrue("1, 2, 3, 4, 5".startswith(answer["choices"][0]["message"]["content"].rstrip(", ")))

    def test_an_endless_answer_stops_at_max_tokens(self):
        answer = self.daemon.chat(harness.NEVER_ENDING, max_tokens=300).json
        self.assertEqual(answer["usage"]["completion_tokens"], 300)
        text = answer["choices"][0]["message"]["content"]
        self.assertTrue(("tick tock " * 300).startswith(text.strip()), text)

    def test_a_tool_call_and_its_result(self):
        messages = [{"role": "user", "content": "What is the weather in Paris?"}]
        answer = self.daemon.chat(messages, tools=[WEATHER]).json["choices"][0]
        self.assertEqual(answer["finish_reason"], "tool_calls")
        call = answer["message"]["tool_calls"][0]
        self.assertEqual(call["function"]["name"], "get_weather")
        self.assertEqual(json.loads(call["function"]["arguments"]), {"location": "Paris"})
        messages += [answer["message"], {"role": "tool", "tool_call_id": call["id"], "content": '{"temp": 18}'}]
        self.assertEqual(self.daemon.chat(messages, tools=[WEATHER]).text, "It is 18 degrees in Paris.")

    def test_a_streamed_tool_call(self):
        events = list(self.daemon.stream("What is the weather in Paris?", tools=[WEATHER]).events())
        calls = [c for e in events for c in e["choices"][0]["delta"].get("tool_calls") or []]
        self.assertEqual(calls[0]["function"]["name"], "get_weather")
        self.assertTrue(calls[0]["id"])
        arguments = "".join(c["function"].get("arguments") or "" for c in calls)
        self.assertEqual(json.loads(arguments), {"location": "Paris"})
        self.assertEqual(events[-1]["choices"][0]["finish_reason"], "tool_calls")

    def test_json_mode(self):
        answer = self.daemon.chat("Reply in JSON.", response_format={"type": "json_object"})
        self.assertEqual(json.loads(answer.text), {"ok": True, "items": [1, 2, 3], "note": 'a "quoted" word'})

    def test_the_usage_of_a_stream(self):
        events = list(self.daemon.stream("Say hello.", stream_options={"include_usage": True}).events())
        plain = self.daemon.chat("Say hello.").json["usage"]
        self.assertEqual(events[-1]["choices"], [])
        for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
            self.assertEqual(events[-1]["usage"][name], plain[name])
