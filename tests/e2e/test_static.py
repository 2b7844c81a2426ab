"""The binary itself: static, small, alone in a chroot."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import harness

STRIPPED_BYTES_MAX = 34_000_000  # with Ember below 40 MB; gRPC and Protocol Buffers are 8 MB of it
EMBER = pathlib.Path(__file__).parents[2] / "models" / "ember" / "ember.gguf"


@unittest.skipUnless(harness.is_static(), "a sanitizer or debug build")
class Static(unittest.TestCase):
    def test_size_without_the_model(self):
        with tempfile.TemporaryDirectory() as folder:
            stripped = os.path.join(folder, "hearth")
            subprocess.run(["strip", "-o", stripped, harness.HEARTH], check=True)
            self.assertLessEqual(os.path.getsize(stripped) - EMBER.stat().st_size, STRIPPED_BYTES_MAX)

    @unittest.skipUnless(os.geteuid() == 0, "chroot needs root")
    def test_lives_in_an_empty_chroot(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(root + "/etc")
            os.makedirs(root + "/data")
            for name in ("resolv.conf", "hosts"):
                source = pathlib.Path("/etc", name)
                pathlib.Path(root, "etc", name).write_bytes(source.read_bytes() if source.exists() else b"")
            shutil.copy(harness.HEARTH, root + "/hearth")

            def hearth(*arguments, **options):
                return subprocess.run(["/usr/sbin/chroot", root, "/hearth", *arguments, "--data", "/data"],
                                      capture_output=True, text=True, timeout=60, env={}, **options)

            answer = hearth("run", "What is the capital of Italy?", stdin=subprocess.DEVNULL)
            self.assertEqual(answer.returncode, 0, answer.stderr)
            self.assertIn("Rome", answer.stdout)

            # Here the program has to find itself again without /proc, twice: daemon and engine.
            started = hearth("serve", "--detach", "--port", "0", stdin=subprocess.DEVNULL)
            self.assertEqual(started.returncode, 0, started.stderr)
            try:
                answer = hearth("run", "What is the capital of Spain?", stdin=subprocess.DEVNULL)
                self.assertIn("Madrid", answer.stdout, answer.stderr)
                chat = hearth("chat", input="What is the capital of France?\n")
                self.assertIn("Paris", chat.stdout, chat.stderr)
            finally:
                stopped = hearth("stop")
            self.assertEqual(stopped.returncode, 0, stopped.stderr)
