#!/usr/bin/env python3
"""Lints the tree: the rules of the house, clang-format, clang-tidy. Exit status 1 on any finding.

  tests/lint.py [--apply-format] [--no-clang-tidy] [FILE...]

clang-tidy reads the release build's compile_commands.json. A file that was clean is not read again
until it, a header of ours that it includes, the checks or its command change; build/lint/ knows.
Unit tests are left out of clang-tidy unless named: GoogleTest's headers would triple its time.
"""
import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "tidy"))

from checks.tree import Tree  # noqa: E402
import tidy  # noqa: E402

FORMAT, TIDY = "clang-format-14", "clang-tidy-19"
CLEAN = ROOT / "build" / "lint"
COMMANDS = ROOT / "build" / "release" / "compile_commands.json"
FORMATTED = ("src", "tests", "fuzz", "bench", "models", "skills")


def house(_):
    found = list(tidy.faults(ROOT, COMMANDS))
    for fault in found:
        print(fault)
    return not found


def clang_format(files, apply):
    """Applies the layout, or names each file that does not have it."""
    if not files:
        return True
    if apply:
        return subprocess.run([FORMAT, "-i", *files], cwd=ROOT, check=False).returncode == 0
    checked = subprocess.run([FORMAT, "--dry-run", "-Werror", *files], cwd=ROOT, check=False,
                             capture_output=True, text=True)
    places = re.findall(r"^([^:\n]+):(\d+):\d+: error:", checked.stderr, re.M)
    first = {}
    for name, line in places:
        first.setdefault(name, line)
    for name, line in first.items():
        print(f"{name}:{line}: not laid out by {FORMAT}; `make format` does it")
    if checked.returncode and not places:
        print(checked.stderr)
    return checked.returncode == 0


@functools.lru_cache(maxsize=None)
def own_includes(path):
    """The headers of ours that a file includes, with theirs, itself first."""
    found, pending = {}, [path]
    while pending:
        file = pending.pop()
        if file in found or not file.is_file():
            continue
        found[file] = None
        for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', file.read_text(), re.M):
            pending += [ROOT / "src" / name, file.parent / name]
    return list(found)


def fingerprint(path, command):
    digest = hashlib.sha256(f"{TIDY}\n{command}\n".encode())
    configurations = [folder / ".clang-tidy" for folder in path.parents
                      if (folder / ".clang-tidy").is_file() and folder.is_relative_to(ROOT)]
    for file in configurations + sorted(own_includes(path)):
        digest.update(str(file).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def tidy_one(path, command):
    """(clean, output, seconds); clean files are remembered by fingerprint."""
    stamp = CLEAN / fingerprint(path, command)
    if stamp.exists():
        return True, "", 0.0
    started = time.monotonic()
    done = subprocess.run(
        [TIDY, "--quiet", "-p", str(COMMANDS.parent), "--extra-arg=-Wno-unknown-warning-option",
         str(path)], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        stamp.touch()
    # Standard error holds only counts of suppressed findings, unless the file could not be read.
    output = done.stdout or done.stderr if done.returncode else ""
    return done.returncode == 0, output, time.monotonic() - started


def tidied(name, named):
    return name.endswith(".cpp") and (name in named or not name.endswith("_test.cpp"))


def clang_tidy(files, jobs):
    CLEAN.mkdir(parents=True, exist_ok=True)
    commands = {}
    for entry in json.loads(COMMANDS.read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if path.is_relative_to(ROOT) and str(path.relative_to(ROOT)) in files:
            commands[path] = entry["command"]
    good, started = True, time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(tidy_one, p, c): p for p, c in sorted(commands.items())}
        for number, done in enumerate(concurrent.futures.as_completed(running), 1):
            clean, output, seconds = done.result()
            name = running[done].relative_to(ROOT)
            if seconds:
                print(f"[clang-tidy {number}/{len(running)}, {time.monotonic() - started:.0f}s] "
                      f"{name} ({seconds:.0f} s)", flush=True)
            if not clean:
                print(output, flush=True)
                good = False
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--apply-format", action="store_true", help="format, and do nothing else")
    parser.add_argument("--no-clang-tidy", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("files", nargs="*", help="only these, for clang-format and clang-tidy")
    options = parser.parse_args()
    files = options.files or Tree(ROOT).cpp(*FORMATTED)
    if options.apply_format:
        return 0 if clang_format(files, apply=True) else 1
    steps = [("house", house), ("clang-format", lambda f: clang_format(f, apply=False))]
    if not options.no_clang_tidy:
        steps.append(("clang-tidy", lambda f: clang_tidy(
            [n for n in f if tidied(n, options.files)], options.jobs)))
    verdicts = {}
    for name, step in steps:
        started = time.monotonic()
        verdicts[name] = step(files)
        verdict = "clean" if verdicts[name] else "FAULTS"
        print(f"lint: {name}: {verdict} ({time.monotonic() - started:.0f} s)", flush=True)
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
