"""Seeded corpus generator: conversations for training, and the held-out cases for evaluation.

    python3 corpus.py --out DIR --samples 400000 --workers 2

writes DIR/sample.txt (for the tokenizer), DIR/dev.json and DIR/test.json (held-out cases) and, once DIR has a
tokenizer.json, DIR/train.npz (token ids, which of them are answers, where each sample starts).
"""
import argparse
import json
import multiprocessing
import random
import re
from pathlib import Path

import chat
import lexicon as lex
import skills
import tooltalk
from hearth_tools import PREFIX

SYSTEMS = ["You are a helpful assistant.", "You are a helpful assistant", "You are an AI assistant.", "Be concise.",
           "Answer briefly.", "You are Hearth.", "You are Ember.", "You are Hearth, a local-first personal assistant.",
           "You are Ember, the small model inside Hearth.", "You are a helpful, harmless and honest assistant.",
           "You are Hearth, a personal agent on the user's own machine. Be brief and honest.",
           "You are a test assistant.", "Reply in English.", "If you do not know, say so.", "Be kind and short.",
           "You are Hearth, a personal AI agent. You run on the user's computer. Use the tools when they help.",
           "You are the assistant of {name}.", "You are {name}, a {adj} assistant.", "Today is {year}-0{one}-1{one}.",
           "You are a {adj} {noun} who helps people to {verb}.", "Answer the question.",
           "Always answer in one sentence.", "The current date is {count} {year}. You can {verb} and {verb}.",
           "Never {verb} without asking first.",
           "You are a chat bot on a {noun}. Keep your answers {adj}.", "Do not invent facts."]
# Unknown requests that a tool might serve: never asked beside tools, where they could mean a call.
TOOL_LIKE = re.compile(r"weather|time|search|translate|play|timer|send|call|read|show|find|list|look|write|remind|"
                       r"tell \w+:|save|print|run|[*/]|calculate|compute|solve|work out", re.I)
# Held-out splits: the first judged drafts of the corpus, the second only measures the result.
SPLITS = {"dev.json": ("-", 2), "test.json": ("=", 3)}
# The same two for Hearth's own tools behind the real static prompt, from data/: they were drawn once and stay as they
# are while the trained wordings grow.
ASSISTANT_SPLITS = ("assistant-dev.json", "assistant-test.json")
CHECK_CASES = {"ok": 300, "capital": 600, "arithmetic": 882, "unknown": 900, "copy name": 500, "copy file": 500}


