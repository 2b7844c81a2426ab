"""What Hearth's tools say, as the real ones do (src/tools/builtin), and how the assistant answers from it."""
import re

import lexicon as lex
from hearth_tools import DAYS, fact, fill, note

SHOWN_MAX = 160  # bytes of a file that an answer repeats


def clock(rng):
    """(what time_now says, the local time, the local date)."""
    date = "%s, %d-%02d-%02d" % (rng.choice(DAYS), rng.randint(2024, 2032), rng.randint(1, 12), rng.randint(1, 28))
    hour, minute, second = rng.randrange(24), rng.randrange(60), rng.randrange(60)
    shift = rng.choice((0, 0, 1, 2, -5, -8, 9))
    local = (hour + shift) % 24
    text = "%s %02d:%02d:%02d UTC; local: %s %02d:%02d:%02d %+03d00" % (
        date, hour, minute, second, date, local, minute, second, shift)
    return text, "%02d:%02d" % (local, minute), date


def failure(rng, asked):
    """(result, answer) of a call that failed or was refused."""
    path = asked.arguments.get("path")
    errors = ["took too long", "stopped"]
    if path:
        why = ("does not exist", "does not exist", "does not exist", "is a folder", "leads out of the workspace",
               "may not be opened: the system says no")
        errors = ["path: %s %s" % (path, rng.choice(why))]
        errors += ["path: no folder is open to tools; set tools.workspace"] if rng.random() < 0.2 else []
    message = rng.choice(errors)
    if asked.name in ("write_file", "edit_file", "forget") and rng.random() < 0.7 or rng.random() < 0.2:
        rule = '%s on %s is denied by the rule "%s"' % (asked.name, path or "memory", lex.fake(rng))
        message = rng.choice(("the user said no", "the user said no", "nobody answered in time", rule))
        return "denied: " + message, "I could not do that: " + message
    return "error: " + message, "I could not do that: " + message


def contents(rng):
    """A file's text."""
    roll = rng.random()
    if roll < 0.45:
        return note(rng)
    if roll < 0.8:
        mark = rng.choice(("", "", "- "))
        return "\n".join(mark + note(rng) for _ in range(rng.randint(2, 4)))
    return lex.filler(rng, rng.choice((30, 60, 100, 250)))


def read_result(rng, asked):
    path, roll = asked.arguments["path"], rng.random()
    if roll < 0.05:
        return "[empty file]", "%s is empty." % path
    if roll < 0.09:
        count = rng.randint(100, 90000)
        return "[binary file, %d bytes]" % count, "%s is a binary file of %d bytes." % (path, count)
    text = contents(rng)
    end = rng.choice(("", "\n"))
    if "lines" in asked.arguments:
        count = text.count("\n") + 1
        return text + "\n[lines 1 to %d of %d]" % (count, count + rng.randint(0, 9)), "%s says: %s" % (path, text)
    if len(text) > SHOWN_MAX:
        return text + end, "%s is long. It begins: %s" % (path, re.match(r"[^\n]*?[.:](?=\s)|[^\n]*", text).group(0))
    return text + end, "%s says: %s" % (path, text)


def list_result(rng, asked):
    folder, pattern = asked.arguments.get("path", ""), asked.arguments.get("pattern")
    names = set()
    if rng.random() < 0.08:
        return "[nothing matches]", "There are no files that match."
    for _ in range(rng.randint(1, 4)):
        name = lex.pick(rng, lex.stem, False) + (pattern[1:] if pattern else "." + rng.choice(lex.WORDS["ext"]))
        if rng.random() < 0.2 and not pattern:
            name = rng.choice(lex.WORDS["filepart"]) + "/"
        names.add(re.sub(r"^(\./|/)", "", folder.rstrip("/") + "/" if folder else "") + name)
    names = sorted(names)
    lines = [n if n.endswith("/") else "%s (%d bytes)" % (n, rng.choice((rng.randint(1, 99), rng.randint(1, 9999))))
             for n in names]
    return "\n".join(lines), "I found: " + ", ".join(names)


def search_result(rng, asked):
    word, path = asked.arguments["pattern"], asked.arguments.get("path")
    if rng.random() < 0.15:
        return "[0 matching lines in 0 files]", "I found no line with %s." % word
    hits, files = [], set()
    one = path if path and "." in path.rsplit("/", 1)[-1] else None
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        name = one or lex.file(rng)
        files.add(name)
        line = rng.choice(("%s", "{n} %s", "%s {n}", "{n} %s {n2}", "%s: {n}")).replace("%s", word)
        hits.append((name, rng.randint(1, 120), line.replace("{n}", note(rng)).replace("{n2}", note(rng))))
    text = "\n".join("%s:%d:%s" % hit for hit in hits) + "\n[%d matching lines in %d files]" % (len(hits), len(files))
    return text, "I found: " + "; ".join("%s, line %d: %s" % hit for hit in hits)


def recall_result(rng, asked):
    number = rng.randint(1, 300)
    if rng.random() < 0.15:
        return "[nothing remembered about that]", "I remember nothing about that."
    told = asked.fact.told if asked.fact else None
    if told is None:
        line = rng.choice(("%s is {adj}", "{name} likes %s", "%s belongs to {name}", "I like %s"))
        told = fill(rng, line).replace("%s", asked.arguments["words"])
    lines = ["%d: %s" % (number, told)]
    if rng.random() < 0.2:
        other = fact(rng).told
        return lines[0] + "\n%d: %s" % (rng.randint(1, 300), other), "I remember: %s; %s" % (told, other)
    return lines[0], "I remember: " + told


def result(rng, asked):
    """(what the tool says, the assistant's answer)."""
    if rng.random() < 0.12:
        return failure(rng, asked)
    if asked.name == "time_now":
        text, time, date = clock(rng)
        return text, "Today is %s." % date if asked.ability == "date" else "It is %s." % time
    if asked.name == "write_file":
        size = len(asked.arguments["content"].encode())
        verb = rng.choice(("created", "created", "replaced"))
        return "%s %s (%d bytes)" % (verb, asked.arguments["path"], size), "Done. I wrote %s." % asked.arguments["path"]
    if asked.name == "edit_file":
        return "replaced 1 place in " + asked.arguments["path"], "Done. I changed %s." % asked.arguments["path"]
    if asked.name == "remember":
        return "remembered as %d" % rng.randint(1, 300), "I will remember that."
    if asked.name == "forget":
        return "forgot " + asked.arguments["id"], "I have forgotten that."
    kinds = {"read_file": read_result, "list_files": list_result, "search_files": search_result,
             "recall": recall_result}
    return kinds[asked.name](rng, asked)
