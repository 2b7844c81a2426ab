"""Several models behind one daemon: loaded when asked for, two that do not fit together, idle ones unloaded, crashed
ones replaced, and what an operational one has to pass."""
import concurrent.futures
import os
import pathlib
import shutil
import signal
import tempfile
import unittest

import harness
from harness import wait_until

EMBER = pathlib.Path(harness.__file__).resolve().parents[2] / "models" / "ember" / "ember.gguf"
ONE_AT_A_TIME = 260_000_000  # bytes of memory: Ember needs more than half of it
ITALY = "What is the capital of Italy?"
ROME = "The capital of Italy is Rome."


class Pool:
    """A daemon whose hearth.toml has these lines, and Ember's file a second time as models/second.gguf."""

    def __init__(self, toml, **options):
        self.data = tempfile.mkdtemp(prefix="hearth-e2e-pool-")
        os.mkdir(os.path.join(self.data, "models"))
        os.symlink(EMBER, os.path.join(self.data, "models", "second.gguf"))
        pathlib.Path(self.data, "hearth.toml").write_text(toml)
        self.options = options

    def __enter__(self):
        try:
            self.daemon = harness.Daemon(data=self.data, **self.options)
        except BaseException:
            shutil.rmtree(self.data, ignore_errors=True)
            raise
        return self.daemon

    def __exit__(self, *_):
        self.daemon.kill()
        shutil.rmtree(self.data, ignore_errors=True)


def model(name, **settings):
    lines = [f'name = "{name}"'] + [f"{key} = {value}" for key, value in settings.items()]
    return "[[pool.model]]\n" + "\n".join(lines) + "\n"


def states(daemon):
    return {one["id"]: one["state"] for one in daemon.request("GET", "/v1/models").json["data"]}


def ask(daemon, name, question=ITALY, **fields):
    answer = daemon.chat(question, model=name, **fields)
    if answer.status != 200:
        raise AssertionError(answer.body)
    return answer.json["model"], answer.text


def loads(daemon, name):
    return daemon.metric("hearth_model_loads_total", model=name)


