#!/usr/bin/env python3
"""JSON after a schema: an object of 20 fixed keys, on Hearth and on llama-server, greedily.

The model is the same file and its weights are random, so both write noise that the grammar makes JSON. What an
answer costs is the time to the end of a valid object: whoever writes white space that nobody needs pays for it. Each
value has a bound, so that it ends. A first request brings every mask into the caches; the others are measured.
llama-server refuses every schema with this model's own template (the words that begin an answer are not special tokens
in TinyLlama's vocabulary, and it loses the first of them), so it gets one that begins answers with nothing."""
import json
import pathlib
import sys

import peers

KEYS = ("identifier", "first name", "last name", "street", "house number", "postal code", "city", "country",
        "is active", "has newsletter", "created at", "updated at", "total orders", "open orders", "credit limit",
        "currency", "preferred language", "contact method", "notes", "status")
TOKENS_MAX = 1500
PLAIN_TEMPLATE = "{% for message in messages %}{{ message['content'] + '\\n' }}{% endfor %}"


def value_schema(number):
    kinds = ({"type": "integer", "minimum": 0, "maximum": 9999}, {"type": "boolean"},
             {"enum": ["open", "closed", "waiting"]}, {"type": "string", "maxLength": 12})
    return kinds[number % len(kinds)]


SCHEMA = {"type": "object", "properties": {key: value_schema(i) for i, key in enumerate(KEYS)}, "required": list(KEYS),
          "additionalProperties": False}


def check(text):
    record = json.loads(text)
    assert list(record) == list(KEYS), text
    for number, value in enumerate(record.values()):
        schema = value_schema(number)
        kinds = {"integer": int, "boolean": bool, "string": str}
        assert value in schema["enum"] if "enum" in schema else type(value) is kinds[schema["type"]], value


def ask(server):
    """(exchange, whether the object is whole)"""
    done = peers.answer(server.chat(
        "Write a customer record.", TOKENS_MAX, ignore_eos=False,
        response_format={"type": "json_schema", "json_schema": {"name": "customer", "schema": SCHEMA, "strict": True}}))
    try:
        check(done.text)
        return done, True
    except ValueError:
        return done, False


def main():
    chosen = peers.options(__doc__, rounds=3)
    template = pathlib.Path(chosen.hearth).parent / "plain-template.jinja"
    template.write_text(PLAIN_TEMPLATE)
    setup = peers.Setup(slots=1, llama=("--chat-template-file", str(template)))
    samples = peers.Samples()
    report = peers.Report("json_schema", "JSON with 20 fixed keys", chosen, setup)
    whole = {side: 0 for side in peers.SIDES}
    with peers.started(chosen, setup) as servers:
        for server in servers.values():
            ask(server)
        for _, side in peers.rounds(chosen):
            done, valid = ask(servers[side])
            whole[side] += valid
            seconds = done.ended_at - done.sent_at
            samples.add("whole answer", side, seconds)
            samples.add("tokens in it", side, done.usage["completion_tokens"])
            samples.add("tokens for each second", side, done.usage["completion_tokens"] / seconds)
            samples.add("characters for each second", side, len(done.text) / seconds)
            if side == peers.HEARTH:
                samples.add("of them forced", side, done.timings["forced_n"])
    report.add("whole answer", "s", samples["whole answer"], better="lower", target=">= 1.5 x")
    report.add("tokens in it", "tokens", samples["tokens in it"], better="lower", places=0)
    if "of them forced" in samples:
        report.add("of them forced", "tokens", samples["of them forced"], places=0)
    report.add("tokens for each second", "1/s", samples["tokens for each second"], places=1)
    report.add("characters for each second", "1/s", samples["characters for each second"], places=1)
    for side in servers:
        report.note(f"{side}: {whole[side]} of {chosen.rounds} answers were whole and valid within {TOKENS_MAX} tokens")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
