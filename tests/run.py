#!/usr/bin/env python3
"""Builds and runs every test and ends with `N passed, N failed` on a line of its own.

  tests/run.py [--preset release]... [--match PATTERN] [--no-build] [--jobs N]

Each preset (release, asan, tsan unless told otherwise) is configured, built whole, and each of its
ctest entries is run. GoogleTest programs are counted by their report, scripts by their own last
line of that form; a program that dies without either counts as one failure. Exit status 1 if any
failed.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PRESETS = ["release", "asan", "tsan"]
OUTPUT_LINES_SHOWN = 60
AFTER_KILL_S = 5
SANITIZERS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "LSAN_OPTIONS": "suppressions=" + str(ROOT / "tests" / "lsan.supp") + ":print_suppressions=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    # Suppressions name functions, for which the symbolizer of the same compiler is needed.
    "TSAN_OPTIONS": ("second_deadlock_stack=1:external_symbolizer_path=/usr/bin/llvm-symbolizer-19"
                     ":suppressions=" + str(ROOT / "tests" / "tsan.supp")),
}
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


class Tally:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def say(text):
    print(text, flush=True)


def build(preset, jobs):
    """Configures and builds one preset; False if that fails (what failed is on the screen)."""
    say(f"== {preset}: building")
    environment = os.environ | {"NINJA_STATUS": f"[{preset} %f/%t, %es] "}
    steps = (["cmake", "--preset", preset, "--log-level=WARNING"],
             ["cmake", "--build", "--preset", preset, "--parallel", str(jobs)])
    for step in steps:
        quiet = subprocess.DEVNULL if step[1] == "--preset" else None
        if subprocess.run(step, cwd=ROOT, env=environment, stdout=quiet, check=False).returncode:
            return False
    return True


def entries(preset, pattern):
    """The ctest entries of a preset: (name, command, timeout in seconds, working directory)."""
    listed = subprocess.run(
        ["ctest", "--test-dir", f"build/{preset}", "--show-only=json-v1"],
        cwd=ROOT, capture_output=True, text=True, check=True)
    for test in json.loads(listed.stdout)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        if pattern and not re.search(pattern, test["name"]):
            continue
        yield (test["name"], test.get("command"), properties.get("TIMEOUT", 300),
               properties.get("WORKING_DIRECTORY", str(ROOT)))


def tally_of(report, output, status):
    """Counts the cases of one test program from its report or its last words."""
    if report.is_file():
        summary = json.loads(report.read_text())
        cases = [case for suite in summary["testsuites"] for case in suite["testsuite"]]
        skipped = sum(case["result"] == "SKIPPED" for case in cases)
        failed = sum("failures" in case for case in cases)
        ran = sum(case["result"] == "COMPLETED" for case in cases)
        tally = Tally(ran - failed, failed, skipped)
    else:
        told = COUNTS.findall(output)
        # Neither: it ended before its end, whatever its status (the engine's SIGTERM handler says 0).
        tally = Tally(*(int(n or 0) for n in told[-1])) if told else Tally(failed=1)
    if status != 0 and tally.failed == 0:
        tally.failed = 1  # it died after its last case, or a sanitizer spoke at the exit
    if status == 0 and tally.passed + tally.failed + tally.skipped == 0:
        tally.failed = 1  # a program without any test tests nothing
    return tally


def run_bounded(command, folder, environment, timeout_s):
    """(output, exit status) of a program in a process group of its own, which ends with it."""
    try:
        child = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 errors="replace", start_new_session=True)
    except OSError as absent:
        return str(absent), 127
    late = ""
    try:
        output, _ = child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        late = f"\nstopped after {timeout_s:.0f} s"
        os.killpg(child.pid, signal.SIGKILL)
        try:
            output, _ = child.communicate(timeout=AFTER_KILL_S)
        except subprocess.TimeoutExpired as still:  # somebody who left the group holds the pipe
            output = (still.stdout or b"").decode(errors="replace")
    return output + late, 124 if late else child.returncode


def run_one(preset, name, command, timeout_s, folder):
    report = ROOT / "build" / preset / "reports" / f"{name}.json"
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    environment = os.environ | SANITIZERS | {"GTEST_OUTPUT": f"json:{report}"}
    started = time.monotonic()
    output, status = run_bounded(command, folder, environment, timeout_s)
    tally = tally_of(report, output, status)
    verdict = "FAIL" if tally.failed else "ok  "
    say(f"{verdict} {preset:8}{name:28}{str(tally):32}{time.monotonic() - started:6.1f} s")
    if tally.failed:
        lines = [line for line in output.splitlines() if not line.startswith("ok ")]
        say("\n".join("     " + line for line in lines[-OUTPUT_LINES_SHOWN:]))
    (report.parent / f"{name}.log").write_text(output)
    return tally


def run_preset(preset, options):
    if not options.no_build and not build(preset, options.jobs):
        say(f"FAIL {preset:8}does not build")
        return Tally(failed=1)
    total = Tally()
    for entry in entries(preset, options.match):
        total.add(run_one(preset, *entry))
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", action="append", help="only this one; may be repeated")
    parser.add_argument("--match", help="only tests whose name matches this expression")
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    total, started = Tally(), time.monotonic()
    for preset in options.preset or PRESETS:
        tally = run_preset(preset, options)
        say(f"== {preset}: {tally}, {time.monotonic() - started:.0f} s so far")
        total.add(tally)
    if total.skipped:
        say(f"{total.skipped} skipped")
    say(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