class PoolTest(unittest.TestCase):
    def test_two_that_do_not_fit_take_turns(self):
        toml = f"[pool]\nmemory_bytes_max = {ONE_AT_A_TIME}\n" + model("ember") + model("second")
        with Pool(toml) as daemon:
            self.assertEqual(states(daemon), {"ember": "unloaded", "second": "unloaded"})
            self.assertEqual(daemon.engine_pids(), [])
            for name in ("ember", "second", "ember"):
                self.assertEqual(ask(daemon, name), (name, ROME))
                self.assertEqual(len(daemon.engine_pids()), 1)
                self.assertEqual(states(daemon)[name], "ready")
            self.assertEqual(ask(daemon, ""), ("ember", ROME))  # the first is the default
            self.assertEqual((loads(daemon, "ember"), loads(daemon, "second")), (2, 1))

    def test_everybody_is_answered_and_nothing_thrashes(self):
        toml = (f'[pool]\nmemory_bytes_max = {ONE_AT_A_TIME}\nresidence_min = "2s"\n' + model("ember") +
                model("second"))
        with Pool(toml) as daemon, concurrent.futures.ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(ask, daemon, ("ember", "second")[at % 2]) for at in range(40)]
            self.assertEqual([one.result() for one in asked], [("ember", ROME), ("second", ROME)] * 20)
            self.assertLess(loads(daemon, "ember") + loads(daemon, "second"), 15)

    def test_idle_ones_are_unloaded_and_come_back(self):
        with Pool(model("ember", idle_timeout='"1s"') + model("second", idle_timeout='"1s"', pinned="true")) as daemon:
            ask(daemon, "ember")
            ask(daemon, "second")
            wait_until(lambda: states(daemon)["ember"] == "unloaded", 20, "the idle one leaves")
            self.assertEqual(states(daemon)["second"], "ready")
            wait_until(lambda: len(daemon.engine_pids()) == 1, 20, "its process has ended")
            self.assertEqual(ask(daemon, "ember"), ("ember", ROME))

    def test_a_crashed_or_stopped_one_is_replaced_and_the_other_does_not_notice(self):
        with Pool(model("ember") + model("second")) as daemon:
            ask(daemon, "ember")
            (first,) = daemon.engine_pids()
            ask(daemon, "second")
            (second,) = set(daemon.engine_pids()) - {first}
            os.kill(first, signal.SIGKILL)
            self.assertEqual(ask(daemon, "second"), ("second", ROME))
            # What is asked in the moment of its death is told so.
            wait_until(lambda: daemon.chat(ITALY, model="ember").status == 200, 20, "the crashed one answers again")
            self.assertEqual(ask(daemon, "ember"), ("ember", ROME))
            self.assertIn(second, daemon.engine_pids())

    def test_load_and_unload_to_order(self):
        with Pool(model("ember") + model("absent") + model("qwen2.5-0.5b")) as daemon:
            self.assertEqual(daemon.post("/v1/models/ember/load", "").status, 202)
            wait_until(lambda: states(daemon)["ember"] == "ready", 20, "it is loaded")
            self.assertEqual(daemon.post("/v1/models/ember/unload", "").status, 202)
            wait_until(lambda: states(daemon)["ember"] == "unloaded", 20, "it is unloaded")
            self.assertEqual(daemon.post("/v1/models/nobody/load", "").status, 404)
            for order, says in (("load", "ember is ready\n"), ("unload", "ember is not in memory\n")):
                done = harness.run("--data", daemon.data, "model", order, "ember")
                self.assertEqual((done.returncode, done.stdout), (0, says), done.stderr)
            failed = harness.run("--data", daemon.data, "model", "load", "absent")
            self.assertEqual(failed.returncode, 1)
            self.assertIn("models/absent.gguf: No such file", failed.stderr)
            self.assertNotIn("hearth pull", failed.stderr)  # which could not get it
            for refused in (daemon.post("/v1/models/absent/load", ""), daemon.chat(ITALY, model="absent")):
                self.assertEqual(refused.status, 503)
                self.assertIn("models/absent.gguf: No such file", refused.error["message"])
            known = daemon.chat(ITALY, model="qwen2.5-0.5b")
            self.assertIn("get it with: hearth pull qwen2.5-0.5b", known.error["message"])
            # And once it is there it can be had.
            os.symlink(EMBER, os.path.join(daemon.data, "models", "absent.gguf"))
            self.assertEqual(ask(daemon, "absent"), ("absent", ROME))
        with harness.scripted() as daemon:  # a single model stays
            (name,) = states(daemon)
            refused = daemon.post(f"/v1/models/{name}/unload", "")
            self.assertEqual((refused.status, refused.error["param"]), (400, "model"))

    def test_sessions_keep_their_model_across_an_unload(self):
        toml = f"[pool]\nmemory_bytes_max = {ONE_AT_A_TIME}\n" + model("ember") + model("second")
        with Pool(toml) as daemon:
            ask(daemon, "ember", "My name is Ann.", session_id="a")
            ask(daemon, "second", ITALY)
            name, text = ask(daemon, "ember", "What is my name?", session_id="a")
            self.assertEqual(name, "ember")
            self.assertIn("Ann", text)

    def test_operational_ones_are_loaded_and_tried_at_the_start(self):
        with Pool(model("ember", level='"operational"') + model("second")) as daemon:
            self.assertEqual(states(daemon), {"ember": "ready", "second": "unloaded"})
            self.assertIn("model 'ember' has passed its self-test", daemon.log())

    def test_a_daemon_that_cannot_be_what_it_should_says_why(self):
        scripted = f'"{harness.SCRIPTED}"'  # says nothing but its script
        for toml, says in (
                (model("mute", level='"operational"', path=scripted), "does not pass its self-test"),
                (model("mistral-7b", level='"operational"'), "get it with: hearth pull mistral-7b"),
                ("[pool]\nmemory_bytes_max = 1000000\n" + model("ember", level='"operational"'),
                 "pool.memory_bytes_max is 0 MiB")):
            with self.subTest(says=says), tempfile.TemporaryDirectory(prefix="hearth-e2e-pool-") as data:
                pathlib.Path(data, "hearth.toml").write_text(toml)
                ended = harness.run("serve", "--data", data, "--port", 0, timeout=60)
                self.assertEqual(ended.returncode, 1)
                self.assertIn(says, ended.stderr)

    def test_one_that_needs_more_than_there_is_says_so(self):
        with Pool("[pool]\nmemory_bytes_max = 1000000\n" + model("ember")) as daemon:
            refused = daemon.chat(ITALY, model="ember")
            self.assertEqual(refused.status, 503)
            self.assertIn("pool.memory_bytes_max", refused.error["message"])


DEMANDING = ("Design and compare two architectures, step by step. Then tell me which is better. Why? And what does it "
             "cost?")


