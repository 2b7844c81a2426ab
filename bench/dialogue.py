#!/usr/bin/env python3
"""How many tokens a dialogue of 20 turns sends to its model, beside a system that puts everything into each prompt.

There are eight skills (bench/dialogue/workspace/skills: texts as such systems have them, of 2.6 to 3 KB), nine tools
and a dialogue (bench/dialogue/script.json). Both sides say and do the same and use the same tools.

Hearth: a session of the real daemon, with the script as its model. Skills are a line each in the session's
instructions; the model reads the file with read_file in the turn that needs it, which is one more call of the model,
and the text stays in the history from then on. Tools are shown as outlines. The line with the date that each message
brings is counted, though the dialogue is held without it: the script looks at the last words. Nothing is summarised.

Everything injected: what is resent with each call is the instructions with all eight texts in full, all tools with
their full schemas (bench/dialogue/tools.json, described as such systems describe them), and the whole history. It
needs no call to read a skill.

Tokens are those of Qwen2.5's tokenizer and template: each prompt of either side is sent as it is to a model that
counts as Qwen2.5 does (bench/model.sh qwen2.5), in order, and its `usage` is read. "Sent" is prompt_tokens of all
calls. "Computed" is what of them was not in the KV cache, which both sides have: the same engine, one after the other,
each with nothing in its cache at the beginning. Of Hearth that holds what is computed in idle time too: since the date
stands behind the last question and is no part of the history, what followed it is computed once more without it.
That the prompts are those of the session is checked with the script's own model: its usage of each turn must be that
of the same prompts. A dialogue is held with three of the eight skills needed, and with all of them."""
import json
import pathlib
import shutil
import sys
import tempfile

import peers
import served

FOLDER = peers.ROOT / "bench" / "dialogue"
COUNTING = peers.RESULTS.parent / "counts-as-qwen2.5.gguf"
NEEDED = (3, 8)
CONTEXT = 32768
SESSION = "dialogue"
DATE = "\n\n[today: Saturday 2026-11-28]"
SKILL_RULE = "Skills, in skills/NAME.md: read the file before you do what it is for.\n"
SENT, COMPUTED = "sent", "computed"


# ---- the dialogue -------------------------------------------------------------------------------


def skills():
    """Text by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("workspace/skills/*.md"))}


def description(text):
    return next(line.removeprefix("description: ") for line in text.splitlines() if line.startswith("description: "))


def call_text(name, arguments):
    return "<tool_call>\n" + json.dumps({"name": name, "arguments": arguments}) + "\n</tool_call>"


def script_with(needed, turns_max):
    """The turns, of which only the first `needed` that a skill is for read it."""
    turns = json.loads((FOLDER / "script.json").read_text(encoding="utf-8"))[:turns_max]
    reading = [turn for turn in turns if "skill" in turn][:needed]
    for turn in reading:
        turn["call"] = ["read_file", {"path": f"skills/{turn['skill']}.md"}]
        turn["reads_skill"] = True
    for turn in turns:
        if "call" in turn and turn["call"][0] == "read_file":
            turn["result"] = (FOLDER / "workspace" / turn["call"][1]["path"]).read_text(encoding="utf-8")
    return turns


def cases_of(turns):
    """What the scripted model says to what. The same result has the reply of its first turn."""
    cases, replies = [], {}
    for turn in turns:
        if "call" not in turn:
            cases.append({"user": turn["user"], "reply": turn["reply"]})
            continue
        cases.append({"user": turn["user"], "reply": call_text(*turn["call"])})
        turn["reply"] = replies.setdefault(turn["result"], turn["reply"])
    return cases + [{"tool_response": result, "reply": reply} for result, reply in replies.items()]


def instructions():
    index = "\n".join(f"- {name}: {description(text)}" for name, text in skills().items())
    return ("You are a personal assistant that runs on the user's own machine. Be brief and answer in the user's "
            "language.\n\n" + SKILL_RULE + index)


# ---- both sides' prompts ------------------------------------------------------------------------


def held(chosen, turns, tools, needed):
    """Holds the dialogue in a session. Gives its first message and, by turn, the messages and what Hearth counted."""
    model = served.stretched(served.scripted_model(f"dialogue-{needed}", cases_of(turns)), CONTEXT)
    workspace = tempfile.mkdtemp(prefix="hearth-dialogue-")
    shutil.copytree(FOLDER / "workspace", workspace, dirs_exist_ok=True)
    settings = {"HEARTH_CONTEXT_SHOW_DATE": "false", "HEARTH_TOOLS_WORKSPACE": workspace,
                "HEARTH_CONTEXT_HISTORY_TOKENS_MAX": CONTEXT, "HEARTH_MODEL_CONTEXT_TOKENS": CONTEXT,
                "HEARTH_MODEL_SLOTS": 1}
    try:
        with served.Served(chosen.hearth, "--model", model, **settings) as daemon, served.Client(daemon) as client:
            daemon.wait()
            used, opening = [], [{"role": "system", "content": instructions()}]
            for turn in turns:
                answer = client.chat(opening + [{"role": "user", "content": turn["user"]}], session_id=SESSION)[1]
                opening = []
                said = answer["choices"][0]["message"]["content"]
                if said != turn["reply"]:
                    sys.exit(f"the script was not followed: {turn['user']!r} was answered by {said!r}")
                used.append(answer["usage"]["prompt_tokens"])
            first = client.get(f"/v1/sessions/{SESSION}/context")["static"]["text"]
            messages = client.get(f"/v1/sessions/{SESSION}/messages?limit=1000")["data"]
            calls = prompts_of(first, messages)
            check_same(client, calls, tools, used)
            return calls
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def shown(message):
    """A message of the transcript, as requests bring it."""
    return {name: message[name] for name in ("role", "content", "tool_calls", "tool_call_id") if message.get(name)}


def prompts_of(first, messages):
    """(turn, messages) of each call of the model."""
    calls, so_far = [], [{"role": "system", "content": first}]
    for message in messages:
        if message["role"] == "assistant":
            calls.append((message["turn"], list(so_far)))
        if message["role"] != "system":
            so_far.append(shown(message))
    return calls


def check_same(client, calls, tools, used):
    """That these are the prompts of the session: the same tokens in each turn."""
    found = [0] * len(used)
    for turn, messages in calls:
        found[turn] += client.chat(messages, tools=tools, max_tokens=1)[1]["usage"]["prompt_tokens"]
    if found != used:
        sys.exit(f"the prompts are not those of the session: {found} tokens, not {used}")


def with_date(messages):
    """Behind the last question, as the session shows it."""
    last = max(at for at, message in enumerate(messages) if message["role"] == "user")
    dated = messages[last] | {"content": messages[last]["content"] + DATE}
    return messages[:last] + [dated] + messages[last + 1:]


def injected(turns, rules):
    """(turn, messages) of each call when all skills are in the instructions."""
    texts = "\n\n".join(skills().values())
    identity = instructions().partition(SKILL_RULE)[0]
    history = [{"role": "system", "content": identity + rules + "\n\n# Skills\n\n" + texts}]
    calls = []
    for number, turn in enumerate(turns):
        history.append({"role": "user", "content": turn["user"]})
        calls.append((number, list(history)))
        if "call" in turn and not turn.get("reads_skill"):
            name, arguments = turn["call"]
            call = {"id": f"call_{number}", "type": "function",
                    "function": {"name": name, "arguments": json.dumps(arguments)}}
            history += [{"role": "assistant", "content": "", "tool_calls": [call]},
                        {"role": "tool", "tool_call_id": call["id"], "content": turn["result"]}]
            calls.append((number, list(history)))
        history.append({"role": "assistant", "content": turn["reply"]})
    return calls


# ---- counting -----------------------------------------------------------------------------------


def counted(chosen, calls, tools, turns):
    """By turn, tokens sent and computed, as the model's usage says."""
    out = {SENT: [0] * turns, COMPUTED: [0] * turns}
    settings = {"HEARTH_MODEL_CONTEXT_TOKENS": CONTEXT, "HEARTH_MODEL_SLOTS": 1, "HEARTH_CACHE_DISK_BYTES_MAX": 0}
    with served.Served(chosen.hearth, "--model", chosen.model, **settings) as daemon, served.Client(daemon) as client:
        daemon.wait()
        for turn, messages in calls:
            usage = client.chat(messages, tools=tools, max_tokens=1)[1]["usage"]
            out[SENT][turn] += usage["prompt_tokens"]
            out[COMPUTED][turn] += usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"]
    return out


