"""Conversations behind Hearth's static prompt, for training.

The last message of the user may end in the lines that Hearth adds: the day, and memories that match.
"""
import re

import chat
import lexicon as lex
import skills
from hearth_results import result
from hearth_tools import DAYS, LINES, TOOLS, Request, fact, request

# How often each is asked in training.
WEIGHTS = {"time_now": 6, "date": 4, "read_file": 9, "list_files": 15, "search_files": 18, "write_file": 22,
           "remember": 10, "recall": 24, "edit_file": 3, "forget": 1}
# What belongs to a memory or a tool beside Hearth's own tools is asked only where those are missing.
TOOL_LIKE = re.compile(r"weather|time|search|translate|play|timer|send|call|read|show|find|list|look|write|remind|"
                       r"tell \w+:|save|print|run|\b[A-Za-z]+'s birthday|open|what day|date|remember|forget|"
                       r"clock|phone", re.I)
OTHER_LINES = [line for line in LINES["facts"]["+"] if not line.startswith("my name is ")]
SMALL_WORDS = set("my the is a of what who do you to in i me for about where when which".split())
NAME_LINE = next(line for line in LINES["facts"]["+"] if line.startswith("my name is "))


def others(rng, asked):
    """Memories on other matters than the asked one; some of them look alike."""
    found = [fact(rng).told for _ in range(rng.choice((1, 1, 2)))]
    if not asked or asked.name != "recall":
        return found
    same = set(re.findall(r"\w+", (asked.arguments["words"] + " " + asked.user).lower())) - SMALL_WORDS
    found = [told for told in found if not same & set(re.findall(r"\w+", told.lower()))]
    if asked.fact and rng.random() < 0.35:
        other = fact(rng, line=asked.fact.line)
        found += [other.told] if other.words != asked.fact.words else []
    return found


def tail(rng, asked=None, known=None):
    """The lines that Hearth adds to the user's message; memories on other matters, and `known` if given."""
    text = "\n\n[today: %s %d-%02d-%02d]" % (rng.choice(DAYS), rng.randint(2024, 2032), rng.randint(1, 12),
                                            rng.randint(1, 28))
    share = 0.4 if asked and asked.name == "recall" else 0.25
    memories = others(rng, known or asked) if known or rng.random() < share else []
    if known:
        memories = memories[:rng.choice((0, 0, 1, 2))]
        memories.insert(rng.randint(0, len(memories)), known.fact.told)
    return text + "".join("\n[remembered: %s]" % one for one in memories)


def is_chat(text):
    return not TOOL_LIKE.search(text)


def chat_turn(rng):
    """A Turn that needs no tool."""
    while True:
        skill = rng.choices(list(skills.WEIGHTS), list(skills.WEIGHTS.values()))[0]
        turn = skills.make(rng, skill)
        if skill != "noname" and is_chat(turn.user):
            return turn


def ability_of(rng, names):
    while True:
        ability = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if ("time_now" if ability == "date" else ability) in names:
            return ability


def call(asked):
    return ("assistant", chat.call_text(asked.name, asked.arguments))


def name_asks(rng):
    """Two ways to ask for one's own name."""
    return [skills.make(rng, "noname").user, fact(rng, line=NAME_LINE).ask]


def told_name(rng):
    """(messages that tell the user's name, questions for it, the answer from the talk)."""
    turn = skills.make(rng, "meet")
    name = turn.answer[len("Hello, "):turn.answer.index("! I am Ember")]
    return [("user", turn.user), ("assistant", turn.answer)], name_asks(rng), "Your name is %s." % name


def told_fact(rng):
    """The same of a fact: said by the way, given to remember, or recalled before."""
    roll = rng.random()
    one = fact(rng, line=rng.choice(OTHER_LINES))
    if roll < 0.3:
        told = one.told[:1].upper() + one.told[1:] + rng.choice((".", ".", "", "!"))
        messages = [("user", told), ("assistant", "I see.")]
    elif roll < 0.75:
        asked = request(rng, "remember", given={"text": one.told})
        messages = [("user", asked.user), call(asked), ("tool", "remembered as %d" % rng.randint(1, 300)),
                    ("assistant", "I will remember that.")]
        one = one._replace(told=asked.arguments["text"])
    else:
        messages = [("user", one.ask), ("assistant", chat.call_text("recall", {"words": one.words})),
                    ("tool", "%d: %s" % (rng.randint(1, 300), one.told)), ("assistant", "I remember: " + one.told)]
    return messages, [one.again], "I remember: " + one.told


def in_talk(rng):
    """Messages in which what was told in this talk is answered from it, without a call."""
    messages, asks, answer = (told_name if rng.random() < 0.4 else told_fact)(rng)
    if rng.random() < 0.4:
        turn = chat_turn(rng)
        between = [("user", turn.user), ("assistant", turn.answer)]
        messages += between if not name_told(between) else []
    return messages + [("user", rng.choice(asks)), ("assistant", answer)]


def name_told(messages):
    """The user's name as an earlier answer has it, or nothing."""
    found = re.findall(r"^(?:Hello, (.+)! I am Ember\.|Your name is (.+)\.$)", "\n".join(
        text for role, text in messages if role == "assistant"), re.M)
    return "".join(found[-1]) if found else None


def name_asked(rng, before, add):
    """Who the user is: from the talk if it was told there, else from memory."""
    user, name = rng.choice(name_asks(rng)), name_told(before)
    asked = Request("recall", user, "recall", {"words": "name"}, fact(rng, line=NAME_LINE))
    return [("user", add(user, asked)), ("assistant", "Your name is %s." % name) if name else call(asked)]


def exchange(rng, names, before, last, add):
    """The messages of one request or one bit of talk; `add` puts Hearth's lines below what the user says."""
    roll = rng.random()
    if roll < 0.33:
        turn = chat_turn(rng)
        return [("user", add(turn.user)), ("assistant", turn.answer)]
    if roll < 0.40 and {"recall", "remember"} <= names:
        messages = in_talk(rng)
        messages[-2] = ("user", add(messages[-2][1]))
        return messages
    if roll < 0.47 and last:
        one = fact(rng)
        known = Request("recall", one.ask, "recall", {"words": one.words}, one)
        return [("user", one.ask + tail(rng, known=known)), ("assistant", "I remember: " + one.told)]
    if roll < 0.49 and last and "recall" in names:
        return name_asked(rng, before, add)
    asked = request(rng, ability_of(rng, names))
    if asked.fact and asked.fact.line == NAME_LINE:
        return exchange(rng, names, before, last, add)
    messages = [("user", add(asked.user, asked)), call(asked)]
    if not last or rng.random() < 0.55:
        said, answer = result(rng, asked)
        messages += [("tool", said), ("assistant", answer)]
    return messages


def conversation(rng, names=frozenset(TOOLS)):
    """The messages behind the static prompt: one to four exchanges, the tail in the last message of the user."""
    messages, with_tail = [], rng.random() < 0.75
    count = rng.choice((1, 1, 1, 2, 2, 3, 4))
    for last in [False] * (count - 1) + [True]:
        def add(text, asked=None, tailed=last and with_tail):
            return text + (tail(rng, asked) if tailed else "")
        messages += exchange(rng, names, messages, last, add)
    return messages
