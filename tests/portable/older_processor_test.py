#!/usr/bin/env python3
"""older_processor_test.py PROGRAM: on a processor it was not built for, the program says so in one
sentence and exits with 1; on one it was built for, it runs. Needs qemu-user; skipped without."""
import shutil
import subprocess
import sys

# Emulated processors that lack something of x86-64-v3. They are older than any -march we build for.
OLDER = [("Nehalem", "AVX"), ("SandyBridge", "F16C"), ("Opteron_G1", "SSSE3")]


def run(qemu, processor, program):
    return subprocess.run([qemu, "-cpu", processor, program, "version"], capture_output=True,
                          text=True, timeout=120, check=False)


def problem(result, feature):
    """What is wrong with the program's end on an older processor, or None."""
    lines = result.stderr.splitlines()
    if result.returncode != 1:
        return f"ended with {result.returncode}, not 1"
    if result.stdout or len(lines) != 1:
        return f"said more than one sentence: {result.stdout + result.stderr!r}"
    if not lines[0].startswith("hearth: this processor has no " + feature):
        return f"did not name {feature}: {lines[0]}"
    return None


def main():
    qemu = shutil.which("qemu-x86_64")
    if not qemu:
        print("skipped: qemu-user is not installed")
        print(f"0 passed, 0 failed, {len(OLDER)} skipped")
        return 0
    failed = 0
    for processor, feature in OLDER:
        # qemu itself warns on standard error about what it cannot emulate; that is not ours.
        result = run(qemu, processor, sys.argv[1])
        result.stderr = "".join(line for line in result.stderr.splitlines(True)
                                if not line.startswith("qemu-x86_64: warning"))
        fault = problem(result, feature)
        failed += fault is not None
        print(f"{'FAIL' if fault else 'ok  '} {processor}{': ' + fault if fault else ''}")
    print(f"{len(OLDER) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
