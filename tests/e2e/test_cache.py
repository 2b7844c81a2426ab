"""What stays in the KV cache, seen through `cached_tokens`."""
import unittest

import harness

RULES = {"role": "system", "content": "You are a careful assistant. " + "Be brief and precise. " * 20}


def cached(answer):
    assert answer.status == 200, answer.body
    return answer.json["usage"]["prompt_tokens_details"]["cached_tokens"]


class Cache(unittest.TestCase):
    @classmethod
    def setUpClass(cls):  # a cache of 1,024 tokens
        cls.daemon = harness.Daemon(HEARTH_MODEL_CONTEXT_TOKENS="512", HEARTH_MODEL_SLOTS="2")

    @classmethod
    def tearDownClass(cls):
        cls.daemon.kill()

    def ask(self, question, **fields):
        return self.daemon.chat([RULES, {"role": "user", "content": question}], max_tokens=1, **fields)

    def flood(self):
        """Fills the cache twice over with prompts that have nothing in common."""
        for digit in range(1, 8):
            answer = self.daemon.chat(f"{digit} " * 150, max_tokens=1)
            self.assertEqual(answer.status, 200, answer.body)

    def test_a_pinned_prefix_stays(self):
        self.ask("What is the capital of Italy?", cache={"key": "rules", "pin": True, "border": 1})
        shared = cached(self.ask("What is 2 + 3?"))
        self.assertGreater(shared, 100)
        self.flood()
        hits = self.daemon.metric("hearth_prefix_lookups_total", result="hit")
        self.assertGreaterEqual(cached(self.ask("What is the capital of Peru?")), shared - 5)
        self.assertEqual(self.daemon.metric("hearth_prefix_lookups_total", result="hit"), hits + 1)
        self.assertGreater(self.daemon.metric("hearth_prefix_evictions_total"), 0)
        self.assertEqual(self.daemon.metric("hearth_prefix_pins"), 1)

    def test_what_is_not_pinned_goes(self):
        other = [{"role": "user", "content": "Another conversation. " * 30}]
        self.daemon.chat(other, max_tokens=1)
        self.assertGreater(cached(self.daemon.chat(other, max_tokens=1)), 100)
        self.flood()
        self.assertLess(cached(self.daemon.chat(other, max_tokens=1)), 20)


class ManyConversations(unittest.TestCase):
    def test_forty_are_all_kept(self):
        with harness.Daemon() as daemon:
            self.talk_twice(daemon)

    def talk_twice(self, daemon):
        talks = [[RULES, {"role": "user", "content": f"Remember the number {n}."}] for n in range(40)]
        for talk in talks:
            answer = daemon.chat(talk, max_tokens=4)
            talk += [{"role": "assistant", "content": answer.text}, {"role": "user", "content": "And now?"}]
        for talk in talks:
            answer = daemon.chat(talk, max_tokens=4)
            whole = answer.json["usage"]["prompt_tokens"]
            self.assertLess(whole - cached(answer), 24, "only what is new is computed")
