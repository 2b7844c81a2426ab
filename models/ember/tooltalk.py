"""Conversations with tools: definitions in the system prompt, calls, and answers from results.

Half the tools are those of data/tools.txt, half are made up on the spot, so that names and
parameters must be read from the definitions rather than remembered.
"""
import collections
import json
import re

import chat
import lexicon as lex
from skills import ASKING, CANNOT, DONT_KNOW, PREFIXES, Turn, disturb, expand, lower_first

Tool = collections.namedtuple("Tool", "name description params requests")
VALUE = re.compile(r"\{(\w+):(\w+)\}")
COMMANDS = ["ls -la", "git status", "make test", "df -h", "uname -a", "cat {file}", "wc -l {file}", "rm {file}",
            "python3 {file}", "grep {noun} {file}", "echo {noun}", "date", "ps aux", "mkdir {noun}", "touch {file}"]


def load_tools():
    """The tools of tools.txt, and the requests for tools made up on the spot."""
    tools = []
    for line in lex.lines("tools.txt"):
        if line.startswith("@"):
            name, description, params = line[1:].split(" =>")
            pairs = [tuple(pair.strip().split(":")) for pair in params.split(";")]
            tools.append(Tool(name, description.strip(), pairs, {"+": [], "-": [], "=": []}))
        else:
            tools[-1].requests[line[0]].append(line[2:])
    return tools[:-1], tools[-1].requests


TOOLS, MADE_UP = load_tools()


def made_up_tool(rng):
    """A tool of one parameter with a name that no list holds."""
    verb, noun = rng.choice(lex.WORDS["verb"]), rng.choice(lex.WORDS["noun"])
    if rng.random() < 0.2:
        noun = lex.fake(rng)
    param = rng.choice(("path", "name", "query", "text", "id", "value", "location", "url", "input",
                        rng.choice(lex.WORDS["noun"])))
    glue = rng.choice(("_", "_", "_", "-", "."))
    description = "%s %s %s" % (verb.capitalize(), rng.choice(("a", "the", "one")), noun)
    return Tool(verb + glue + noun, description, [(param, "The " + param)], MADE_UP)


def definition(rng, tool):
    """The OpenAI-style definition, as a client would send it; the detail varies."""
    detail = rng.random()
    properties = {}
    for name, text in tool.params:
        properties[name] = {"type": "string"}
        if detail < 0.7:
            properties[name]["description"] = text
    parameters = {"type": "object", "properties": properties}
    if detail < 0.85:
        parameters["required"] = [name for name, _ in tool.params]
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    if rng.random() < 0.15:
        function = dict(sorted(function.items()))
    if rng.random() < 0.05:
        del function["description"]
    return {"type": "function", "function": function}


def value(rng, kind, held):
    """A value of a request's slot."""
    if kind == "city":
        return lex.city(rng, held)
    if kind == "file":
        return lex.file(rng, held)
    if kind == "dir":
        return lex.folder(rng, held)
    if kind == "name":
        return lex.name(rng, held)
    if kind == "lang":
        return rng.choice(lex.WORDS["language"])
    if kind == "cmd":
        text = rng.choice(COMMANDS).replace("{file}", lex.file(rng, held))
        return text.replace("{noun}", rng.choice(lex.WORDS["noun"]))
    if kind == "num":
        return str(rng.randint(1, 90))
    if kind == "expr":
        return "%s %s %s" % (rng.randint(2, 999), rng.choice("+-*/"), rng.randint(2, 999))
    if kind == "url":
        return "https://%s.%s%s" % (lex.fake(rng), rng.choice(("com", "org", "net", "io")),
                                    rng.choice(("", "/", "/" + lex.fake(rng), "/" + lex.any_file(rng))))
    return lex.phrase(rng, held)


def request_made_up(rng, tool, held):
    """(user text, arguments) for a made-up tool of one parameter."""
    said = value(rng, rng.choice(("text", "text", "file", "name", "city")), held)
    words = re.sub(r"[._-]", rng.choice((" the ", " ", " a ")), tool.name, count=1)
    text = expand(rng, rng.choice(MADE_UP[held or "+"]))
    quoted = '"%s"' % said if rng.random() < 0.2 and '"' not in text else said
    text = text.replace("{tool}", tool.name).replace("{p}", tool.params[0][0]).replace("{words}", words)
    return text[:1].upper() + text[1:] if text.startswith(words) else text, quoted, said


