#!/usr/bin/env python3
"""run.py [--hearth BINARY] [--scripted MODEL] [PATTERN]: runs the end-to-end tests against the real
binary and ends with `N passed, N failed`. Exit status 1 if any failed."""
import argparse
import os
import pathlib
import sys
import time
import unittest


class Progress(unittest.TestResult):
    """One line a test as it ends."""

    def startTest(self, test):
        super().startTest(test)
        self.started, self.passed = time.monotonic(), getattr(self, "passed", 0)
        self.sub_failed = False

    def say(self, verdict, test, detail=""):
        print(f"{verdict} {test.id()} ({time.monotonic() - self.started:.1f} s){detail}", flush=True)

    def addSuccess(self, test):
        self.passed += 1
        self.say("ok  ", test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.say("FAIL", test, "\n" + self.failures[-1][1])

    def addError(self, test, error):
        super().addError(test, error)
        if not hasattr(self, "started"):
            self.started = time.monotonic()
        self.say("FAIL", test, "\n" + self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("skip", test, ": " + reason)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.say("FAIL", subtest, "\n" + (self.failures or self.errors)[-1][1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hearth")
    parser.add_argument("--scripted")
    parser.add_argument("pattern", nargs="?")
    options = parser.parse_args()
    if options.hearth:
        os.environ["HEARTH_BINARY"] = options.hearth
    if options.scripted:
        os.environ["HEARTH_SCRIPTED_MODEL"] = options.scripted

    here = pathlib.Path(__file__).parent
    sys.path.insert(0, str(here))
    loader = unittest.TestLoader()
    if options.pattern:
        loader.testNamePatterns = [f"*{options.pattern}*"]
    result = Progress()
    loader.discover(str(here), top_level_dir=str(here)).run(result)
    failed = len(result.failures) + len(result.errors)
    skipped = f", {len(result.skipped)} skipped" if result.skipped else ""
    print(f"{getattr(result, 'passed', 0)} passed, {failed} failed{skipped}")
    return 1 if failed or not getattr(result, "passed", 0) else 0


if __name__ == "__main__":
    sys.exit(main())
