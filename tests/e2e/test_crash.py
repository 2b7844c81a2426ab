"""A small run of bench/crash.py: kill -9 at a few moments, and nothing is lost or done twice."""
import os
import pathlib
import subprocess
import sys
import unittest

import harness

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "bench" / "crash.py"


class Crash(unittest.TestCase):
    def test_nothing_is_lost_and_nothing_is_done_twice(self):
        model = os.path.join(os.path.dirname(harness.SCRIPTED), "scripted-crash.gguf")
        done = subprocess.run([sys.executable, str(PROGRAM), "--points", "8", "--seed", "3", "--model", model,
                               "--hearth", harness.HEARTH], capture_output=True, text=True, timeout=900, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("| **violations** | **0** |", done.stdout)
