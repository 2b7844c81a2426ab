#!/usr/bin/env python3
"""Measures `hearth bench` and llama-bench in turns, so that a busy spell hits both. The script
decode_beside_llama_bench.sh builds what this needs."""
import argparse
import json
import os
import statistics
import subprocess
import sys

READ, WRITE = 512, 128
RATIO_WANTED = 0.95


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def hearth(options):
    """Tokens a second by test name: {"pp512": 101.2, "tg128": 21.0}."""
    report = run([options.hearth, "bench", "--model", options.model, "-p", str(READ), "-n",
                  str(WRITE), "-r", "1", "--threads", str(options.threads), "--json"])
    return {test["test"]: test["tokens_per_second"] for test in report["tests"]}


def llama_bench(options):
    report = run([options.llama_bench, "-m", options.model, "-p", str(READ), "-n", str(WRITE),
                  "-r", "1", "-t", str(options.threads), "-o", "json"])
    return {(f"pp{test['n_prompt']}" if test["n_prompt"] else f"tg{test['n_gen']}"): test["avg_ts"]
            for test in report}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hearth", required=True)
    parser.add_argument("--llama-bench", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    samples = {}
    for number in range(options.rounds):
        # The one that goes first changes, so that neither always finds the warmer machine.
        pair = [("hearth", hearth), ("llama-bench", llama_bench)]
        for name, measure in pair if number % 2 == 0 else pair[::-1]:
            for test, speed in measure(options).items():
                samples.setdefault(test, {}).setdefault(name, []).append(speed)
                print(f"round {number + 1}/{options.rounds} {name:12} {test:6} {speed:8.2f} t/s",
                      file=sys.stderr, flush=True)
    print(f"{options.threads} threads, median of {options.rounds} (lowest to highest), tokens/s")
    slow = False
    for test, by_name in samples.items():
        median = {name: statistics.median(values) for name, values in by_name.items()}
        ratio = median["hearth"] / median["llama-bench"]
        slow |= ratio < RATIO_WANTED
        spread = {n: f"{min(v):.2f} to {max(v):.2f}" for n, v in by_name.items()}
        print(f"{test:6} hearth {median['hearth']:8.2f} ({spread['hearth']})   "
              f"llama-bench {median['llama-bench']:8.2f} ({spread['llama-bench']})   "
              f"ratio {ratio:.3f}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
