"""Sessions: the daemon remembers, clients send only what is new, and nothing is lost on the way."""
import concurrent.futures
import os
import pathlib
import shutil
import tempfile
import unittest
import urllib.parse

import harness
from harness import Daemon, scripted, tool_calling, wait_until

TOKEN_A, TOKEN_B = "a" * 32, "b" * 32


def say(daemon, text, session="s", headers=None, **fields):
    body = {"session_id": session, "messages": [{"role": "user", "content": text}], "temperature": 0} | fields
    return daemon.post("/v1/chat/completions", body, headers=headers or {})


def get(daemon, path, headers=None):
    return daemon.request("GET", path, headers=headers)


def state(daemon, session="s"):
    found = get(daemon, f"/v1/sessions/{session}")
    return found.json["state"] if found.status == 200 else None


def messages(daemon, session="s", headers=None):
    return get(daemon, f"/v1/sessions/{session}/messages", headers).json["data"]


def texts(daemon, session="s"):
    return [message["content"] for message in messages(daemon, session)]


class Sessions(unittest.TestCase):
    def test_a_session_remembers_over_a_restart(self):
        with Daemon() as daemon:
            assert say(daemon, "My name is Ada.").status == 200
            assert say(daemon, "What is my name?").text == "Your name is Ada."
            daemon.stop()
            with Daemon(data=daemon.data) as again:
                answer = say(again, "What is my name?")
                assert answer.text == "Your name is Ada."
                assert len(messages(again)) == 6
                # What was computed before the restart is not computed again.
                usage = answer.json["usage"]
                assert usage["prompt_tokens_details"]["cached_tokens"] > usage["prompt_tokens"] / 2, usage

    def test_a_stream_says_which_session_it_is_in(self):
        with Daemon() as daemon:
            events = list(daemon.stream("hello", session_id="s").events())
            session = get(daemon, "/v1/sessions/s").json
            assert {event["session_id"] for event in events} == {session["id"]}
            said = "".join(event["choices"][0]["delta"].get("content") or "" for event in events)
            assert texts(daemon) == ["hello", said]

    def test_what_can_be_done_with_sessions(self):
        with Daemon() as daemon:
            made = daemon.post("/v1/sessions", {"name": "work"}).json
            assert (made["object"], made["name"], made["state"]) == ("session", "work", "idle")
            assert daemon.post("/v1/sessions", {"name": "work"}).error["param"] == "name"
            assert say(daemon, "My name is Ada.", "work").json["session_id"] == made["id"]
            fork = daemon.post("/v1/sessions/work/fork", {"name": "other"}).json
            assert fork["parent"] == made["id"]
            assert say(daemon, "What is my name?", fork["id"]).text == "Your name is Ada."
            assert len(texts(daemon, "work")) == 2 and len(texts(daemon, "other")) == 4
            assert {one["name"] for one in get(daemon, "/v1/sessions").json["data"]} == {"work", "other"}
            page = get(daemon, "/v1/sessions?limit=1").json
            assert len(page["data"]) == 1 and page["has_more"]
            assert get(daemon, "/v1/sessions/other/messages?from=2&limit=1").json["data"][0]["number"] == 2
            assert daemon.request("DELETE", "/v1/sessions/work").json["deleted"]
            assert get(daemon, "/v1/sessions/work").status == 404
            assert get(daemon, f"/v1/sessions/{made['id']}/messages").status == 404

    def test_another_tokens_session_does_not_exist(self):
        with Daemon(HEARTH_SERVER_TOKENS=f"{TOKEN_A},{TOKEN_B}", wait_ready=False) as daemon:
            ada, bob = ({"Authorization": f"Bearer {token}"} for token in (TOKEN_A, TOKEN_B))
            mine = say(daemon, "My name is Ada.", headers=ada).json["session_id"]
            for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/messages"), ("POST", "/fork"),
                                 ("POST", "/cancel")):
                for name in (mine, "s"):
                    assert daemon.request(method, f"/v1/sessions/{name}{path}", headers=bob).status == 404
            assert say(daemon, "What is my name?", mine, headers=bob).status == 404
            assert get(daemon, "/v1/sessions", bob).json["data"] == []
            assert len(messages(daemon, mine, ada)) == 2

    def test_bad_input_names_its_field(self):
        with Daemon() as daemon:
            assert say(daemon, "hi").status == 200
            cases = [
                ({"session_id": ""}, "session_id"),
                ({"session_id": 7}, "session_id"),
                ({"session_id": "x" * 129}, "session_id"),
                ({"n": 2}, "n"),
                ({"cache": {"pin": True}}, "cache"),
                ({"temperature": 9}, "temperature"),
                ({"messages": []}, "messages"),
                ({"messages": [{"role": "assistant", "content": "x"}]}, "messages[0].role"),
                ({"messages": [{"role": "system", "content": "late"}]}, "messages[0].role"),
            ]
            for fields, field in cases:
                session = {"session": fields.pop("session_id")} if "session_id" in fields else {}
                answer = say(daemon, "hi", **session, **fields)
                assert (answer.status, answer.error["param"]) == (400, field), (fields, answer.body)
            assert say(daemon, "hi", "sess_unknown").status == 404
            for query in ("limit=x", "limit=1001", "limit=-1", "limit="):
                assert get(daemon, f"/v1/sessions?{query}").error["param"] == "limit"
            answer = daemon.request("PUT", "/v1/sessions/s")
            assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD, DELETE", answer.headers
            assert len(texts(daemon)) == 2, "what was refused was not remembered"

    def test_a_repeated_key_is_answered_once(self):
        with Daemon() as daemon:
            key = {"Idempotency-Key": "k-1"}
            first = say(daemon, "What is the capital of Italy?", headers=key)
            again = say(daemon, "What is the capital of Italy?", headers=key)
            assert first.text == again.text == "The capital of Italy is Rome."
            assert len(texts(daemon)) == 2
            other = say(daemon, "What is the capital of Spain?", headers=key)
            assert (other.status, other.error["param"]) == (400, "Idempotency-Key")

    def test_a_turn_that_kill_9_cut_off_is_made_after_the_restart(self):
        """Whoever sent the message with a key asks again and gets the answer; it is answered once."""
        key = {"Idempotency-Key": "k-1"}
        with scripted() as daemon:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                asked = pool.submit(lambda: say(daemon, "Never stop.", headers=key, max_tokens=2000))
                wait_until(lambda: state(daemon) == "thinking", 20, "the turn runs")
                daemon.process.kill()
                assert asked.exception() is not None
            with scripted(data=daemon.data) as again:
                answer = say(again, "Never stop.", headers=key, max_tokens=2000)
                assert answer.status == 200, answer.body
                assert texts(again) == ["Never stop.", answer.text]
                assert answer.text.startswith("tick tock tick tock")

    def test_many_sessions_beside_each_other(self):
        with Daemon() as daemon:
            def talk(number):
                assert say(daemon, f"My name is Ada.", f"s{number}").status == 200
                return say(daemon, "What is my name?", f"s{number}").text
            with concurrent.futures.ThreadPoolExecutor(max_workers=16) as pool:
                assert set(pool.map(talk, range(40))) == {"Your name is Ada."}
            assert len(get(daemon, "/v1/sessions").json["data"]) == 40

    def test_a_client_that_leaves_stops_its_turn(self):
        with scripted() as daemon:
            stream = daemon.stream("Never stop.", session_id="s", max_tokens=6000)
            events = stream.events()
            for _ in range(5):
                next(events)
            stream.close()
            wait_until(lambda: state(daemon) == "idle", 10, "the turn was stopped")
            question, answer = texts(daemon)
            assert question == "Never stop." and answer.startswith("tick tock"), "what was shown was said"

    def test_cancel_stops_a_turn(self):
        with scripted() as daemon:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                key = {"Idempotency-Key": "k"}
                asked = pool.submit(lambda: say(daemon, "Never stop.", headers=key, max_tokens=7000))
                wait_until(lambda: state(daemon) == "thinking", 20, "the turn runs")
                assert daemon.post("/v1/sessions/s/cancel", {}).json["cancelled"] == 1
                assert asked.result().status >= 400
            assert state(daemon) == "idle"

    def test_search(self):
        with Daemon(HEARTH_SERVER_TOKENS=f"{TOKEN_A},{TOKEN_B}", wait_ready=False) as daemon:
            ada, bob = ({"Authorization": f"Bearer {token}"} for token in (TOKEN_A, TOKEN_B))
            mine = say(daemon, "It's \"odd\", isn't it?", "work", headers=ada).json["session_id"]

            def search(words, headers=ada, **more):
                return get(daemon, "/v1/search?" + urllib.parse.urlencode({"q": words} | more), headers)
            for words in ("it's odd", "\"odd\",", "odd?"):
                found = search(words).json
                said = [one for one in found["data"] if one["number"] == 0]  # the answer may say it too
                assert len(said) == 1 and said[0]["session_id"] == mine, (words, found)
                assert said[0]["session_name"] == "work" and "[odd]" in said[0]["snippet"].lower(), found
            for words in ("'", '"', "?", "odd AND", "NEAR(", "-odd", "odd*", "%", "no\nthing"):
                assert search(words).status == 200, words
            assert search("odd", bob).json["data"] == []
            for path in ("/v1/search", "/v1/search?q=", "/v1/search?q=%20"):
                answer = get(daemon, path, ada)
                assert (answer.status, answer.error["param"]) == (400, "q"), path
            assert search("odd", limit=51).error["param"] == "limit"

    def test_a_damaged_store_is_said_at_the_start(self):
        with Daemon() as daemon:
            say(daemon, "hi")
            daemon.stop()
            path = os.path.join(daemon.data, "hearth.db")
            assert os.path.getsize(path + "-wal") == 0, "one file holds it all"
            with open(path, "r+b") as file:
                file.seek(0)
                file.write(b"not a database at all")
            done = harness.run("serve", "--data", daemon.data, "--port", "0")
            assert done.returncode != 0 and "hearth.db" in done.stderr, done.stderr



