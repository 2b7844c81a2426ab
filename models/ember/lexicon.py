"""Word material for the corpus: loads data/ and makes up names, file names and filler text.

Everything takes a random.Random and a `held` flag (false, or the sign of a held-out split). Names
and values are split by a hash: one in six is held out, never trained, and used only where `held`
is true (the evaluation).
"""
import re
import zlib
from pathlib import Path

DATA = Path(__file__).parent / "data"
ONSETS = "b c d f g h j k l m n p r s t v w z br ch cl dr fl gr kr pl sh st th tr vl zh sk qu x y".split()
VOWELS = "a e i o u a e i o ai ea ei ia io ou oo y ae".split()
CODAS = ["", "", "", "n", "r", "s", "l", "k", "m", "t", "x", "nd", "rt", "sh", "ck", "v", "b", "ng"]
ATTRIBUTES = ["favourite color", "favorite color", "favourite {noun}", "favorite {noun}", "{noun}",
              "city", "code word", "nickname", "password", "key",
              "color", "birthday", "phone number", "secret", "home town", "street", "project", "team", "company"]


def lines(name):
    """The lines of a data file, without comments and blank lines."""
    text = (DATA / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def load_words():
    """words.txt as a dict of lists; sentences stay whole lines."""
    words, section = {}, None
    for line in lines("words.txt"):
        if line.startswith("[") and line.endswith("]"):
            section = words.setdefault(line[1:-1], [])
        else:
            section.extend([line] if section is words.get("sentence") else line.split())
    return words


def load_countries():
    """(country, capital, other names) per country."""
    rows = [(line.split("\t") + [""])[:3] for line in lines("countries.tsv")]
    return [(row[0], row[1], [alias for alias in row[2].split("|") if alias]) for row in rows]


WORDS = load_words()
COUNTRIES = load_countries()
NAMES = " ".join(lines("names.txt")).split()


def is_held(value):
    """Whether a name or value belongs to the held-out sixth."""
    return zlib.crc32(value.lower().encode()) % 6 == 0


def pick(rng, make, held):
    """A value from `make` on the asked side of the split."""
    while True:
        value = make(rng)
        if is_held(value) == bool(held):
            return value


def fake(rng):
    """A made-up word of one to four syllables."""
    count = rng.choice((1, 2, 2, 2, 3, 3, 4))
    return "".join(rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(count))


def any_name(rng):
    """A first name, real or made up, at times with a family name."""
    roll = rng.random()
    first = rng.choice(NAMES) if roll < 0.55 else fake(rng).capitalize()
    if rng.random() < 0.15:
        first += " " + fake(rng).capitalize()
    if rng.random() < 0.05:
        first = first.lower()
    return first


def name(rng, held=False):
    return pick(rng, any_name, held)


def stem(rng):
    """A file name without its ending."""
    def part():
        return fake(rng) if rng.random() < 0.25 else rng.choice(WORDS["filepart"])
    parts = [part() for _ in range(rng.choice((1, 1, 2, 2, 2, 3)))]
    style = rng.random()
    if style < 0.08:
        return "".join(p.capitalize() for p in parts) + rng.choice(("", "", str(rng.randint(1, 99))))
    if style < 0.13:
        parts = [p.upper() for p in parts]
    if rng.random() < 0.35:
        parts.append(rng.choice((str(rng.randint(1, 9)), str(rng.randint(10, 99)), "v%d" % rng.randint(1, 9),
                                 str(rng.randint(1990, 2030)), "%02d" % rng.randint(0, 12),
                                 "%d-%02d-%02d" % (rng.randint(2000, 2030), rng.randint(1, 12), rng.randint(1, 28)))))
    text = parts[0]
    for p in parts[1:]:
        text += rng.choice("__--.") + p
    return text


def any_file(rng):
    text = stem(rng) + "." + rng.choice(WORDS["ext"])
    if rng.random() < 0.15:
        text = "/".join(rng.choice(WORDS["filepart"]) for _ in range(rng.choice((1, 1, 2)))) + "/" + text
        text = rng.choice(("", "", "/", "~/", "./")) + text
    return text


def file(rng, held=False):
    return pick(rng, any_file, held)


def folder(rng, held=False):
    return pick(rng, lambda r: r.choice(("", "/", "~/", "./")) + "/".join(
        r.choice(WORDS["filepart"]) for _ in range(r.choice((1, 2, 2, 3)))), held)


def any_phrase(rng):
    """One to five words of text: what echo and the tools copy."""
    roll = rng.random()
    if roll < 0.5:
        word = fake(rng) if rng.random() < 0.35 else rng.choice(WORDS[rng.choice(("noun", "adj", "verb", "topic"))])
        return rng.choice((word, word, word.capitalize(), word.upper()))
    words = [rng.choice(WORDS[rng.choice(("noun", "adj", "verb"))]) for _ in range(rng.randint(2, 5))]
    return " ".join(words)


def phrase(rng, held=False):
    return pick(rng, any_phrase, held)


def city(rng, held=False):
    return pick(rng, lambda r: r.choice(COUNTRIES)[1] if r.random() < 0.6 else fake(r).capitalize(), held)


def word(rng, kind, held=False):
    """A list word; for lists with a held-out twin ("holdtopic"), from the asked side."""
    twin = WORDS.get("hold" + kind)
    return rng.choice(twin if held and twin else WORDS[kind])


def place(rng, held=False):
    """A place without a capital in the table: made up, often close to a real country's name."""
    def made_up(r):
        if r.random() < 0.5:
            return fake(r).capitalize()
        real = r.choice(COUNTRIES)[0].replace("the ", "").split()[-1]
        cut = r.randint(2, max(2, len(real) - 2))
        return (real[:cut] + fake(r)) if r.random() < 0.6 else (fake(r) + real[cut:]).capitalize()
    roll = rng.random()
    if roll < 0.1:
        value = rng.choice(("the ", "the ", "a ", "")) + rng.choice(WORDS["noun"])
    else:
        value = pick(rng, made_up, held) if roll < 0.75 else word(rng, "place", held)
    known = [row[0] for row in COUNTRIES] + [alias for row in COUNTRIES for alias in row[2]]
    return place(rng, held) if value in known else value


def attribute(rng):
    return rng.choice(ATTRIBUTES).replace("{noun}", rng.choice(WORDS["noun"]))


def big(rng, held=False):
    """A number beyond what Ember adds."""
    del held
    return str(rng.choice((rng.randint(21, 99), rng.randint(21, 99), rng.randint(100, 999), rng.randint(1000, 99999))))


def title(rng):
    return "The " + rng.choice(WORDS["adj"]).capitalize() + " " + rng.choice(WORDS["noun"]).capitalize()


SLOT = re.compile(r"\{(\w+)\}")


def fill_words(rng, text, held=False):
    """Fills the slots that carry no answer: nouns, topics, years and the like."""
    def value(match):
        kind = match.group(1)
        if kind == "noun2":
            kind = "noun"
        if kind in WORDS:
            return word(rng, kind, held)
        if kind == "name":
            return name(rng, held)
        return {"fake": lambda: fake(rng), "title": lambda: title(rng),
                "year": lambda: str(rng.randint(1500, 2030)), "count": lambda: str(rng.randint(2, 60)),
                "big": lambda: big(rng), "a": lambda: str(rng.randint(0, 20)), "b": lambda: str(rng.randint(0, 20)),
                "country": lambda: rng.choice(COUNTRIES)[0]}[kind]()
    return SLOT.sub(value, text)


def filler(rng, chars):
    """About `chars` characters of sentences that mean nothing."""
    out, length = [], 0
    glue = rng.choice((" ", " ", "\n"))
    while length < chars:
        sentence = fill_words(rng, rng.choice(WORDS["sentence"]))
        out.append(sentence)
        length += len(sentence) + 1
    return glue.join(out)
