"""Drafts and forced tokens, on the real binary: they save steps and change no byte."""
import concurrent.futures
import json
import re
import unittest

import harness

COUNT = "Count to thirty."
RECORD = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 8}, "is open": {"type": "boolean"},
          "kind": {"enum": ["one", "two"]}}, "required": ["name", "is open", "kind"], "additionalProperties": False}
AS_RECORD = {"type": "json_schema", "json_schema": {"name": "record", "schema": RECORD, "strict": True}}


class SavedSteps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = harness.scripted()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.kill()

    def both_ways(self, content, **fields):
        with_lookup = self.daemon.chat(content, **fields).json
        without = self.daemon.chat(content, lookup=False, **fields).json
        self.assertEqual(with_lookup["choices"], without["choices"])
        self.assertEqual(with_lookup["usage"]["completion_tokens"], without["usage"]["completion_tokens"])
        self.assertEqual(without["timings"]["draft_n"], 0)
        return with_lookup["timings"]

    def test_a_text_that_repeats_is_drafted(self):
        before = self.daemon.metric("hearth_draft_tokens_total", accepted="true")
        timings = self.both_ways(harness.NEVER_ENDING, max_tokens=200)
        self.assertGreater(timings["draft_n_accepted"], 0)
        self.assertGreaterEqual(timings["draft_n"], timings["draft_n_accepted"])
        after = self.daemon.metric("hearth_draft_tokens_total", accepted="true")
        self.assertEqual(after - before, timings["draft_n_accepted"])

    def test_every_length_and_stop_is_exact(self):
        for tokens in (1, 2, 3, 4, 5, 9, 30, 31, 32, 33):
            with self.subTest(tokens):
                self.both_ways(harness.NEVER_ENDING, max_tokens=tokens)
        for stop in ("tock tick", "ck t", " "):
            with self.subTest(stop):
                self.both_ways(harness.NEVER_ENDING, max_tokens=60, stop=stop)

    def test_beside_each_other(self):
        want = [self.daemon.chat(text, lookup=False, max_tokens=120).text for text in (harness.NEVER_ENDING, COUNT)]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            jobs = [(i % 2, pool.submit(self.daemon.chat, (harness.NEVER_ENDING, COUNT)[i % 2], max_tokens=120))
                    for i in range(8)]
            for which, job in jobs:
                self.assertEqual(job.result().text, want[which])

    def test_json_is_forced_where_there_is_no_choice(self):
        before = self.daemon.metric("hearth_forced_tokens_total")
        forced = self.daemon.chat("Reply.", response_format=AS_RECORD, max_tokens=300).json
        text = forced["choices"][0]["message"]["content"]
        self.assertRegex(text, re.compile(r'^\{"name": ".*", "is open": (true|false), "kind": "(one|two)"\}$', re.S))
        self.assertEqual(list(json.loads(text)), list(RECORD["properties"]))
        self.assertGreater(forced["timings"]["forced_n"], 0)
        self.assertEqual(self.daemon.metric("hearth_forced_tokens_total") - before, forced["timings"]["forced_n"])
        plain = self.daemon.chat("Reply.", response_format=AS_RECORD, max_tokens=300, forced_tokens=False).json
        self.assertEqual(plain["timings"]["forced_n"], 0)
        self.assertEqual(list(json.loads(plain["choices"][0]["message"]["content"])), list(RECORD["properties"]))
