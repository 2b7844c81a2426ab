"""The binary itself: static, small, alone in a chroot."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import harness

STRIPPED_BYTES_MAX = 25_000_000  # without the model
EMBER = pathlib.Path(__file__).parents[2] / "models" / "ember" / "ember.gguf"


def is_static():
    return "not a dynamic" in subprocess.run(["ldd", harness.HEARTH], capture_output=True, text=True).stderr


@unittest.skipUnless(is_static(), "a sanitizer or debug build")
class Static(unittest.TestCase):
    def test_size_without_the_model(self):
        with tempfile.TemporaryDirectory() as folder:
            stripped = os.path.join(folder, "hearth")
            subprocess.run(["strip", "-o", stripped, harness.HEARTH], check=True)
            self.assertLessEqual(os.path.getsize(stripped) - EMBER.stat().st_size, STRIPPED_BYTES_MAX)

    @unittest.skipUnless(os.geteuid() == 0, "chroot needs root")
    def test_answers_in_an_empty_chroot(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(root + "/etc")
            os.makedirs(root + "/data")
            for name in ("resolv.conf", "hosts"):
                source = pathlib.Path("/etc", name)
                pathlib.Path(root, "etc", name).write_bytes(source.read_bytes() if source.exists() else b"")
            shutil.copy(harness.HEARTH, root + "/hearth")
            command = ["/usr/sbin/chroot", root, "/hearth", "run", "--data", "/data", "What is the capital of Italy?"]
            result = subprocess.run(command, capture_output=True, text=True, timeout=60, env={},
                                    stdin=subprocess.DEVNULL)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("Rome", result.stdout)