class Tools(unittest.TestCase):
    """Hearth's own tools in a session: the model calls write_file; whatever that says, it answers ANSWER."""

    ANSWER = "I have read what came of it."

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hearth-workspace-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.new = pathlib.Path(self.folder, "new.txt")

    def daemon(self, **options):
        return tool_calling(HEARTH_TOOLS_WORKSPACE=self.folder, **options)

    def asked_to_write(self, daemon):
        answer = say(daemon, "Write hello to new.txt.").json
        self.assertEqual(answer["choices"][0]["finish_reason"], "requires_action")
        self.assertNotIn("tool_calls", answer["choices"][0]["message"], "it is not the client who writes")
        (approval,) = answer["approvals"]
        self.assertEqual((approval["tool"], approval["target"]), ("write_file", "new.txt"))
        self.assertIn("+hello", approval["preview"])
        self.assertFalse(self.new.exists())
        return approval["id"]

    def test_writing_waits_for_a_yes_over_a_restart(self):
        with self.daemon() as daemon:
            approval = self.asked_to_write(daemon)
            self.assertEqual(state(daemon), "waiting")
            daemon.process.kill()
            daemon.process.wait()
            with self.daemon(data=daemon.data) as again:
                waiting = get(again, "/v1/approvals").json["data"]
                self.assertEqual([one["id"] for one in waiting], [approval])
                answer = again.post(f"/v1/approvals/{approval}", {"decision": "allow"})
                self.assertEqual(answer.text, self.ANSWER)
                self.assertEqual(self.new.read_text(), "hello")
                twice = again.post(f"/v1/approvals/{approval}", {"decision": "deny"})
                self.assertEqual((twice.status, twice.error["param"]), (400, "approval"))
                self.assertEqual(state(again), "idle")
                self.assertEqual(len(messages(again)), 4)

    def test_a_no_is_told_to_the_model(self):
        with self.daemon() as daemon:
            approval = self.asked_to_write(daemon)
            events = daemon.request("POST", f"/v1/approvals/{approval}", {"decision": "deny", "stream": True})
            self.assertIn(b"[DONE]", events.body)
            self.assertFalse(self.new.exists())
            self.assertEqual(messages(daemon)[2]["content"], "denied: the user said no")

    def test_always_is_remembered(self):
        with self.daemon() as daemon:
            approval = self.asked_to_write(daemon)
            daemon.post(f"/v1/approvals/{approval}", {"decision": "allow", "scope": "always"})
            self.assertEqual(say(daemon, "Write hello to new.txt.", "other").text, self.ANSWER)

    def test_bad_decisions_name_their_field(self):
        with self.daemon() as daemon:
            approval = self.asked_to_write(daemon)
            for body, field in (({}, "decision"), ({"decision": "perhaps"}, "decision"),
                                ({"decision": "allow", "scope": "forever"}, "scope"),
                                ({"decision": "allow", "pattern": "all"}, "pattern")):
                answer = daemon.post(f"/v1/approvals/{approval}", body)
                self.assertEqual((answer.status, answer.error["param"]), (400, field), body)
            self.assertEqual(daemon.post("/v1/approvals/appr_x", {"decision": "allow"}).status, 404)
            self.assertEqual(state(daemon), "waiting")

    def test_without_a_workspace_there_are_no_tools(self):
        with tool_calling() as daemon:
            say(daemon, "Write hello to new.txt.")
            self.assertFalse(self.new.exists())
            self.assertEqual(len(messages(daemon)), 2)

    def test_in_plan_mode_nothing_is_written(self):
        with self.daemon(HEARTH_POLICY_PLAN_MODE="true") as daemon:
            self.assertEqual(say(daemon, "Write hello to new.txt.").text, self.ANSWER)
            self.assertIn("denied", messages(daemon)[2]["content"])
            self.assertFalse(self.new.exists())
