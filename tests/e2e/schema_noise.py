"""Random JSON Schemas and a check of values against them, for the property test of tool calls. The check is written
anew from the standard's text and shares nothing with Hearth's: it reads the keywords that the generator writes."""
import json
import random
import re

NAMES = ("path", "count", "größe", "a b", "q\"uote", "back\\slash", "日本", "x", "enable-all", "n_1", "👍")
TEXTS = ("a", "b c", "ü", "日本語", "👍🏽", "\"", "\\", "tab\t", "", "0", "null")
PATTERNS = ("^[a-z]+$", "^[^a]{1,4}$", "b", "^a|b$", "^\\d{3}-\\d{2}$", "^(?:ab|c){1,3}$", "^.{2,5}$", "[äöü]",
            "^\\w+@\\w+\\.(?:de|com)$", "^\\S+$", "x{2,}", "^[\"\\\\]{1,3}$", "^$", "^[\\x41-\\x5a]\\d*?$", "^日+$")
FORMATS = {"date": r"\d{4}-\d\d-\d\d", "time": r"\d\d:\d\d:\d\d(\.\d{3})?(Z|[+-]\d\d:\d\d)",
           "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?(Z|[+-]\d\d:\d\d)",
           "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"}


class Noise:
    """A seeded source of schemas. Strings and lists have bounds, so that a model that writes noise comes to an end."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def tool(self, number):
        return {"type": "function", "function": {"name": f"tool_{number}", "description": "Does something.",
                                                 "parameters": self.object(0)}}

    def schema(self, depth):
        kinds = [self.text, self.text, self.integer, self.number, self.choice, self.simple, self.types]
        if depth < 3:
            kinds += [self.object, self.array, self.forms]
        return self.random.choice(kinds)(depth)

    def object(self, depth):
        names = self.random.sample(NAMES, self.random.randint(0 if depth else 1, 4))
        schema = {"type": "object", "properties": {name: self.schema(depth + 1) for name in names},
                  "required": [name for name in names if self.random.random() < 0.6]}
        if self.random.random() < 0.2:
            few = {"type": "integer", "minimum": 0, "maximum": 9}
            schema["additionalProperties"] = self.random.choice([False, few])
        return schema

    def array(self, depth):
        least = self.random.randint(0, 2)
        return {"type": "array", "items": self.schema(depth + 1), "minItems": least,
                "maxItems": least + self.random.randint(0, 2)}

    def text(self, _):
        schema = {"type": "string"}
        kind = self.random.random()
        if kind < 0.4:
            schema["pattern"] = self.random.choice(PATTERNS)
        elif kind < 0.55:
            schema["format"] = self.random.choice(list(FORMATS))
            return schema
        if kind >= 0.4 or schema.get("pattern") in ("^[a-z]+$", "b", "^\\S+$", "^日+$", "[äöü]"):
            schema["minLength"] = self.random.randint(0, 3)
        schema["maxLength"] = schema.get("minLength", 0) + self.random.randint(3, 9)
        if schema.get("pattern") == "^\\d{3}-\\d{2}$":
            del schema["maxLength"]
        if schema.get("pattern", "").startswith("^\\w+@"):
            schema["maxLength"] = 20
        return schema

    def bound(self, whole):
        scale = self.random.choice([1, 10, 1000, 123456])
        value = self.random.uniform(-scale, scale)
        return round(value) if whole or self.random.random() < 0.4 else round(value, self.random.randint(1, 4))

    def bounds(self, kind, whole):
        schema = {"type": kind}
        low = self.bound(whole)
        high = low + self.random.choice([1, 2, 17, 400, 10 ** 6] if whole else [0.5, 1, 0.001, 37.25])
        if self.random.random() < 0.7:
            schema[self.random.choice(["minimum", "exclusiveMinimum"])] = low
        if self.random.random() < 0.7:
            schema[self.random.choice(["maximum", "exclusiveMaximum"])] = high
        if whole and "exclusiveMinimum" in schema and "exclusiveMaximum" in schema:
            schema["exclusiveMaximum"] += 1
        return schema

    def integer(self, _):
        return self.bounds("integer", True)

    def number(self, _):
        return self.bounds("number", False)

    def choice(self, _):
        values = self.random.sample([*TEXTS, 3, -1.5, True, None, [1], {"a": "b"}], self.random.randint(1, 4))
        return {"const": values[0]} if self.random.random() < 0.3 else {"enum": values}

    def simple(self, _):
        return {"type": self.random.choice(["boolean", "null"])}

    def types(self, _):
        return {"type": ["integer", "null", "string"], "maxLength": 5, "minimum": 0}

    def forms(self, depth):
        forms = [self.text(depth), self.integer(depth), {"type": "null"}, self.array(depth + 1)]
        picked = self.random.sample(forms, self.random.randint(2, 3))
        return {self.random.choice(["anyOf", "oneOf"]): picked}


def is_type(value, name):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {"object": isinstance(value, dict), "array": isinstance(value, list), "string": isinstance(value, str),
            "boolean": isinstance(value, bool), "null": value is None, "number": number,
            "integer": number and float(value).is_integer()}[name]


def same(a, b):
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def faults(value, schema, place="arguments"):
    """Yields what is wrong with `value`, one sentence each."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(value, name) for name in types):
        yield f"{place}: is no {types}"
    if "enum" in schema and not any(same(value, one) for one in schema["enum"]):
        yield f"{place}: not in enum"
    if "const" in schema and not same(value, schema["const"]):
        yield f"{place}: not the const"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            fitting = sum(not any(faults(value, form)) for form in schema[key])
            if fitting == 0 or (key == "oneOf" and fitting > 1):
                yield f"{place}: fits {fitting} of {key}"
    if isinstance(value, str):
        yield from text_faults(value, schema, place)
    elif is_type(value, "number"):
        yield from number_faults(value, schema, place)
    elif isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{place}: {len(value)} items"
        for i, item in enumerate(value):
            yield from faults(item, schema.get("items", {}), f"{place}[{i}]")
    elif isinstance(value, dict):
        yield from member_faults(value, schema, place)


