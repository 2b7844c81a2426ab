"""Conversations behind Hearth's static prompt, for training, and the held-out cases of the same kind.

The last message of the user may end in the lines that Hearth adds: the day, and memories that match.
"""
import re

import chat
import lexicon as lex
import skills
from hearth_results import result
from hearth_tools import DAYS, PREFIX, TOOLS, fact, request

# How often each is asked in training, and in the evaluation.
WEIGHTS = {"time_now": 7, "date": 4, "read_file": 14, "list_files": 14, "search_files": 14, "write_file": 18,
           "remember": 15, "recall": 18, "edit_file": 3, "forget": 1}
ABILITIES = {"time": ["time_now", "date"], "read": ["read_file"], "list": ["list_files"], "search": ["search_files"],
             "write a note": ["write_file"], "remember": ["remember"], "recall": ["recall"]}
# What belongs to a memory or a tool beside Hearth's own tools is asked only where those are missing.
TOOL_LIKE = re.compile(r"weather|time|search|translate|play|timer|send|call|read|show|find|list|look|write|remind|"
                       r"tell \w+:|save|print|run|\b[A-Za-z]+'s birthday|open|what day|date|remember|forget|"
                       r"clock", re.I)


def tail(rng, asked=None, held=False, known=None):
    """The lines that Hearth adds to the user's message; memories on other matters, and `known` if given."""
    text = "\n\n[today: %s %d-%02d-%02d]" % (rng.choice(DAYS), rng.randint(2024, 2032), rng.randint(1, 12),
                                            rng.randint(1, 28))
    memories = []
    if known or rng.random() < 0.25:
        memories = [fact(rng, held)[0] for _ in range(rng.choice((1, 1, 2)))]
        if asked and asked.name == "recall":
            same = set(re.findall(r"\w+", (asked.arguments["words"] + " " + asked.user).lower()))
            same -= set("my the is a of what who do you to in i me for about where when which".split())
            memories = [m for m in memories if not same & set(re.findall(r"\w+", m.lower()))]
    if known:
        memories = memories[:rng.choice((0, 0, 1, 2))]
        memories.insert(rng.randint(0, len(memories)), known)
    return text + "".join("\n[remembered: %s]" % one for one in memories)


def is_chat(text):
    return not TOOL_LIKE.search(text)


def chat_turn(rng, held=False):
    """(question, answer, check) that needs no tool."""
    while True:
        skill = rng.choices(list(skills.WEIGHTS), list(skills.WEIGHTS.values()))[0]
        if skill in ("noname",) or held and skill.startswith("pick"):
            continue
        turn = skills.make(rng, skill, held)
        if is_chat(turn.user):
            return turn


def ability_of(rng, names):
    while True:
        ability = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if ("time_now" if ability == "date" else ability) in names:
            return ability


def conversation(rng, names=frozenset(TOOLS)):
    """The messages behind the static prompt: one to three exchanges, the tail in the last message of the user."""
    messages, with_tail = [], rng.random() < 0.75
    count = rng.choice((1, 1, 1, 2, 2, 3))
    for i in range(count):
        last = i == count - 1
        roll = rng.random()
        if roll < 0.36:
            turn = chat_turn(rng)
            user = turn.user + (tail(rng) if last and with_tail else "")
            messages += [("user", user), ("assistant", turn.answer)]
        elif roll < 0.45 and last and with_tail:
            told, ask, _ = fact(rng)
            messages += [("user", ask + tail(rng, known=told)), ("assistant", "I remember: " + told)]
        else:
            asked = request(rng, ability_of(rng, names))
            user = asked.user + (tail(rng, asked) if last and with_tail else "")
            messages += [("user", user), ("assistant", chat.call_text(asked.name, asked.arguments))]
            if not last or rng.random() < 0.75:
                said, answer = result(rng, asked)
                messages += [("tool", said), ("assistant", answer)]
    return messages


def case(rng, group, sign, ability=None):
    """One held-out case behind the real static prompt."""
    messages = []
    if rng.random() < 0.3:
        messages = conversation(rng)
        messages = [(role, text.partition("\n\n[today:")[0]) for role, text in messages]
        if messages[-1][1].startswith("<tool_call>"):
            messages = []
    known = None
    if group == "talk":
        turn = chat_turn(rng, sign)
        user, check, answer, asked = turn.user, list(turn.check), turn.answer, None
    elif group == "known":
        known, ask, _ = fact(rng, sign)
        user, answer, asked = ask, "I remember: " + known, None
        check = ["has", known]
    else:
        asked = request(rng, ability, sign)
        user, answer = asked.user, chat.call_text(asked.name, asked.arguments)
        check = ["call", answer]
    with_tail = known or rng.random() < 0.75
    messages.append(("user", user + (tail(rng, asked, sign, known) if with_tail else "")))
    if group == "result":
        said, answer = result(rng, asked, sign)
        messages += [("assistant", chat.call_text(asked.name, asked.arguments)), ("tool", said)]
        check = ["is", answer]
    return {"group": group if not ability or group == "result" else ability_name(ability), "skill": group, "user": user,
            "check": check, "answer": answer, "prompt": PREFIX + chat.render(messages, generate=True)}


def ability_name(ability):
    return next(name for name, members in ABILITIES.items() if ability in members)


def cases(rng, sign):
    """All cases of a held-out split: 280 requests, 150 of talk, 40 answered by a memory shown, 140 results."""
    found = []
    for members in ABILITIES.values():
        found += [case(rng, "call", sign, members[i % len(members)]) for i in range(40)]
    found += [case(rng, "talk", sign) for _ in range(150)]
    found += [case(rng, "known", sign) for _ in range(40)]
    for members in ABILITIES.values():
        found += [case(rng, "result", sign, members[i % len(members)]) for i in range(20)]
    return found
