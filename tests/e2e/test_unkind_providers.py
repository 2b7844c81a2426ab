"""Providers that do harm: that repeat the key, never end, call tools for ever, or refuse without a reason; and clients
that would make others pay."""
import json
import pathlib
import shutil
import tempfile
import threading
import unittest

import harness
from provider_double import Double, Reply
from test_providers import KEYS, ask, daemon_with, provider_text

NO_CAPS = '[budget]\nday_max = ""\nmonth_max = ""\n'


def spent(daemon):
    return {c["what"]: c for c in daemon.request("GET", "/v1/spending").json["caps"]}["day"]["spent_microdollars"]


class Keys(unittest.TestCase):
    def test_a_provider_that_repeats_the_key_is_not_quoted(self):
        for kind in KEYS:
            with self.subTest(kind), Double(kind) as double:
                text = f"bad key {double.key}, {'x' * 480} {double.key}"
                replies = [Reply(status=status, message=text) for status in (400, 403, 404, 422, 429, 500)]
                replies.append(Reply(text="half of it", error_in_stream="overloaded_error", message=text))
                with daemon_with(provider_text(double, more='retries_max = 0\nmodels = ["m"]').replace(
                        "retries_max = 2\n", ""), double) as daemon:
                    for reply in replies:
                        for body in ({"model": f"{kind}/m"}, {"model": "strategic"},
                                     {"model": "strategic", "session_id": "a"}):
                            double.next(reply)
                            answer = daemon.post("/v1/chat/completions", body | {
                                "max_tokens": 20, "messages": [{"role": "user", "content": "x"}]})
                            self.assertNotIn("sk-double", answer.body.decode())
                    self.assertNotIn("sk-double", daemon.log())


    def test_a_key_that_looks_like_what_stands_in_its_place(self):
        with Double("openai", key="*" * 8) as double, daemon_with(provider_text(double), double) as daemon:
            double.next(Reply(status=400, message="bad key " + "*" * 20))
            answer = ask(daemon, "openai/m", "x")
            self.assertEqual(answer.status, 400)
            self.assertNotIn("*" * 8, answer.error["message"].replace("***", ""))


class Money(unittest.TestCase):
    def test_a_schema_is_counted_before_it_is_sent(self):
        schema = {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(1500)}}
        form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
        with Double("openai") as double, daemon_with('[budget]\nday_max = "0.0100"\n' + provider_text(double),
                                                     double) as daemon:
            answer = ask(daemon, "openai/m", "x", max_tokens=10, response_format=form)
            self.assertEqual(answer.status, 403, answer.body)
            self.assertEqual(answer.error["param"], "budget.day_max")
            self.assertEqual(double.requests, [])

    def test_an_answer_without_an_end_is_cut_off_and_costs_no_more_than_it_may(self):
        for kind in KEYS:
            with self.subTest(kind), Double(kind) as double:
                double.always(Reply(text="word " * 600_000))
                with daemon_with(NO_CAPS + provider_text(double), double) as daemon:
                    answer = ask(daemon, f"{kind}/m", "x", max_tokens=5)
                    self.assertEqual(answer.status, 503, answer.body[:300])
                    self.assertIn("far beyond the 5 tokens", answer.error["message"])
                    harness.wait_until(lambda: spent(daemon) > 0, 10, "it is settled")
                    self.assertLessEqual(spent(daemon), 100 + 5 * 10)
                    self.assertEqual(len(double.requests), 1)

    def test_what_has_begun_is_not_asked_again(self):
        with Double("anthropic") as double, daemon_with(NO_CAPS + provider_text(double), double) as daemon:
            double.always(Reply(text="hello", cut="start", prompt_tokens=100_000))
            answer = ask(daemon, "anthropic/m", "x", max_tokens=5)
            self.assertEqual(answer.status, 503, answer.body)
            self.assertEqual(len(double.requests), 1)
            harness.wait_until(lambda: spent(daemon) >= 100_000, 10, "it is paid for")

    def test_one_that_is_left_before_its_first_word_may_have_thought(self):
        with Double("openai") as double, daemon_with(NO_CAPS + provider_text(double), double) as daemon:
            double.always(Reply(text="hello", hang="head"))
            connection = daemon.connect()
            connection.request("POST", "/v1/chat/completions", json.dumps(
                {"model": "openai/m", "max_tokens": 1000, "messages": [{"role": "user", "content": "x"}]}),
                {"Content-Type": "application/json"})
            harness.wait_until(lambda: double.requests, 10, "it is asked")
            connection.close()
            harness.wait_until(lambda: double.gone, 10, "it sees that")
            # 1,000 tokens at $10 a million, and the prompt.
            harness.wait_until(lambda: 10_000 < spent(daemon) < 10_500, 10, "all that it might have said is paid for")
            folder = pathlib.Path(daemon.data, "metrics")
            harness.wait_until(lambda: list(folder.glob("*.jsonl")), 10, "the daily file")
            line = json.loads(next(folder.glob("*.jsonl")).read_text().splitlines()[0])
            self.assertGreater(line["cost_microdollars"], 10_000)

    def test_only_the_operators_token_lets_spending_go_on(self):
        ours, theirs = "o" * 32, "t" * 32
        with Double("openai") as double:
            data = tempfile.mkdtemp(prefix="hearth-tokens-")
            self.addCleanup(shutil.rmtree, data)
            pathlib.Path(data, "hearth.toml").write_text(
                f'[server]\ntokens = ["{ours}", "{theirs}"]\n' + provider_text(double))
            with harness.Daemon(data=data, wait_ready=False, OPENAI_API_KEY=double.key) as daemon:
                def post(path, token):
                    return daemon.request("POST", path, "{}", {"Authorization": "Bearer " + token}).status
                self.assertEqual(post("/v1/spending/stop", theirs), 200)
                self.assertEqual(post("/v1/spending/release", theirs), 403)
                self.assertEqual(post("/v1/spending/release", ours), 200)
                told = harness.run("stop-spending", "--data", daemon.data)
                self.assertEqual(told.returncode, 0, told.stderr)
                told = harness.run("stop-spending", "--release", "--data", daemon.data)
                self.assertEqual(told.returncode, 0, told.stderr)


