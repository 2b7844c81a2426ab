#!/usr/bin/env python3
"""Calls that cannot be malformed: tools with random schemas, asked of the real daemon over HTTP, every call checked by
a checker of its own (and by jsonschema, where Python has it). Counts what should not be there: malformed calls, unknown
tools, values that do not fit, refusals, crashes. An answer that max_tokens cuts must say finish_reason "length".

  bench/tool_calls.py --schemas 500 --model NAME=FILE … [--seed 1]

Ember is always asked; --model adds others, such as files of random weights with a real tokenizer."""
import argparse
import collections
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e"))
import harness  # noqa: E402
import schema_noise  # noqa: E402

try:
    import jsonschema
except ImportError:
    jsonschema = None

TOKENS_MAX = 400


def request_for(noise, number, seed):
    """One chat completion: one to three tools; required, named or auto in turn; greedy or not."""
    tools = [noise.tool(i) for i in range(noise.random.choice([1, 1, 2, 3]))]
    mode = ("required", "named", "auto")[number % 3]
    choice = {"type": "function", "function": {"name": "tool_0"}} if mode == "named" else mode
    body = {"messages": [{"role": "user", "content": "Call a tool."}], "tools": tools, "tool_choice": choice,
            "parallel_tool_calls": number % 2 == 0, "temperature": number // 3 % 2, "seed": seed + number,
            "max_tokens": TOKENS_MAX}
    return tools, mode, body


def second_opinion(call, tools):
    if not jsonschema:
        return []
    schema = next(t["function"]["parameters"] for t in tools if t["function"]["name"] == call["function"]["name"])
    standard = jsonschema.Draft202012Validator
    checker = standard(schema, format_checker=standard.FORMAT_CHECKER)
    return [error.message for error in checker.iter_errors(json.loads(call["function"]["arguments"]))]


def look_at(answer, tools, mode, counts, shown):
    """Counts what came, and keeps what is wrong to be shown."""
    if answer.status != 200:
        counts["refused" if answer.status == 400 else "failed"] += 1
        shown.append((answer.status, answer.body[:300]))
        return
    choice = answer.json["choices"][0]
    calls = choice["message"].get("tool_calls") or []
    if choice["finish_reason"] == "length":
        counts["cut by max_tokens"] += 1
        calls = []
    elif mode != "auto" and not calls:
        counts["no call"] += 1
        shown.append((mode, choice))
    for call in calls:
        counts["calls"] += 1
        malformed, violations = schema_noise.call_faults(call, tools)
        if not malformed and not violations:
            violations = second_opinion(call, tools)
        counts["malformed"] += bool(malformed)
        counts["violations"] += bool(violations)
        if malformed or violations:
            shown.append((malformed, violations, call["function"], json.dumps(tools, ensure_ascii=False)))


def measure(name, arguments, schemas, seed):
    counts, shown = collections.Counter(), []
    noise = schema_noise.Noise(seed)
    began = time.monotonic()
    with harness.Daemon(*arguments, HEARTH_MODEL_CONTEXT_TOKENS="4096") as daemon:
        number = 0
        while counts["schemas"] < schemas:
            tools, mode, body = request_for(noise, number, seed)
            number += 1
            counts["schemas"] += len(tools)
            counts["requests"] += 1
            look_at(daemon.request("POST", "/v1/chat/completions", json.dumps(body)), tools, mode, counts, shown)
        if not daemon.is_ready():
            counts["crashes"] += 1
    for one in shown[:10]:
        print(name, *one, sep="\n  ", file=sys.stderr)
    return counts, time.monotonic() - began


COLUMNS = ("schemas", "requests", "calls", "cut by max_tokens", "malformed", "violations", "no call", "refused",
           "failed", "crashes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schemas", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--no-ember", action="store_true")
    chosen = parser.parse_args()
    models = [] if chosen.no_ember else [("Ember", [])]
    models += [(m.split("=", 1)[0], ["--model", os.path.abspath(m.split("=", 1)[1])]) for m in chosen.model]
    print("| model | " + " | ".join(COLUMNS) + " | s |\n|" + "---|" * (len(COLUMNS) + 2))
    wrong = 0
    for name, arguments in models:
        counts, seconds = measure(name, arguments, chosen.schemas, chosen.seed)
        print(f"| {name} | " + " | ".join(str(counts[c]) for c in COLUMNS) + f" | {seconds:.0f} |", flush=True)
        wrong += sum(counts[c] for c in COLUMNS[4:])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