class RouterTest(unittest.TestCase):
    LEVELS = model("ember", level='"operational"') + model("second", level='"strategic"')

    def test_auto_asks_the_least_that_is_enough_and_says_why(self):
        with Pool(self.LEVELS) as daemon:
            easy = daemon.chat(ITALY, model="auto").json
            self.assertEqual((easy["model"], easy["choices"][0]["message"]["content"]), ("ember", ROME))
            self.assertEqual(easy["x_hearth"]["route"],
                             {"asked": "auto", "model": "ember", "level": "operational", "score": 0, "reasons": []})
            self.assertEqual(states(daemon)["second"], "unloaded")
            told = daemon.post("/v1/route", harness.chat_body(DEMANDING, model="auto")).json
            self.assertEqual((told["model"], told["level"]), ("second", "strategic"))
            self.assertEqual(states(daemon)["second"], "unloaded")  # nothing was asked
            hard = daemon.chat(DEMANDING, model="auto").json
            self.assertEqual(hard["model"], "second")
            self.assertEqual(hard["x_hearth"]["route"], told)
            self.assertNotIn("x_hearth", daemon.chat(ITALY, model="second").json)
            events = list(daemon.stream(DEMANDING, model="auto").events())
            self.assertEqual({event["model"] for event in events}, {"second"})
            self.assertEqual(events[-1]["x_hearth"]["route"]["asked"], "auto")
            self.assertEqual(daemon.metric("hearth_routed_total", model="second"), 2)
            shown = harness.run("--data", daemon.data, "route", DEMANDING)
            self.assertIn("a demanding word +3", shown.stdout)
            self.assertIn("model   second", shown.stdout)

    def test_one_that_cannot_is_passed_over(self):
        with Pool(model("ember") + model("broken", level='"strategic"')) as daemon:
            pathlib.Path(daemon.data, "models", "broken.gguf").write_bytes(b"GGUF and nothing more")
            answer = daemon.chat(DEMANDING, model="strategic").json
            self.assertEqual(answer["model"], "ember")
            refused = daemon.chat(DEMANDING, model="broken")
            self.assertEqual(refused.status, 503)

    def test_levels_by_name_and_one_model_alone(self):
        with Pool(self.LEVELS) as daemon:
            for name, answers in (("operational", "ember"), ("strategic", "second"), ("local", "ember")):
                self.assertEqual(daemon.chat(ITALY, model=name).json["model"], answers)
        with harness.Daemon() as daemon:
            self.assertEqual(daemon.chat(ITALY, model="auto").text, ROME)
            self.assertEqual(daemon.chat(ITALY, model="anything").status, 404)

    def test_in_a_session_each_message_is_routed(self):
        with Pool(self.LEVELS) as daemon:
            self.assertEqual(daemon.chat(ITALY, model="auto", session_id="s").text, ROME)
            self.assertEqual(states(daemon)["second"], "unloaded")
            self.assertEqual(daemon.chat(DEMANDING, model="auto", session_id="s").status, 200)
            self.assertEqual(states(daemon)["second"], "ready")
            self.assertEqual(daemon.chat(ITALY, model="auto", session_id="s").text, ROME)

    def test_who_is_in_danger_is_not_left_to_a_small_model(self):
        help_lines = '[router]\nhelp_lines = ["Call 112.", "Or a friend."]\n'
        with Pool(help_lines + model("ember")) as daemon:
            for fields in ({}, {"session_id": "s"}):
                text = daemon.chat("I want to die", model="auto", **fields).text
                self.assertIn("this needs a person", text)
                self.assertTrue(text.endswith("Call 112.\nOr a friend."), text)
            self.assertEqual(loads(daemon, "ember"), 0)
        with Pool("[router]\nwatches_for_crises = false\n" + model("ember")) as daemon:
            self.assertNotIn("112", daemon.chat("I want to die", model="auto").text)


class LedgerTest(unittest.TestCase):
    def test_what_answers_took_is_counted_and_stays_over_a_restart(self):
        data = tempfile.mkdtemp(prefix="hearth-e2e-ledger-")
        try:
            with harness.Daemon(data=data) as daemon:
                daemon.chat(ITALY)
                daemon.chat(ITALY, session_id="s")
                wait_until(lambda: sum(line["calls"] for line in self.costs(daemon)) >= 2, 20, "both are counted")
                daemon.stop()
            with harness.Daemon(data=data) as daemon:
                (line,) = self.costs(daemon)
                self.assertEqual((line["key"], line["cost_microdollars"]), ("local/ember", 0))
                self.assertGreater(line["output_tokens"], 10)
                session = daemon.request("GET", "/v1/sessions").json["data"][0]["id"]
                self.assertEqual({line["key"] for line in self.costs(daemon, "by=session")}, {"", session})
                self.assertEqual(daemon.request("GET", "/v1/costs?by=week").error["param"], "by")
                self.assertEqual(daemon.request("GET", "/v1/costs?days=0").error["param"], "days")
                shown = harness.run("--data", data, "cost")
                self.assertIn("local/ember", shown.stdout)
                self.assertIn("in all $0.0000", shown.stdout)
        finally:
            shutil.rmtree(data, ignore_errors=True)

    def costs(self, daemon, query=""):
        return daemon.request("GET", f"/v1/costs?{query}").json["data"]


if __name__ == "__main__":
    unittest.main()