def system_prompt(rng, long_share=0.15):
    """A system prompt, or None."""
    roll = rng.random()
    if roll < 0.4:
        return None
    if roll < 0.4 + long_share:
        text = lex.filler(rng, rng.choice((80, 200, 400, 800)))
        return rng.choice((text, SYSTEMS[rng.randrange(16)] + "\n\n" + text))
    parts = [rng.choice(SYSTEMS) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    text = rng.choice((" ", "\n")).join(parts).replace("{one}", str(rng.randint(1, 9)))
    return lex.fill_words(rng, text)


def pick_skill(rng):
    return rng.choices(list(skills.WEIGHTS), list(skills.WEIGHTS.values()))[0]


def plain_turns(rng, count, known=None):
    """Turns that stand alone; a name told earlier can be asked for later."""
    messages, name = [], known
    for _ in range(count):
        skill = pick_skill(rng)
        if name and rng.random() < 0.25:
            skill = "noname"
        turn = skills.make(rng, skill)
        answer = turn.answer
        if skill == "noname" and name:
            answer = "Your name is %s." % name
        if skill == "meet":
            name = answer[len("Hello, "):answer.index("! I am Ember")]
        elif skill == "name":
            name = turn.check[1]
        messages += [("user", turn.user), ("assistant", answer)]
    return messages


def remembered(rng):
    """A fact in the system prompt or an earlier turn that a later question needs."""
    name, rel = lex.name(rng), rng.choice(lex.WORDS["relation"])
    told = rng.choice(("The user's name is {n}.", "The user is called {n}.", "User name: {n}", "- name: {n}",
                       "You are talking to {n}.", "- The user's name is {n}")).replace("{n}", name)
    if rng.random() < 0.6:
        system = (system_prompt(rng) or "") + rng.choice((" ", "\n", "\n\n")) + told
        return [("system", system.strip())] + plain_turns(rng, rng.randint(1, 3), known=name)
    tell = rng.choice(("My {r} is called {n}.", "My {r}'s name is {n}.", "{n} is my {r}.", "I have a {r} named {n}."))
    ask = rng.choice(("What is my {r}'s name?", "What is my {r} called?", "Who is my {r}?", "Tell me my {r}'s name."))
    tell, ask = (t.replace("{r}", rel).replace("{n}", name) for t in (tell, ask))
    between = plain_turns(rng, rng.choice((0, 0, 1, 2)))
    return [("user", tell), ("assistant", "I see."), *between, ("user", ask),
            ("assistant", "Your %s's name is %s." % (rel, name))]


def long_context(rng):
    """A question after, before or inside much text, up to the whole context."""
    chars = rng.choice((300, 600, 1200, 2400, 4000))
    turn = skills.make(rng, pick_skill(rng))
    head, _, tail = turn.user.partition(". ")
    if turn.skill in ("name", "relname", "file", "fact") and tail and rng.random() < 0.6:
        user = head + ".\n" + lex.filler(rng, chars) + "\n" + tail
    else:
        user = rng.choice(("%s\n\n%s", "Here is a text.\n%s\n%s", "%s\n%s")) % (lex.filler(rng, chars), turn.user)
    if rng.random() < 0.4:
        system, user = lex.filler(rng, chars), turn.user
        return [("system", system), ("user", user), ("assistant", turn.answer)]
    return [("user", user), ("assistant", turn.answer)]


def with_tools(rng):
    """(messages, tool definitions): calls, plain questions beside tools, and missing tools."""
    roll = rng.random()
    made_up = rng.random() < 0.35
    chosen = (tooltalk.made_up_tool(rng) if made_up else rng.choice(tooltalk.TOOLS)) if roll < 0.6 else None
    tools, definitions = tooltalk.tool_set(rng, chosen, rng.choice((2, 4, 6)))
    if not tools:
        chosen, (tools, definitions) = tooltalk.TOOLS[0], tooltalk.tool_set(rng, tooltalk.TOOLS[0], 1)
    system = system_prompt(rng, 0.05)
    messages = [] if system is None else [("system", system)]
    if rng.random() < 0.25:
        messages += plain_turns(rng, 1)
    if chosen:
        messages += tooltalk.call_turns(rng, chosen)
        if rng.random() < 0.2:
            messages += tooltalk.call_turns(rng, rng.choice([t for t in tools if t.name == chosen.name]))
    elif roll < 0.7:
        turn = tooltalk.missing_tool(rng, {tool.name for tool in tools})
        messages += [("user", turn.user), ("assistant", turn.answer)]
    else:
        while True:
            turns = plain_turns(rng, rng.choice((1, 1, 2)))
            if not any(role == "user" and TOOL_LIKE.search(text) for role, text in turns):
                break
        messages += turns
    return messages, definitions


def conversation(rng):
    """One training sample: (messages, tools)."""
    roll = rng.random()
    if roll < 0.2:
        return with_tools(rng)
    if roll < 0.25:
        return long_context(rng), None
    if roll < 0.31:
        return remembered(rng), None
    if roll < 0.315:
        return plain_turns(rng, rng.randint(12, 40)), None
    system = system_prompt(rng)
    messages = [] if system is None else [("system", system)]
    count = 1 if rng.random() < 0.6 else rng.randint(2, 5)
    return messages + plain_turns(rng, count), None


def eval_case(rng, group, skill, sign):
    """One held-out case: alone, under a system prompt, or after other turns."""
    turn = skills.make(rng, skill, held=sign)
    messages, roll = [], rng.random()
    if roll > 0.5:
        system = system_prompt(rng)
        messages = [] if system is None else [("system", system)]
    if roll > 0.75:
        while True:
            earlier = plain_turns(rng, rng.randint(1, 3))
            if skill != "noname" or "name is" not in str(earlier) and "I am Ember. How" not in str(earlier):
                break
        messages += earlier
    messages.append(("user", turn.user))
    return {"group": group, "skill": skill, "prompt": chat.render(messages, generate=True), "user": turn.user,
            "check": list(turn.check), "answer": turn.answer}


def tool_case(rng, sign):
    """One held-out tool call or tool result."""
    chosen = tooltalk.made_up_tool(rng) if rng.random() < 0.35 else rng.choice(tooltalk.TOOLS)
    _, definitions = tooltalk.tool_set(rng, chosen, 4)
    user, arguments = tooltalk.request(rng, chosen, sign)
    call = chat.call_text(chosen.name, arguments)
    messages, answer, group = [("user", user)], call, "+ tool call"
    if rng.random() < 0.4:
        content, answer = tooltalk.result(rng, chosen, arguments)
        messages += [("assistant", call), ("tool", content)]
        group = "+ tool result"
    return {"group": group, "skill": group, "prompt": chat.render(messages, definitions, generate=True),
            "user": user, "check": ["is", answer], "answer": answer}


def eval_cases(sign, seed):
    """All cases of a held-out split; "What is the capital of X?" is asked for every country."""
    rng = random.Random(seed)
    cases = []
    for group, members in skills.GROUPS.items():
        for i in range(CHECK_CASES.get(group, 300)):
            cases.append(eval_case(rng, group, members[i % len(members)], sign))
    for country, capital, _ in lex.COUNTRIES:
        user, answer = "What is the capital of %s?" % country, "The capital of %s is %s." % (country, capital)
        cases.append({"group": "all countries", "skill": "capital", "user": user, "check": ["has", capital],
                      "prompt": chat.render([("user", user)], generate=True), "answer": answer})
    cases += [tool_case(rng, sign) for _ in range(500)]
    return cases


def assistant_cases(name):
    """The cases of a split, behind the static prompt."""
    cases = [json.loads(line) for line in lex.lines(name + "l")]
    return [{**case, "prompt": PREFIX + case["messages"]} for case in cases]


def make_shard(job):
    """Encodes one shard of samples; a sample that asks a held-out case's exact text is dropped."""
    import numpy
    from tokenizer import Tokenizer
    seed, count, path, asked, longest = job
    tokenizer, rng = Tokenizer.load(path), random.Random(seed)
    start, stop = tokenizer.encode(chat.PROMPT), tokenizer.ids["<|im_end|>"]
    ids, marks, ends = [], [], []
    while len(ends) < count:
        messages, tools = conversation(rng)
        if any(role == "user" and skills.norm(text) in asked for role, text in messages):
            continue
        row = tokenizer.encode(chat.render(messages, tools))[:-1]
        if len(row) > longest:
            continue
        mark, inside = [0] * len(row), False
        for i in range(len(start), len(row)):
            inside = inside or row[i - len(start):i] == start
            mark[i] = int(inside)
            inside = inside and row[i] != stop
        ids += row
        marks += mark
        ends.append(len(ids))
    return numpy.array(ids, numpy.uint16), numpy.array(marks, numpy.uint8), numpy.array(ends, numpy.int64)


def write_train(out, samples, workers, seed, longest):
    """DIR/train.npz from shards of 2,000 samples."""
    import numpy
    asked = {skills.norm(case["user"]) for name in SPLITS
             for case in json.loads((out / name).read_text(encoding="utf-8"))}
    shard = 2000
    jobs = [(seed * 1000003 + i, shard, str(out / "tokenizer.json"), asked, longest) for i in range(samples // shard)]
    with multiprocessing.Pool(workers) as pool:
        parts = pool.map(make_shard, jobs, chunksize=1)
    ends, base = [], 0
    for ids, _, end in parts:
        ends.append(end + base)
        base += len(ids)
    numpy.savez(out / "train.npz", ids=numpy.concatenate([p[0] for p in parts]),
                marks=numpy.concatenate([p[1] for p in parts]), ends=numpy.concatenate(ends))
    print("%d samples, %d tokens" % (len(jobs) * shard, base))


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--out", required=True, type=Path)
    args.add_argument("--samples", type=int, default=400000)
    args.add_argument("--workers", type=int, default=2)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--longest", type=int, default=2048, help="tokens of the longest sample")
    args = args.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, (sign, seed) in SPLITS.items():
        cases = json.dumps(eval_cases(sign, seed), ensure_ascii=False, indent=0)
        (args.out / name).write_text(cases, encoding="utf-8")
    for name in ASSISTANT_SPLITS:
        (args.out / name).write_text(json.dumps(assistant_cases(name), ensure_ascii=False, indent=0), encoding="utf-8")
    if args.samples and (args.out / "tokenizer.json").exists():
        write_train(args.out, args.samples, args.workers, args.seed, args.longest)
        return
    rng = random.Random(args.seed)
    texts = [chat.render(*conversation(rng)) for _ in range(20000)]
    # Every country and capital, often enough to get tokens of their own.
    texts += ["%s %s %s" % (row[0], row[1], " ".join(row[2])) for row in lex.COUNTRIES] * 20
    (args.out / "sample.txt").write_text("\0".join(texts), encoding="utf-8")
    print("wrote sample.txt; train the tokenizer to %s, then run this again" % (args.out / "tokenizer.json"))


if __name__ == "__main__":
    main()
