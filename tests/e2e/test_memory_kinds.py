"""Models whose state cannot be cut anywhere, on the real binary: recurrent, hybrid, sliding window. Their
weights are random; what they say is noise, but always the same noise."""
import os
import random
import shutil
import tempfile
import unittest

import harness

KINDS = {"mamba2": "recurrent", "qwen35": "hybrid", "gemma3": "sliding window"}
LENGTH, ANSWER = 60, 12
RULES = {"role": "system", "content": "Be brief and careful in everything that you say and do. " * 4}


def path(name):
    return os.path.join(os.path.dirname(harness.SCRIPTED), "random", f"{name}-dense.gguf")


def tokens(seed):
    dice = random.Random(seed)
    return [dice.randrange(3, 120) for _ in range(LENGTH)]


class MemoryKinds(unittest.TestCase):
    def setUp(self):
        self.data = tempfile.mkdtemp(prefix="hearth-e2e-")
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)

    def start(self, name):
        return harness.Daemon(data=self.data, HEARTH_MODEL_PATH=path(name), HEARTH_MODEL_SLOTS="2")

    def complete(self, daemon, prompt, **fields):
        """(text, tokens that came from the cache, how likely each token was)"""
        answer = daemon.post("/v1/completions", {"prompt": prompt, "max_tokens": ANSWER, "temperature": 0,
                                                 "logprobs": 0, "ignore_eos": True} | fields)
        self.assertEqual(answer.status, 200, answer.body)
        choice, usage = answer.json["choices"][0], answer.json["usage"]
        return choice["text"], usage["prompt_tokens_details"]["cached_tokens"], choice["logprobs"]["token_logprobs"]

    def test_a_prompt_goes_on_from_what_was_computed(self):
        for name, kind in KINDS.items():
            with self.subTest(kind), self.start(name) as daemon:
                first = tokens(1)
                longer = first + tokens(2)
                want = {len(p): self.complete(daemon, p, cache_prompt=False) for p in (first, longer)}
                self.assertEqual(self.complete(daemon, first)[1], 0)
                for prompt, reused in ((first, LENGTH - 1), (longer, LENGTH - 1), (longer, 2 * LENGTH - 1)):
                    text, cached, likely = self.complete(daemon, prompt)
                    self.assertEqual((text, cached), (want[len(prompt)][0], reused))
                    for got, cold in zip(likely, want[len(prompt)][2]):
                        self.assertAlmostEqual(got, cold, places=3)  # other chunks, other rounding

    def test_turns_of_a_chat_compute_only_what_is_new(self):
        for name, kind in KINDS.items():
            with self.subTest(kind), self.start(name) as daemon:
                talk = [RULES, {"role": "user", "content": "What is the capital of Italy?"}]
                answer = daemon.chat(talk, max_tokens=ANSWER, ignore_eos=True)
                prompt = answer.json["usage"]["prompt_tokens"]
                # The answer comes back in other words, as it does where thoughts are left out.
                talk += [{"role": "assistant", "content": "Rome."}, {"role": "user", "content": "And of Peru?"}]
                usage = daemon.chat(talk, max_tokens=ANSWER, ignore_eos=True).json["usage"]
                self.assertGreater(usage["prompt_tokens_details"]["cached_tokens"], prompt - 12)

    def test_what_is_saved_goes_on_after_a_restart(self):
        for name, kind in KINDS.items():
            with self.subTest(kind):
                keep = {"key": "talk", "persist": True}
                with self.start(name) as daemon:
                    # Nothing is saved before the file's hash is known; a daemon that comes later remembers it.
                    harness.wait_until(lambda: daemon.chat("hi", max_tokens=1).json["system_fingerprint"], 60, "hash")
                    prompt = tokens(3) + tokens(4)
                    self.complete(daemon, prompt, cache=keep)
                    want = self.complete(daemon, prompt, cache=keep)
                    self.assertEqual(want[1], 2 * LENGTH - 1)
                    harness.wait_until(lambda: daemon.metric("hearth_kv_snapshot_saved_total") >= 1, 20, "saved")
                    self.assertEqual(daemon.stop(), 0)
                with self.start(name) as again:
                    self.assertEqual(self.complete(again, prompt, cache=keep), want)
                    self.assertEqual(again.metric("hearth_kv_snapshot_restored_tokens_total"), 2 * LENGTH - 1)
