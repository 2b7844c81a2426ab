"""Scores Ember on the held-out cases, greedily, through llama.cpp (see evaluate.cpp).

    python3 evaluate.py --cases DIR/eval.json --program ./ember-evaluate --model ember.gguf

train.py uses score() and report() with its own PyTorch answers as a reference.
"""
import argparse
import collections
import json
import subprocess
import tempfile
from pathlib import Path


def parsed(call):
    """The JSON of a tool call, or nothing when it is broken."""
    try:
        return json.loads(call.removeprefix("<tool_call>").removesuffix("</tool_call>"))
    except ValueError:
        return None


def tool_of(call):
    """The name of the called tool, or nothing."""
    found = parsed(call) if call.startswith("<tool_call>") else None
    return found.get("name") if isinstance(found, dict) else None


def rows_of(case, answer):
    """The lines of the table that a case counts in, and whether it is right there."""
    rows = [(case["group"], right(case["check"], answer))]
    if case["check"][0] == "call":
        rows.append(("requests: right tool", tool_of(answer.strip()) == tool_of(case["check"][1])))
        rows.append(("requests: right tool and arguments", rows[0][1]))
    if case["group"] in ("talk", "known"):
        rows.append((case["group"] + ": no call", "<tool_call>" not in answer))
    return rows


def right(check, answer):
    """Whether the answer passes its check."""
    kind, text = check
    answer = answer.strip()
    if kind == "is":
        return answer == text
    if kind == "call":
        return answer.startswith("<tool_call>") and parsed(answer) == parsed(text)
    if kind == "ends":
        return answer.rstrip(".").endswith(text)
    # A name must stand alone: "Ann" does not count inside "Anna".
    at = answer.find(text)
    while at >= 0:
        before, after = answer[at - 1:at], answer[at + len(text):at + len(text) + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        at = answer.find(text, at + 1)
    return False


def score(cases_path, answer_all):
    """Answers every case; returns {group: [right, asked]} and the wrong ones."""
    cases = json.loads(Path(cases_path).read_text(encoding="utf-8"))
    answers = answer_all([case["prompt"] for case in cases])
    table, wrong = collections.OrderedDict(), []
    for case, answer in zip(cases, answers):
        for name, is_right in rows_of(case, answer):
            row = table.setdefault(name, [0, 0])
            row[0] += is_right
            row[1] += 1
        if not right(case["check"], answer):
            wrong.append((case, answer))
    return table, wrong


def report(scored, path=None, show=60):
    """Prints the table as Markdown and some wrong answers; keeps all of it in a file."""
    table, wrong = scored
    rows = ["| Skill | Right | Asked | Accuracy |", "|---|---|---|---|"]
    rows += ["| %s | %d | %d | %.1f %% |" % (group, row[0], row[1], 100 * row[0] / row[1])
             for group, row in table.items()]
    asked = sum(row[1] for name, row in table.items() if ": " not in name)
    rows.append("| all | %d | %d | %.1f %% |" % (asked - len(wrong), asked, 100 - 100 * len(wrong) / asked))
    print("\n".join(rows))
    misses = ["%s: %r -> %r, wanted %r" % (case["group"], case["user"], answer, case["check"][1])
              for case, answer in wrong]
    print("\n".join(misses[::max(1, len(misses) // show)]))
    if path:
        Path(path).write_text("\n".join(rows + [""] + misses) + "\n", encoding="utf-8")


def through_program(program, model):
    """A function that answers prompts with the llama.cpp program."""
    def answer_all(prompts):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "prompts"
            path.write_bytes(b"\0".join(p.encode("utf-8") for p in prompts))
            out = subprocess.run([program, model, str(path)], stdout=subprocess.PIPE, check=True).stdout
        answers = out.decode("utf-8", errors="replace").split("\0")[:-1]
        assert len(answers) == len(prompts), "%d answers for %d prompts" % (len(answers), len(prompts))
        return answers
    return answer_all


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--cases", required=True)
    args.add_argument("--program", required=True)
    args.add_argument("--model", required=True)
    args.add_argument("--out", help="file for the table and all wrong answers")
    args = args.parse_args()
    report(score(args.cases, through_program(args.program, args.model)), args.out)


if __name__ == "__main__":
    main()
