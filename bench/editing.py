#!/usr/bin/env python3
"""An editing task: the answer repeats 80 % of a 600-token input. With lookup decoding and without.

A scripted model (tests/scripted) is made for it: its input is a settings file of 60 lines, its answer the same file
with every fifth line changed, so the text is known to the byte and both ways must give it. The same server answers
both ways in turn. With --model FILE that model answers instead, greedily, as many tokens: with random weights it soon
says the same again and again, which shows what a step with a draft costs there when nearly all of it comes true."""
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

import peers

LINES, CHANGED_EVERY = 60, 5
TOKENS_MAX = 900
WAYS = {True: "with lookup", False: "without"}


def task(seed):
    """The file and the file as edited."""
    chance = random.Random(seed)
    names = chance.sample([f"{a}.{b}" for a in peers.WORDS[:40] for b in peers.WORDS[40:60]], LINES)
    lines = [f"{name} = {chance.randrange(1000)}" for name in names]
    edited = [f"{name} = {chance.randrange(1000)}" if i % CHANGED_EVERY == 0 else line
              for i, (name, line) in enumerate(zip(names, lines))]
    return "\n".join(lines), "\n".join(edited)


def make_model(chosen, folder, question, answer):
    script = pathlib.Path(folder) / "script.json"
    script.write_text(json.dumps([{"user": question, "reply": answer}]))
    maker = pathlib.Path(chosen.hearth).parent / "make_scripted_model"
    model = str(pathlib.Path(folder) / "editing.gguf")
    subprocess.run([str(maker), str(peers.EMBER), str(script), model], check=True, stdout=subprocess.DEVNULL)
    return model


def ask(server, question, lookup, scripted):
    exchange = server.chat(question, TOKENS_MAX if scripted else 600, lookup=lookup, ignore_eos=not scripted,
                           cache_prompt=True)
    return peers.answer(exchange)


def speed(answer):
    return answer.usage["completion_tokens"] * 1000 / answer.timings["predicted_ms"]


def median_speed(answers):
    return statistics.median(map(speed, answers))


def main():
    chosen = peers.options(__doc__, rounds=5, sides=(peers.HEARTH,), model=".")
    before, after = task(1)
    question = "Change every fifth value.\n" + before
    with tempfile.TemporaryDirectory() as folder:
        scripted = chosen.model == "."  # the default
        model = make_model(chosen, folder, question, after) if scripted else chosen.model
        setup = peers.Setup(model=model, context=2048, slots=1, kv="q8_0")
        answers = {way: [] for way in WAYS}
        with peers.start(peers.HEARTH, chosen, setup) as server:
            ask(server, question, False, scripted)  # the prompt is in the cache from here on
            for number in range(chosen.rounds):
                for way in sorted(WAYS, reverse=number % 2 == 0):
                    answers[way].append(ask(server, question, way, scripted))
    texts = {answer.text for way in WAYS for answer in answers[way]}
    if scripted and texts != {after}:
        sys.exit("the edited file is wrong")
    if len(texts) != 1:
        print("the two ways differ: this model's results depend on the batch")
    report = peers.Report("editing", "Editing: 80 % of the answer repeats the question", chosen)
    for way, name in WAYS.items():
        report.add(name, "tokens/s", {peers.HEARTH: [speed(answer) for answer in answers[way]]}, places=1)
    ratio = median_speed(answers[True]) / median_speed(answers[False])
    report.add("with lookup, by without", "x", {peers.HEARTH: [ratio]}, target=">= 1.5")
    last = answers[True][-1]
    report.note(f"{last.usage['prompt_tokens']} tokens in, {last.usage['completion_tokens']} out, median of "
                f"{chosen.rounds} rounds; drafted {last.timings['draft_n']}, of which "
                f"{last.timings['draft_n_accepted']} came true")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