def request(rng, tool, held):
    """(user text, arguments) for a call of the tool."""
    arguments = {}
    if tool.requests is MADE_UP:
        text, quoted, said = request_made_up(rng, tool, held)
        arguments[tool.params[0][0]] = said
    else:
        text, quoted = expand(rng, rng.choice(tool.requests[held or "+"])), None
    text = re.sub(" +", " ", text).strip()
    asking = bool(ASKING.match(text))
    if not held:
        if rng.random() < 0.15 and (tool.requests is not MADE_UP or "{v}" in text):
            text = disturb(rng, text)
        if rng.random() < 0.12:
            text = rng.choice(PREFIXES) + lower_first(text)
        if rng.random() < 0.1 and tool.requests is not MADE_UP:
            text = text.lower()
    if not tool.name == "shell" and rng.random() < 0.7:
        text += "?" if asking else "."

    def fill(match):
        arguments[match.group(2)] = value(rng, match.group(1), held)
        return arguments[match.group(2)]
    text = VALUE.sub(fill, text).replace("{v}", quoted or "")
    return text, {name: arguments[name] for name, _ in tool.params}


def result(rng, tool, arguments):
    """(tool result, the assistant's answer to it)."""
    if rng.random() < 0.12:
        text = "Error: " + rng.choice(("not found", "no such file", "permission denied", "timed out", "not allowed",
                                       lex.fill_words(rng, "the {noun} is {adj}")))
        return text, "The tool failed. " + text
    if tool.name == "get_weather" and rng.random() < 0.8:
        degrees, sky = rng.randint(-20, 45), rng.choice(lex.WORDS["condition"])
        key = rng.choice(("temperature", "temp", "degrees"))
        sky_key = rng.choice(("condition", "sky", "weather"))
        data = {key: degrees, sky_key: sky}
        if rng.random() < 0.5:
            data = {sky_key: sky, key: degrees}
        return json.dumps(data), "It is %d degrees and %s in %s." % (degrees, sky, arguments["location"])
    roll = rng.random()
    if roll < 0.2:
        text = "\n".join(lex.any_file(rng) for _ in range(rng.randint(2, 5)))
    elif roll < 0.4:
        text = json.dumps({rng.choice(lex.WORDS["noun"]): rng.choice((rng.randint(0, 999), lex.any_phrase(rng)))
                           for _ in range(rng.randint(1, 3))})
    elif roll < 0.5:
        text = str(rng.randint(-50, 100000))
    elif roll < 0.6:
        text = lex.any_phrase(rng)
    else:
        text = lex.filler(rng, rng.choice((10, 20, 60, 120)))
    return text, "The tool answered: " + text


def tool_set(rng, chosen, most=5):
    """Definitions of some tools, the chosen one (if any) at a random place."""
    others = [made_up_tool(rng) if rng.random() < 0.5 else rng.choice(TOOLS) for _ in range(rng.randint(0, most - 1))]
    names = {chosen.name} if chosen else set()
    kept = []
    for tool in others:
        if tool.name not in names:
            names.add(tool.name)
            kept.append(tool)
    if chosen:
        kept.insert(rng.randint(0, len(kept)), chosen)
    return kept, [definition(rng, tool) for tool in kept]


def call_turns(rng, tool, held=False):
    """The turns of one request: the call and, mostly, its result. Messages and their check."""
    text, arguments = request(rng, tool, held)
    call = chat.call_text(tool.name, arguments)
    messages = [("user", text), ("assistant", call)]
    if rng.random() < 0.6:
        content, answer = result(rng, tool, arguments)
        messages += [("tool", content), ("assistant", answer)]
    return messages


def missing_tool(rng, present):
    """A tool request whose tool is not there: the honest answer."""
    tool = rng.choice([t for t in TOOLS if t.name not in present])
    text, _ = request(rng, tool, False)
    return Turn("unknown", text, DONT_KNOW if ASKING.match(text) else CANNOT, ("has", "don't know"))
