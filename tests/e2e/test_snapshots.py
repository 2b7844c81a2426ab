"""KV state on disk: what a conversation has computed survives the end of every process."""
import os
import pathlib
import random
import shutil
import signal
import tempfile
import unittest

import harness

STORY = "Please remember this list: " + ", ".join(f"item {i} is number {i * 37 % 101}" for i in range(40)) + "."
NEXT = "And what is 7 + 8?"
MUTATIONS = 25  # bench/snapshots.py spoils 1,000 files
PERSIST = {"cache": {"key": "a conversation", "persist": True}, "max_tokens": 24}


def cached(answer):
    return answer.json["usage"]["prompt_tokens_details"]["cached_tokens"]


def mutated(data, dice):
    """`data` with one thing wrong, and what that is."""
    size = len(data)
    begin = dice.choice([dice.randrange(128), dice.randrange(size)])  # the header as often as the rest
    length = dice.choice([1, 4, dice.randrange(1, 4096)])
    kind = dice.choice(["bit", "cut", "longer", "zeros", "noise", "gone", "twice", "empty"])
    changed = {"bit": lambda: data[:begin] + bytes([data[begin] ^ 1 << dice.randrange(8)]) + data[begin + 1:],
               "cut": lambda: data[:begin],
               "longer": lambda: data + dice.randbytes(length),
               "zeros": lambda: data[:begin] + bytes(length) + data[begin + length:],
               "noise": lambda: data[:begin] + dice.randbytes(length) + data[begin + length:],
               "gone": lambda: data[:begin] + data[begin + length:],
               "twice": lambda: data[:begin] + data[begin:begin + length] * 2 + data[begin + length:],
               "empty": lambda: b""}[kind]()
    return (changed, f"{kind} of {length} at {begin}") if changed != data else mutated(data, dice)


def prompt_tokens(answer):
    return answer.json["usage"]["prompt_tokens"]


class Snapshots(unittest.TestCase):
    def setUp(self):
        self.data = tempfile.mkdtemp(prefix="hearth-e2e-kv-")
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)

    def start(self, **environment):
        pathlib.Path(self.data, "hearth.pid").unlink(missing_ok=True)  # of one that was killed
        daemon = harness.Daemon(data=self.data, **environment)
        self.addCleanup(daemon.kill)
        return daemon

    def kill_everything(self, daemon):
        pids = daemon.engine_pids()
        self.assertTrue(pids)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        daemon.kill()
        for pid in pids:
            harness.wait_until(lambda pid=pid: harness.has_ended(pid), 10, "the engine has ended")

    def files(self):
        return sorted(pathlib.Path(self.data, "kv").glob("*.kv"))

    def say(self, daemon, messages, **fields):
        answer = daemon.chat(messages, **(PERSIST | fields))
        self.assertEqual(answer.status, 200, answer.text if answer.status == 200 else answer.body)
        return answer

    def saved(self, daemon, count):
        harness.wait_until(lambda: daemon.metric("hearth_kv_snapshot_saved_total") >= count, 20, "saved")

    def test_the_next_turn_after_kill_9_is_the_one_there_would_have_been(self):
        for fields in ({"temperature": 0}, {"temperature": 1.0, "seed": 5}):
            with self.subTest(fields):
                first = self.start()
                talk = [{"role": "user", "content": STORY}]
                answer = self.say(first, talk, **fields)
                turn = talk + [{"role": "assistant", "content": answer.text}, {"role": "user", "content": NEXT}]
                self.saved(first, 1)
                self.kill_everything(first)

                again = self.start()
                after = self.say(again, turn, **fields)
                self.assertGreaterEqual(cached(after), prompt_tokens(answer))
                self.assertGreater(again.metric("hearth_kv_snapshot_restored_tokens_total"), 0)
                again.kill()
                shutil.rmtree(os.path.join(self.data, "kv"))

                # The same without a restart, and without anything on disk.
                never = self.start(HEARTH_CACHE_DISK_BYTES_MAX="0")
                self.say(never, talk, **fields)
                self.assertEqual(self.say(never, turn, **fields).text, after.text)
                self.assertFalse(self.files())
                never.kill()

    def test_damage_is_refused_and_costs_nothing_but_time(self):
        first = self.start()
        talk = [{"role": "user", "content": STORY}]
        want = self.say(first, talk).text
        self.saved(first, 1)
        self.kill_everything(first)
        for file in self.files():
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 0x10
            file.write_bytes(data)
        again = self.start()
        answer = again.chat(talk, max_tokens=24)
        self.assertEqual((answer.text, cached(answer)), (want, 0))
        harness.wait_until(lambda: again.metric("hearth_kv_snapshot_refused_total") == 1, 10, "refused")
        self.assertFalse(self.files())
        self.assertEqual(again.stop(), 0)

    def test_no_mutation_is_believed(self):
        """Any damage: the same answer as without the file, and the file is gone."""
        first = self.start()
        talk = [{"role": "user", "content": STORY}]
        want = self.say(first, talk).text
        self.saved(first, 1)
        first.kill()
        [good] = self.files()
        data, dice = good.read_bytes(), random.Random(1)
        for number in range(MUTATIONS):
            bad, what = mutated(data, dice)
            with self.subTest(f"{number}: {what}"):
                good.write_bytes(bad)
                with self.start() as again:
                    answer = again.chat(talk, max_tokens=24)
                    self.assertEqual((answer.status, answer.text, cached(answer)), (200, want, 0))
                    harness.wait_until(lambda: not self.files(), 10, "the damaged file is removed")
                    self.assertEqual(again.metric("hearth_engine_restarts_total"), 0)

    def test_a_directory_that_cannot_be_written_costs_the_snapshot_only(self):
        pathlib.Path(self.data, "kv").write_text("not a directory")
        daemon = self.start()
        self.say(daemon, STORY)
        harness.wait_until(lambda: daemon.metric("hearth_kv_snapshot_skipped_total") == 1, 10, "skipped")

    def test_the_setting_bounds_the_bytes(self):
        bound = 4_000_000
        daemon = self.start(HEARTH_CACHE_DISK_BYTES_MAX=str(bound))
        for i in range(4):
            self.say(daemon, f"{i} {STORY}")
        self.saved(daemon, 4)
        harness.wait_until(lambda: daemon.metric("hearth_kv_snapshot_evicted_total") > 0, 10, "evicted")
        self.assertLessEqual(sum(file.stat().st_size for file in self.files()), bound)
        self.assertEqual({file.stat().st_mode & 0o777 for file in self.files()}, {0o600})
        self.assertEqual(pathlib.Path(self.data, "kv").stat().st_mode & 0o777, 0o700)

    def test_what_is_asked_of_the_cache_is_checked(self):
        daemon = self.start()
        for cache, field in (({"key": ""}, "cache.key"), ({"border": 2}, "cache.border"), ([], "cache")):
            refused = daemon.chat("hi", cache=cache)
            self.assertEqual((refused.status, refused.error["param"]), (400, field))
        refused = daemon.post("/v1/completions", {"prompt": "a", "cache": {"border": 1}})
        self.assertEqual((refused.status, refused.error["param"]), (400, "cache.border"))
