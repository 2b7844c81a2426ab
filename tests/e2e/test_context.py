"""What a session's model is shown, and how little of it is computed again."""
import json
import shutil
import tempfile
import unittest

import harness
from harness import Daemon, wait_until


def prefilled(daemon):
    """Tokens of prompts that were computed so far."""
    lines = daemon.request("GET", "/metrics").body.decode().splitlines()
    return [line.rsplit(" ", 1)[1] for line in lines
            if line.startswith("hearth_prefill_tokens_total") and 'reused="false"' in line]


class Context(unittest.TestCase):
    def setUp(self):
        self.data = tempfile.mkdtemp(prefix="hearth-e2e-")
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)

    def daemon(self, **options):
        return Daemon(data=self.data, **options)

    def say(self, daemon, text, **fields):
        body = {"session_id": "s", "messages": [{"role": "user", "content": text}]} | fields
        return daemon.post("/v1/chat/completions", body).json

    def settled(self, daemon):
        """Once what is computed while nobody waits is computed."""
        seen = [prefilled(daemon)]

        def is_still():
            seen.append(prefilled(daemon))
            return len(seen) > 20 and len(set(map(tuple, seen[-20:]))) == 1
        wait_until(is_still, 30, "the daemon rests")

    def test_a_turn_computes_what_is_new(self):
        folder = tempfile.mkdtemp(prefix="hearth-workspace-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        with self.daemon(HEARTH_TOOLS_WORKSPACE=folder) as daemon:
            cold = self.say(daemon, "Hello!", max_tokens=12, temperature=1.2, tool_choice="none")["usage"]
            self.assertLessEqual(cold["prompt_tokens"], 1500)
            seen = cold["prompt_tokens"] + cold["completion_tokens"]
            for _ in range(4):
                self.settled(daemon)
                usage = self.say(daemon, "And now?", max_tokens=12, temperature=1.2, tool_choice="none")["usage"]
                new = usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"]
                # The end of the last answer, the question, the day, and what begins the answer.
                self.assertLess(new, 60, usage)
                self.assertGreater(usage["prompt_tokens"], seen - 40)
                seen = usage["prompt_tokens"] + usage["completion_tokens"]

    def test_a_seed_costs_a_session_nothing(self):
        """On a model whose bits depend on what was cached, too."""
        with harness.scripted(data=self.data) as daemon:
            self.say(daemon, "Hello!", seed=7)
            self.settled(daemon)
            usage = self.say(daemon, "And now?", seed=7)["usage"]
            self.assertGreater(usage["prompt_tokens_details"]["cached_tokens"], 30, usage)

    def test_the_zones_are_shown(self):
        with self.daemon(HEARTH_CONTEXT_INSTRUCTIONS="You are Ann.") as daemon:
            self.say(daemon, "Hello!")
            view = daemon.request("GET", "/v1/sessions/s/context").json
            self.assertEqual(view["static"]["text"], "You are Ann.")
            self.assertEqual(view["static"]["tools"], [])
            self.assertGreater(view["static"]["tokens"], 3)
            self.assertEqual(view["history"]["messages"], 2)
            self.assertGreater(view["history"]["kept_tokens"], view["static"]["tokens"])
            self.assertRegex(view["tail"]["text"], r"^\[today: [A-Z][a-z]+day 20\d\d-\d\d-\d\d \d\d:\d\d\]$")
            self.assertEqual(daemon.request("GET", "/v1/sessions/other/context").status, 404)
            shown = harness.run("context", "s", "--data", self.data)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            for zone in ("static", "history", "tail"):
                self.assertRegex(shown.stdout, rf"(?m)^{zone} +\d+ ")
            again = json.loads(harness.run("context", "s", "--json", "--data", self.data).stdout)
            self.assertEqual(again["static"], view["static"])

    def test_the_oldest_goes_to_the_archive_and_is_found(self):
        with self.daemon(HEARTH_CONTEXT_HISTORY_TOKENS_MAX="256") as daemon:
            notes = []
            for number in range(8):
                notes += self.say(daemon, f"The word of the day is apricot{number}.").get("notes", [])
                self.settled(daemon)
            self.assertTrue(notes, "the owner is told")
            self.assertRegex(notes[0], r"\d+ -> \d+ tokens")
            view = daemon.request("GET", "/v1/sessions/s/context").json
            self.assertLess(view["history"]["tokens"], 256)
            self.assertGreater(view["history"]["summary"]["messages"], 0)
            found = daemon.request("GET", "/v1/search?q=apricot0").json["data"]
            self.assertTrue(any(one["number"] == 0 for one in found), found)


if __name__ == "__main__":
    unittest.main()
