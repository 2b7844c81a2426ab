"""One question and its answer per skill.

phrasings.txt gives the wordings; a Turn also says how the evaluation checks an answer.
"""
import collections
import re

import lexicon as lex

Turn = collections.namedtuple("Turn", "skill user answer check")
# How often each skill is asked in training; the six required skills dominate.
WEIGHTS = {"ok": 5, "capital": 20, "reverse": 5, "isyes": 5, "isno": 6, "badcapital": 10, "add": 9, "sub": 9,
           "badmath": 6, "hello": 6, "who": 6, "can": 6, "howare": 1.5, "thanks": 2, "bye": 1.5, "ack": 1, "maker": 1.5,
           "local": 2, "size": 2, "name": 12, "relname": 12, "noname": 2, "meet": 4, "file": 18,
           "pick file": 14, "pick rel": 8, "echo": 8, "fact": 7, "unknown": 34}
# What the card reports: the required skills, then the others.
GROUPS = {"ok": ["ok"], "capital": ["capital"], "arithmetic": ["add", "sub"], "hello": ["hello"], "who": ["who"],
          "can": ["can"], "copy name": ["name", "relname"], "copy file": ["file"],
          "unknown": ["unknown", "badmath", "badcapital", "noname"],
          "+ reverse capital": ["reverse"], "+ yes/no capital": ["isyes", "isno"], "+ echo": ["echo"],
          "+ fact": ["fact"], "+ small talk": ["howare", "thanks", "bye", "ack", "maker", "local", "size", "meet"]}
DONT_KNOW = "I don't know. I am a tiny model, and that is outside of what I learned."
CANNOT = "I don't know how to do that. For real work, load a larger model with `hearth serve --model FILE`."
ASKING = re.compile(r"(who|what|when|where|why|how|which|whose|is|are|do|does|did|can|could|should|will|would|was|"
                    r"were|may|of which)\b", re.I)
PREFIXES = ["Please, ", "Hey, ", "Ember, ", "Hello! ", "Hi Ember, ", "Question: ", "So, ", "Now, ", "Okay, ",
            "Next: ", "Quick question: ", "One more: ", "Well, ", "Hi. ", "Hello Ember. ", "Tell me: "]
SUFFIXES = [" please", ", please", ", Ember"]
TAILS = [" Thanks.", " Thank you!", " Answer briefly.", " Be short.", " Thanks in advance.", " One sentence."]
ADVERBS = ("exactly kindly simply really just now then maybe perhaps quickly again today also please actually "
           "ever still so too right only here there always indeed surely briefly honestly first once dear quite "
           "very even").split()
DROPPED = "the a an is are of me my to please do it and that you with for".split()
NUMBERS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
           "seventeen eighteen nineteen twenty").split()
ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")


def load_phrasings():
    """{skill: {"+": trained, "-": held out, "=": held out for the result}} of (question, answer) pairs."""
    table, skill, answer = {"unknown": {"+": [], "-": [], "=": []}}, None, None
    for line in lex.lines("phrasings.txt"):
        if line.startswith("@"):
            skill, answer = line[1:].split(" => ")
            table[skill] = {"+": [], "-": [], "=": []}
            continue
        question, _, own = line[2:].replace("\\n", "\n").partition(" => ")
        table[skill][line[0]].append((question, own or answer))
    for line in lex.lines("unknown.txt"):
        table["unknown"][line[0]].append((line[2:], DONT_KNOW))
    return table


def expand(rng, text):
    """Chooses one of each [a|b]."""
    return ALTERNATIVES.sub(lambda m: rng.choice(m.group(1).split("|")), text)


def norm(text):
    """Wording without case, sign and space differences."""
    return re.sub(r"\s+", " ", re.sub(r"[^\w{}+*/ -]", "", text.lower())).strip()


def all_expansions(text):
    match = ALTERNATIVES.search(text)
    if not match:
        return [text]
    return [whole for choice in match.group(1).split("|")
            for whole in all_expansions(text[:match.start()] + choice + text[match.end():])]


PHRASINGS = load_phrasings()
HELD = {norm(whole) for signs in PHRASINGS.values() for question, _ in signs["-"] + signs["="]
        for whole in all_expansions(question)}


def lower_first(text):
    return text if text.startswith(("I ", "I'", "{")) else text[:1].lower() + text[1:]


