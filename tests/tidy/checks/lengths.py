"""Files and functions that fit one sitting."""
import pathlib
import re

from .tree import is_test, line_of

LINES_MAX = {".h": 300, ".cpp": 600}
TEST_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
TEST_FUNCTION_LINES_MAX = 150  # a test over a table is as long as its table
README_LINES_MAX = 30
COLUMNS_MAX = {".h": 100, ".cpp": 100, ".sh": 100, ".cmake": 100, ".mjs": 100, ".js": 100,
               ".py": 120}  # Python has no formatter here that would fold its lines

# What opens a brace that is no function body.
_SCOPE = re.compile(r"^(template\s*<.*>\s*)?(inline\s+|typedef\s+|static\s+|constexpr\s+)*"
                    r"(namespace|class|struct|union|enum|extern)\b", re.S)
# The end of a function's or lambda's head.
_HEAD = re.compile(
    r"(\)|\])\s*(mutable|const|noexcept|override|final|constexpr|try|requires\b.*|&&?|"
    r"[A-Z_]+\([^()]*\)|->\s*[\w:<>,\s*&]+|\s)*$", re.S)
_INITIALISERS = re.compile(r"\)\s*(noexcept\s*)?:[^:].*[)}]\s*$", re.S)


def functions(code):
    """(first line, lines) of each function body and lambda in stripped C++ `code`."""
    # A preprocessor line is no part of a function's head.
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  code, flags=re.M)
    found, open_braces = [], []
    head_start = parens = 0
    for i, c in enumerate(code):
        if c == "(":
            parens += 1
        elif c == ")":
            parens -= 1
        elif c == ";" and parens == 0:
            head_start = i + 1
        elif c == "{":
            head = re.sub(r"^(\s*(public|private|protected|case [^:]*|default)\s*:(?!:))+", "",
                          code[head_start:i]).strip()
            is_body = not _SCOPE.match(head) and bool(
                _HEAD.search(head) or _INITIALISERS.search(head))
            open_braces.append((i, is_body, head_start, parens))
            head_start, parens = i + 1, 0
        elif c == "}" and open_braces:
            start, is_body, outer_head, parens = open_braces.pop()
            # After `name_{1}` the head of a constructor goes on; after a body a new one begins.
            goes_on = not is_body and (parens > 0 or code[start - 1] not in " \n")
            head_start = outer_head if goes_on else i + 1
            if is_body:
                lines = code.count("\n", start, i) + 1
                found.append((line_of(code, start), lines))
    return found


def _file_fault(tree, name):
    lines = tree.text(name).count("\n")
    limit = TEST_LINES_MAX if is_test(name) else LINES_MAX[pathlib.PurePath(name).suffix]
    return f"{name}:1: {lines} lines, at most {limit} are allowed" if lines > limit else None


def check(tree):
    for name in tree.cpp("src", "tests", "fuzz", "bench"):
        fault = _file_fault(tree, name)
        if fault:
            yield fault
        limit = TEST_FUNCTION_LINES_MAX if is_test(name) else FUNCTION_LINES_MAX
        for line, lines in functions(tree.code(name)):
            if lines > limit:
                yield f"{name}:{line}: a function of {lines} lines, at most {limit} are allowed"
    for name in tree.files:
        columns = COLUMNS_MAX.get(pathlib.PurePath(name).suffix)
        if columns:
            for number, line in enumerate(tree.text(name).splitlines(), 1):
                # A hash or an address is one word and cannot be broken.
                if len(line) > columns and len(line.split()) > 1:
                    yield f"{name}:{number}: {len(line)} columns, at most {columns}"


def check_readmes(tree):
    """Each room introduces itself on one screen."""
    for room in sorted(tree.rooms):
        readme = f"src/{room}/README.md"
        if readme not in tree.files:
            yield f"{readme}: missing; a room says in at most {README_LINES_MAX} lines what it is"
        elif tree.text(readme).count("\n") > README_LINES_MAX:
            yield f"{readme}:1: more than {README_LINES_MAX} lines"
