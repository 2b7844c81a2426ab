"""What `doctor` and `config check` say of settings, and that it is what `serve` does with them."""
import json
import os
import pathlib
import shutil
import tempfile
import unittest

import harness

PROVIDER = '[[provider]]\nname = "rack"\nkind = "compatible"\nurl = "http://127.0.0.1:1/v1"\nmodels = ["big"]\n'


class SettingsTest(unittest.TestCase):
    def setUp(self):
        self.data = tempfile.mkdtemp(prefix="hearth-settings-")
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)

    def write(self, name, text, mode=0o600):
        path = pathlib.Path(self.data, name)
        path.write_text(text)
        path.chmod(mode)

    def hearth(self, *arguments, **environment):
        return harness.run(*arguments, "--data", self.data, HEARTH_GRPC_PORT="0", HEARTH_PORT="0", **environment)

    def findings(self, name):
        return [one for one in json.loads(self.hearth("doctor", "--json").stdout) if one["check"] == name]

    def assertRefused(self, words):
        """serve does not start, config check fails, doctor fails; all say why."""
        for command in (["serve"], ["config", "check"], ["doctor"]):
            done = self.hearth(*command)
            self.assertIn(done.returncode, (1, 2), command)
            self.assertIn(words, done.stdout + done.stderr, command)

    def test_a_model_that_is_not_there(self):
        self.write("hearth.toml", '[[pool.model]]\nname = "m"\npath = "nope.gguf"\nlevel = "operational"\n')
        self.assertRefused(f"{self.data}/nope.gguf: No such file or directory")

    def test_prices(self):
        self.write("hearth.toml", '[budget]\nprice_file = "nope.toml"\n')
        self.assertRefused("budget.price_file: there is no file")
        self.write("nope.toml", '[[price]]\nmodl = "x"\n')
        self.assertRefused("nope.toml:2: unknown key 'modl'; did you mean 'model'?")

    def test_the_key_of_a_provider(self):
        self.write("hearth.toml", PROVIDER + 'key_file = "rack.key"\n')
        self.assertEqual(self.hearth("config", "check").returncode, 2)
        self.write("rack.key", "sk-1\n", 0o644)
        (finding,) = self.findings("provider")
        self.assertEqual(finding["verdict"], "FAIL")
        self.assertIn("chmod 600", finding["detail"])
        self.write("rack.key", "sk-1\n")
        self.assertEqual(self.findings("provider")[0]["verdict"], "PASS")
        self.assertEqual(self.hearth("config", "check").returncode, 0)

    def test_a_running_daemon_says_what_it_has(self):
        self.write("hearth.toml", PROVIDER + '[[pool.model]]\nname = "ember"\nlevel = "operational"\n')
        with harness.Daemon(data=self.data):
            (rack,), (ember,) = self.findings("provider"), self.findings("pool model")
            for finding in (rack, ember):
                self.assertEqual(finding["verdict"], "PASS", finding)
                self.assertIn("the daemon says: ready", finding["detail"])
            self.assertIn("of which the start takes", self.findings("memory")[0]["detail"])
            self.assertEqual(self.findings("spending")[0]["verdict"], "PASS")
            self.assertEqual(self.hearth("stop-spending", "--why", "a test").returncode, 0)
            self.assertIn("a test", self.findings("spending")[0]["detail"])
            self.assertTrue(os.path.exists(os.path.join(self.data, "hearth.db")))


if __name__ == "__main__":
    unittest.main()