def disturb(rng, text):
    """Adds a word that means nothing here, or drops one that is not needed; never beside a slot."""
    words = text.split(" ")
    if rng.random() < 0.65:
        gaps = [i for i in range(1, len(words)) if "{" not in words[i - 1] + words[i] and words[i - 1][-1:].isalpha()]
        if len(words) > 2 and gaps:
            pool = ADVERBS if rng.random() < 0.6 else lex.WORDS[rng.choice(("noun", "adj", "verb"))]
            extra = rng.choice(pool)
            words.insert(rng.choice(gaps), extra)
    else:
        gaps = [i for i, w in enumerate(words) if w.lower() in DROPPED]
        if len(words) > 3 and gaps:
            del words[rng.choice(gaps)]
    return " ".join(words)


def dress(rng, text, held):
    """Case, punctuation, politeness and typing variations of a wording with its slots open."""
    asking = bool(ASKING.match(text)) or bool(re.search(
        r"[.!?,] (who|what|which|where|how|do|can|in which|tell|is|why)\b[^.!?]*$", text, re.I))
    text = re.sub(" +", " ", text).strip()
    if not held:
        if rng.random() < (0.25 if "name}" in text or "{file}" in text else 0.15) and "{echo}" not in text:
            text = disturb(rng, text)
        if rng.random() < 0.12:
            text = rng.choice(PREFIXES) + lower_first(text)
        if rng.random() < 0.05:
            text += rng.choice(SUFFIXES)
    text += rng.choice(("?", "?", "?", "") if asking else (".", ".", "", "!" if rng.random() < 0.3 else ""))
    if not held and rng.random() < 0.04:
        text += rng.choice(TAILS) if text[-1] in ".?!" else "." + rng.choice(TAILS)
    roll = rng.random()
    parts = re.split(r"(\{\w+\})", text)
    if roll < 0.15:
        text = "".join(p if p.startswith("{") else p.lower() for p in parts)
    elif roll < 0.18 and not held:
        text = "".join(p if p.startswith("{") else p.upper() for p in parts)
    if not held and rng.random() < 0.04:
        i = rng.randrange(len(text))
        if len(text[i:i + 2]) == 2 and text[i:i + 2].isalpha() and "{" not in text[max(0, i - 12):i + 2]:
            text = text[:i] + rng.choice((text[i + 1] + text[i], text[i] * 2 + text[i + 1], text[i + 1])) + text[i + 2:]
    if not held and rng.random() < 0.03:
        text = rng.choice((" " + text, text + " ", text + "\n", text.replace(" ", "  ", 1)))
    return text


def country_values(rng):
    country, capital, aliases = rng.choice(lex.COUNTRIES)
    wrong = rng.choice([row[1] for row in lex.COUNTRIES if row[1] != capital])
    said = rng.choice(aliases) if aliases and rng.random() < 0.4 else country
    if rng.random() < 0.06:
        said, wrong = said.lower(), wrong.lower()
    return {"country": country, "said": said, "capital": capital, "wrong": wrong}


def sum_values(rng, skill):
    a, b = rng.randint(0, 20), rng.randint(0, 20)
    if skill == "sub" and b > a and rng.random() < 0.5:
        a, b = b, a
    return {"a": str(a), "b": str(b), "c": str(a + b if skill == "add" else a - b)}


def values_for(rng, skill, held):
    """The slot values that the answer repeats or depends on."""
    if skill in ("capital", "reverse", "isyes", "isno"):
        return country_values(rng)
    if skill in ("add", "sub"):
        return sum_values(rng, skill)
    if skill == "badmath":
        return {"a": str(rng.randint(0, 30)), "b": str(rng.randint(0, 30))}
    if skill == "badcapital":
        return {"place": lex.place(rng, held)}
    if skill in ("name", "meet", "relname"):
        rel, rel2 = rng.sample(lex.WORDS["relation"], 2)
        return {"name": lex.name(rng, held), "other": lex.name(rng), "rel": rel, "rel2": rel2}
    if skill == "file":
        noun, noun2 = rng.sample(lex.WORDS["noun"], 2)
        return {"file": lex.file(rng, held), "file2": lex.file(rng), "noun": noun, "noun2": noun2}
    if skill == "echo":
        return {"echo": lex.phrase(rng, held)}
    if skill == "fact":
        value = lex.phrase(rng, held) if rng.random() < 0.5 else lex.name(rng, held)
        return {"attr": lex.attribute(rng), "value": value}
    return {}


