"""Temporaries are named before co_await.

GCC 12 destroys some temporaries of a co_await expression twice: aggregates `f(T{...})` and lambdas
that capture. Both compile without a word, so this check stands in for the compiler.
"""
import re

from .tree import line_of

_AGGREGATE_OR_LAMBDA = re.compile(
    r"[A-Za-z_>]\s*\{|[(,]\s*\{|\[[^\]\s][^\]]*\]\s*(\(|\{|mutable)")


def _expression(code, start):
    """The text from `start` to the end of its full expression."""
    depth = 0
    for i in range(start, len(code)):
        if code[i] == ";" and depth == 0:
            return code[start:i]
        depth += code[i] in "([{"
        depth -= code[i] in ")]}"
        if depth < 0:
            return code[start:i]
    return code[start:]


def check(tree):
    for name in tree.cpp("src"):
        code = tree.code(name)
        for match in re.finditer(r"\bco_(await|yield)\b", code):
            expression = _expression(code, match.end())
            arguments = "(" + expression.partition("(")[2]
            if _AGGREGATE_OR_LAMBDA.search(arguments) or re.search(r"^\s*\(?\{", expression):
                shown = " ".join(expression.split())[:60]
                yield (f"{name}:{line_of(code, match.start())}: "
                       f"name the temporary before co_await: {shown}")