def text_faults(value, schema, place):
    if any(0xD800 <= ord(c) <= 0xDFFF for c in value):
        yield f"{place}: half a character"
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"{place}: {len(value)} characters"
    if "pattern" in schema and not re.search(schema["pattern"], value, re.ASCII):
        yield f"{place}: not after {schema['pattern']}"
    if "format" in schema and not re.fullmatch(FORMATS[schema["format"]], value, re.ASCII):
        yield f"{place}: no {schema['format']}"


def number_faults(value, schema, place):
    if "minimum" in schema and value < schema["minimum"] or "maximum" in schema and value > schema["maximum"]:
        yield f"{place}: out of range"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield f"{place}: not above"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield f"{place}: not below"


def member_faults(value, schema, place):
    known = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{place}.{name}: missing"
    for name, member in value.items():
        if name in known:
            yield from faults(member, known[name], f"{place}.{name}")
        elif "properties" in schema or "additionalProperties" in schema:
            others = schema.get("additionalProperties", False)
            if not isinstance(others, dict):
                yield f"{place}.{name}: unknown"
            else:
                yield from faults(member, others, f"{place}.{name}")


def no_constant(text):
    raise ValueError(f"{text} is no JSON")


def call_faults(call, tools):
    """What is wrong with one tool call: (malformed, violations)."""
    schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in tools}
    name = call["function"]["name"]
    if name not in schemas:
        return [f"unknown tool {name!r}"], []
    try:
        arguments = json.loads(call["function"]["arguments"], parse_constant=no_constant)
    except ValueError as error:
        return [f"{error}: {call['function']['arguments']!r}"], []
    return [], list(faults(arguments, schemas[name]))