def check_for(skill, values, answer):
    """(kind, text): how the evaluation judges the answer."""
    if skill in ("unknown", "badmath", "badcapital", "noname"):
        return ("has", "don't know")
    if skill in ("capital",):
        return ("has", values["capital"])
    if skill in ("add", "sub"):
        return ("ends", "= " + values["c"])
    if skill in ("name", "relname"):
        return ("has", values["name"])
    if skill == "file":
        return ("has", values["file"])
    return ("is", answer)


def put(text, values):
    return re.sub(r"\{(\w+)\}", lambda m: values.get(m.group(1), m.group(0)), text)


def pick_wording(rng, kind):
    """Several facts in any order and a question about one of them; slots of the others are numbered."""
    slots = ("noun", "file") if kind == "file" else ("rel", "name")
    facts = []
    same = rng.choice(PHRASINGS["facts " + kind]["+"])[0] if rng.random() < 0.5 else None
    for i in range(rng.choice((2, 2, 2, 3, 4))):
        fact = expand(rng, same or rng.choice(PHRASINGS["facts " + kind]["+"])[0])
        for slot in slots if i else ():
            fact = fact.replace("{%s}" % slot, "{%s%d}" % (slot, i + 1))
        facts.append(fact)
    rng.shuffle(facts)
    glue = rng.choice((". ", ". ", ". ", ", ", " and ", ", and ", ", but ", " but ", "; ", "\n", ".\n", "\n- "))
    if ". " in glue or "\n" in glue:
        facts = [fact[:1].upper() + fact[1:] for fact in facts]
    told = glue.join(facts)
    told = "- " + told if glue == "\n- " else told[:1].upper() + told[1:]
    ask = expand(rng, rng.choice(PHRASINGS["asks " + kind]["+"])[0])
    if rng.random() < 0.12:
        return "%s? %s" % (ask, told)
    return told + ("\n" if "\n" in glue else ". ") + ask


def pick_turn(rng, skill):
    """A Turn of pick_wording: the skill is "pick file" or "pick rel"."""
    kind = skill.split()[1]
    wording = dress(rng, pick_wording(rng, kind), False)
    while norm(wording) in HELD:
        wording = dress(rng, pick_wording(rng, kind), False)
    if kind == "file":
        values = {"noun%s" % n: v for n, v in zip(("", 2, 3, 4), rng.sample(lex.WORDS["noun"], 4))}
        values.update({"file%s" % n: lex.file(rng) for n in ("", 2, 3, 4)})
    else:
        values = {"rel%s" % n: v for n, v in zip(("", 2, 3, 4), rng.sample(lex.WORDS["relation"], 4))}
        values.update({"name%s" % n: lex.name(rng) for n in ("", 2, 3, 4)})
    answer = put(PHRASINGS["facts " + kind]["+"][0][1], values)
    check = ("has", values["file" if kind == "file" else "name"])
    return Turn(skill, lex.fill_words(rng, put(wording, values)), answer, check)


def make(rng, skill, held=False):
    """A Turn of the skill, from the trained or the held-out ("-", "=") wordings."""
    if skill.startswith("pick"):
        return pick_turn(rng, skill)
    if not PHRASINGS[skill][held or "+"]:
        held = "-"
    while True:
        wording, answer = rng.choice(PHRASINGS[skill][held or "+"])
        wording = dress(rng, expand(rng, wording), held)
        if held or norm(wording) not in HELD:
            break
    values = values_for(rng, skill, held)
    asked = dict(values, country=values["said"]) if "said" in values else values
    if skill in ("add", "sub") and rng.random() < 0.12 and not re.search(r"[+=-]", wording):
        asked = dict(values, a=NUMBERS[int(values["a"])], b=NUMBERS[int(values["b"])])
    user = lex.fill_words(rng, put(wording, asked), held)
    if skill == "unknown":
        answer = DONT_KNOW if ASKING.match(user) or rng.random() < 0.3 else CANNOT
    answer = put(answer, values)
    return Turn(skill, user, answer, check_for(skill, values, answer))