def fewer(ours, theirs):
    return 100 * (1 - sum(ours) / sum(theirs))


def add(report, needed, ours, theirs, calls):
    name = f"{needed} of {len(skills())} skills needed"
    for what, target in ((SENT, ">= 75"), (COMPUTED, "")):
        report.add(f"{name}: tokens {what}", "tokens", {peers.HEARTH: [sum(ours[what])]}, better="lower", places=0)
        report.add(f"{name}: tokens {what}, everything injected", "tokens", {peers.HEARTH: [sum(theirs[what])]},
                   better="lower", places=0)
        report.add(f"{name}: {what}, fewer by", "%", {peers.HEARTH: [fewer(ours[what], theirs[what])]}, places=1,
                   target=target)
    report.add(f"{name}: computed, of all that everything injected sends, fewer by", "%",
               {peers.HEARTH: [fewer(ours[COMPUTED], theirs[SENT])]}, places=1, target=">= 75")
    report.note(f"{name}: {calls[0]} calls of the model, {calls[1]} with everything injected; the first prompt has "
                f"{ours[SENT][0]:,} tokens, {theirs[SENT][0]:,} with everything injected")
    report.more.setdefault("by_turn", {})[str(needed)] = {"hearth": ours, "everything injected": theirs}


def main():
    def more(parser):
        parser.add_argument("--quick", action="store_true", help="the first turns only, to see that it works")
    chosen = peers.options(__doc__, rounds=1, model=COUNTING, sides=(peers.HEARTH,), more=more)
    report = peers.Report("dialogue", "Tokens of a dialogue of 20 turns with 8 skills", chosen)
    outlines, full = served.shown_tools(), json.loads((FOLDER / "tools.json").read_text(encoding="utf-8"))
    for needed in NEEDED:
        turns = script_with(needed, 6 if chosen.quick else None)
        calls = held(chosen, turns, outlines, needed)
        rules = calls[0][1][0]["content"].partition(instructions())[2]
        ours = counted(chosen, [(turn, with_date(messages)) for turn, messages in calls], outlines, len(turns))
        all_calls = injected(turns, rules)
        theirs = counted(chosen, all_calls, full, len(turns))
        add(report, needed, ours, theirs, (len(calls), len(all_calls)))
    lengths = sorted(len(text) for text in skills().values())
    report.note(f"skills of {lengths[0]:,} to {lengths[-1]:,} bytes; tools are {len(json.dumps(outlines)):,} bytes as "
                f"Hearth shows them, {len(json.dumps(full)):,} in full; counted by {pathlib.Path(chosen.model).name}")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