class Sessions(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory(prefix="hearth-unkind-")
        self.addCleanup(self.work.cleanup)
        pathlib.Path(self.work.name, "a.txt").write_text("The answer is 42.")

    def say(self, daemon, text, model="anthropic/strong"):
        return daemon.post("/v1/chat/completions", {"session_id": "talk", "model": model, "max_tokens": 50,
                                                    "messages": [{"role": "user", "content": text}]})

    def test_a_model_that_calls_tools_for_ever_is_ended(self):
        settings = f'[agent]\nrounds_max = 3\n[tools]\nworkspace = ["{self.work.name}"]\n'
        with Double("anthropic") as double, daemon_with(settings + provider_text(double), double) as daemon:
            call = ("read_file", '{"path":"a.txt"}')
            double.always(Reply(calls=[call]))
            answer = self.say(daemon, "Read it.")
            self.assertEqual(answer.status, 503, answer.body)
            self.assertIn("agent.rounds_max", answer.error["message"])
            self.assertEqual(len(double.requests), 4)
            # One that says something too has answered.
            double.requests.clear()
            double.always(Reply(text="I read it.", calls=[call]))
            answer = self.say(daemon, "Again.")
            self.assertEqual((answer.status, answer.json["choices"][0]["finish_reason"]), (200, "stop"), answer.body)
            self.assertEqual(len(double.requests), 4)
            double.always(None)
            self.assertIn("You said: thanks", self.say(daemon, "thanks").text)

    def test_a_call_with_an_id_that_was_there_is_made(self):
        settings = f'[tools]\nworkspace = ["{self.work.name}"]\n'
        pathlib.Path(self.work.name, "b.txt").write_text("Another.")
        with Double("openai") as double, daemon_with(settings + provider_text(double), double) as daemon:
            double.next(Reply(calls=[("read_file", '{"path":"a.txt"}'), ("read_file", '{"path":"b.txt"}')],
                              call_id="call_same"))
            answer = self.say(daemon, "Read both.", model="openai/m")
            self.assertEqual(answer.status, 200, answer.body)
            self.assertIn("The answer is 42.", answer.text)
            self.assertIn("Another.", answer.text)

    def test_one_that_finds_a_short_question_too_large_costs_no_history(self):
        with Double("anthropic") as double, daemon_with(provider_text(double), double) as daemon:
            for number in range(4):
                self.assertEqual(self.say(daemon, f"number {number}").status, 200)
            double.requests.clear()
            double.always(Reply(status=413, message="too large"))
            self.assertGreaterEqual(self.say(daemon, "hello").status, 400)
            self.assertEqual(len(double.requests), 1)
            double.always(None)
            self.assertEqual(self.say(daemon, "and now?").status, 200)
            said = json.dumps(double.requests[-1][2]["messages"])
            for number in range(4):
                self.assertIn(f"number {number}", said)


class Crowd(unittest.TestCase):
    def test_answers_in_the_background_are_bounded(self):
        with Double("openai") as double, daemon_with(NO_CAPS + provider_text(double), double) as daemon:
            double.always(Reply(text="x", hang="head"))
            statuses = []

            def question():
                statuses.append(daemon.post("/v1/responses", {
                    "model": "openai/m", "input": "x" * 6_000_000, "background": True}).status)
            threads = [threading.Thread(target=question) for _ in range(14)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(set(statuses), {200, 429})
            self.assertLessEqual(statuses.count(200), 11)  # 64 MiB


if __name__ == "__main__":
    unittest.main()
