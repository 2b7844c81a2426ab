"""`"deterministic": true`: the same bytes whatever else runs, also after a restart."""
import concurrent.futures
import json
import random
import unittest

import harness

CLIENTS = 16


def fields_of(number):
    """Request number `number`: seeds, greedy ones, prompts of many lengths that begin alike."""
    story = " ".join(f"Item {i * 7 % 13} is {'red' if i % 3 else 'blue'}." for i in range(number * 3 % 90))
    fields = {"content": f"Tell me about yourself. {story} Number {number}?", "deterministic": True, "max_tokens": 24,
              "temperature": 0 if number % 4 == 0 else 1.2}
    if number % 3:
        fields["seed"] = number
    return fields


def said(answer):
    """What is promised of an answer: everything but its id, its times and what was cached."""
    body = answer.json
    return json.dumps([body["choices"], body["deterministic"], body["system_fingerprint"]])


def noise(daemon, number):
    picker = random.Random(number)
    text = " ".join(f"word{picker.randrange(50)}" for _ in range(picker.randrange(5, 250)))
    if number % 3 == 0:
        stream = daemon.stream(text, max_tokens=200, temperature=1)
        next(iter(stream), None)
        stream.close()  # hangs up
    else:
        daemon.chat(text, timeout=240, max_tokens=picker.randrange(1, 40), temperature=1)


class Deterministic(unittest.TestCase):

    def test_under_load_and_after_a_restart(self):
        with harness.Daemon() as quiet:
            harness.wait_until(lambda: quiet.chat("hi", max_tokens=1).json["system_fingerprint"], 60, "hash")
            alone = [quiet.chat(**fields_of(i)) for i in range(CLIENTS)]
        for answer in alone:
            self.assertEqual(answer.status, 200, answer.body)
        self.assertGreater(len({said(a) for a in alone}), CLIENTS // 2)
        with harness.Daemon(HEARTH_MODEL_QUEUE_MAX="128", HEARTH_MODEL_THREADS="2") as busy, \
                concurrent.futures.ThreadPoolExecutor(CLIENTS + 8) as pool:
            # The model's hash is computed at the lowest priority; a reply before it is known names none.
            harness.wait_until(lambda: busy.chat("hi", max_tokens=1).json["system_fingerprint"], 60, "hash")
            others = [pool.submit(noise, busy, i) for i in range(10)]
            jobs = [pool.submit(busy.chat, timeout=240, **fields_of(i)) for i in range(CLIENTS)]
            for number, (job, first) in enumerate(zip(jobs, alone)):
                self.assertEqual(said(job.result()), said(first), number)
            for other in others:
                other.result()

    def test_weights_of_floats_are_refused(self):
        with harness.scripted() as daemon:
            answer = daemon.chat("Say hello.", deterministic=True)
            self.assertEqual((answer.status, answer.error["param"]), (400, "deterministic"))
            self.assertIn("weights of type f16", answer.error["message"])

    def test_streams_say_so_at_their_end(self):
        with harness.Daemon() as daemon:
            events = list(daemon.stream("Who are you?", deterministic=True).events())
            self.assertTrue(events[-1]["deterministic"])
            self.assertNotIn("deterministic", events[0])
            usage = {"include_usage": True}
            events = list(daemon.stream("Who are you?", deterministic=True, stream_options=usage).events())
            self.assertEqual(events[-1]["choices"], [])
            self.assertTrue(events[-1]["deterministic"])
            texts = [c["message"]["content"] for c in daemon.chat("Who are you?", deterministic=True, n=2,
                                                                  temperature=2).json["choices"]]
            self.assertNotEqual(texts[0], texts[1])  # each choice has a seed of its own

    def test_is_refused_with_the_reason(self):
        with harness.Daemon(HEARTH_MODEL_KV_TYPE="f16") as daemon:
            answer = daemon.chat("Who are you?", deterministic=True)
            self.assertEqual(answer.status, 400)
            self.assertEqual(answer.error["param"], "deterministic")
            self.assertIn("KV cache is f16", answer.error["message"])
            self.assertEqual(daemon.stream("Who are you?", deterministic=True).status, 400)
            self.assertEqual(daemon.chat("Who are you?").status, 200)
            wrong = daemon.chat("Who are you?", deterministic="yes")
            self.assertEqual((wrong.status, wrong.error["param"]), (400, "deterministic"))

    def test_a_setting_that_cannot_be_kept_is_said_at_the_start(self):
        with harness.Daemon(HEARTH_MODEL_DETERMINISTIC="true", HEARTH_MODEL_KV_TYPE="f16",
                            wait_ready=False) as daemon:
            answer = harness.wait_until(lambda: self.refusal(daemon), 30, "the load was refused")
            self.assertIn("model.deterministic", answer)
        with harness.Daemon(HEARTH_MODEL_DETERMINISTIC="true") as daemon:
            self.assertTrue(daemon.chat("Who are you?", deterministic=True).json["deterministic"])

    @staticmethod
    def refusal(daemon):
        message = daemon.chat("Hi").error["message"]
        return message if "loading" not in message else ""


if __name__ == "__main__":
    unittest.main()
