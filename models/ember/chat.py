"""Ember's chat format in Python: the same text that template.jinja renders.

The corpus generator and the evaluation build prompts with it, so that neither needs a Jinja
engine. `python3 chat.py` compares both where the jinja2 package is present.
"""
import json
from pathlib import Path

TOOLS_HEAD = "# Tools\n\nYou may call one of these functions:\n<tools>"
TOOLS_TAIL = (
    "\n</tools>\n\nTo call one, answer with a json object inside <tool_call></tool_call>:\n"
    '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
)
PROMPT = "<|im_start|>assistant\n"


def call_text(name, arguments):
    """The assistant text of one tool call."""
    return '<tool_call>\n{"name": "%s", "arguments": %s}\n</tool_call>' % (
        name, json.dumps(arguments, ensure_ascii=False))


def render_system(content, tools):
    """The system turn, or nothing when there is neither a system prompt nor a tool."""
    if tools:
        lines = "".join("\n" + json.dumps(tool, ensure_ascii=False) for tool in tools)
        head = content + "\n\n" if content is not None else ""
        return "<|im_start|>system\n" + head + TOOLS_HEAD + lines + TOOLS_TAIL + "<|im_end|>\n"
    if content is not None:
        return "<|im_start|>system\n" + content + "<|im_end|>\n"
    return ""


def render(messages, tools=None, generate=False):
    """The whole conversation as text; with `generate`, ready for the assistant's answer.

    Messages are (role, text) pairs. The assistant's text may hold a tool call (see call_text),
    and role "tool" is one tool result, which the template shows inside a user turn.
    """
    system = messages[0][1] if messages and messages[0][0] == "system" else None
    parts = [render_system(system, tools)]
    for role, text in messages[1:] if system is not None else messages:
        if role == "tool":
            parts.append("<|im_start|>user\n<tool_response>\n%s\n</tool_response><|im_end|>\n" % text)
        else:
            parts.append("<|im_start|>%s\n%s<|im_end|>\n" % (role, text))
    if generate:
        parts.append(PROMPT)
    return "".join(parts)


def check():
    """Compares render() with the Jinja template on a conversation that uses every branch."""
    import jinja2
    env = jinja2.Environment()
    env.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
    env.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    template = env.from_string((Path(__file__).parent / "template.jinja").read_text())
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    call = [{"type": "function", "function": {"name": "f", "arguments": {"a": "b"}}}]
    for use_tools in (None, tools):
        for system in (None, "Be brief."):
            head = [] if system is None else [("system", system)]
            pairs = head + [("user", "Hi"), ("assistant", "Hello!"), ("user", "Call f."),
                            ("assistant", call_text("f", {"a": "b"})), ("tool", "done")]
            dicts = [{"role": r, "content": t} for r, t in pairs]
            dicts[-2] = {"role": "assistant", "content": "", "tool_calls": call}
            want = template.render(messages=dicts, tools=use_tools, add_generation_prompt=True)
            got = render(pairs, use_tools, generate=True)
            assert want == got, "\n--- jinja\n%s\n--- chat.py\n%s" % (want, got)
    print("chat.py and template.jinja agree")


if __name__ == "__main__":
    check()
