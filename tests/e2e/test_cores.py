"""Engines share the machine's cores, whichever daemon started them."""
import fcntl
import os
import signal
import struct
import tempfile
import threading
import unittest

import harness

CORES = len(os.sched_getaffinity(0))
CORES_AT, CORES_MAX = 1 << 20, 512  # where the core board has a byte for each core
F_OFD_GETLK = 36
FLOCK = "hhxxxxqqixxxx"  # type, whence, start, length, pid
WRITE, UNLOCKED = fcntl.F_WRLCK, fcntl.F_UNLCK
PATIENCE_S = 60


def held(board, start=CORES_AT, end=CORES_AT + CORES_MAX):
    """How many bytes of the range the engines have locked."""
    answer = fcntl.fcntl(board, F_OFD_GETLK, struct.pack(FLOCK, WRITE, os.SEEK_SET, start, end - start, 0))
    kind, _, at, length, _ = struct.unpack(FLOCK, answer)
    if kind == UNLOCKED:
        return 0
    first, last = max(at, start), min(at + length, end)
    return (last - first + (held(board, start, first) if first > start else 0) +
            (held(board, last, end) if last < end else 0))


class Cores(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-e2e-cores-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def daemon(self, **environment):
        """A daemon that shares cores with the others of this test, and would use all of them."""
        environment = {"HEARTH_MODEL_THREADS": str(CORES), "XDG_RUNTIME_DIR": self.folder} | environment
        daemon = harness.scripted(**environment)
        self.addCleanup(daemon.kill)
        return daemon

    def board(self):
        descriptor = os.open(os.path.join(self.folder, "hearth-cores"), os.O_RDWR)
        self.addCleanup(os.close, descriptor)
        return descriptor

    def test_two_engines_never_hold_more_cores_than_there_are(self):
        daemons = [self.daemon(), self.daemon()]
        board, answers = self.board(), []
        self.assertEqual(held(board), 0)
        talks = [threading.Thread(target=lambda d=daemon: answers.append(
            d.chat(harness.NEVER_ENDING, max_tokens=400))) for daemon in daemons]
        for talk in talks:
            talk.start()
        seen = set()
        while any(talk.is_alive() for talk in talks):
            seen.add(held(board))
        self.assertLessEqual(max(seen), CORES)
        self.assertGreater(max(seen), 0)
        for answer in answers:
            self.assertEqual(answer.json["choices"][0]["finish_reason"], "length", answer.body)
            self.assertEqual(answer.json["usage"]["completion_tokens"], 400)
        self.assertEqual(len(answers), 2)
        harness.wait_until(lambda: held(board) == 0, PATIENCE_S, "idle engines hold nothing")

    def test_more_engines_than_cores_all_finish(self):
        daemons = [self.daemon() for _ in range(CORES + 1)]
        streams = [daemon.stream(harness.NEVER_ENDING, max_tokens=100) for daemon in daemons]
        for stream in streams:
            self.assertEqual(stream.status, 200)
            self.assertTrue(stream.text())
            stream.close()

    def test_a_killed_engine_holds_nothing(self):
        daemon = self.daemon()
        board = self.board()
        stream = daemon.stream(harness.NEVER_ENDING, max_tokens=100_000)
        harness.wait_until(lambda: held(board) > 0, PATIENCE_S, "the engine computes")
        os.kill(daemon.engine_pids()[0], signal.SIGKILL)
        harness.wait_until(lambda: held(board) == 0, PATIENCE_S, "the kernel frees its cores")
        stream.close()

    def test_metrics_and_status_say_how_many_and_why(self):
        daemon = self.daemon()
        daemon.chat("Hi", max_tokens=2)
        self.assertEqual(daemon.metric("hearth_engine_threads"), CORES)
        self.assertEqual(daemon.metric("hearth_engine_threads_limit", by="fixed"), 1)
        self.assertEqual(daemon.metric("hearth_engine_threads_limit", by="none"), 0)
        self.assertEqual(daemon.metric("hearth_engine_shares_cores"), 1)
        said = harness.run("status", "--data", daemon.data).stdout
        self.assertRegex(said, r"cores +\d+ of \d+ cores?: fixed by model\.threads\n")
        self.assertEqual(daemon.request("GET", "/health").status, 200)

    def test_a_board_that_is_not_ours_is_done_without(self):
        os.symlink("/etc/hostname", os.path.join(self.folder, "hearth-cores"))
        daemon = self.daemon()
        self.assertEqual(daemon.chat("Hi", max_tokens=2).status, 200)
        self.assertEqual(daemon.metric("hearth_engine_shares_cores"), 0)
        self.assertIn("cannot share", harness.run("status", "--data", daemon.data).stdout)


if __name__ == "__main__":
    unittest.main()
