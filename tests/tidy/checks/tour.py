"""docs/life-of-a-request.md names only what exists.

Convention of that page: files as `src/room/file.cpp`, functions as `name()` or `Type::name()`, in
backticks. A function must occur in one of the files that its paragraph names; in a paragraph
without files, anywhere in src.
"""
import re

from .tree import line_of

PAGE = "docs/life-of-a-request.md"
_FILE = re.compile(r"`((?:src|tests|models|third_party|docs)/[\w./-]+)`")
_FUNCTION = re.compile(r"`((?:\w+::)*~?\w+)\(\)`")


def _has_function(tree, files, function):
    *scopes, name = function.split("::")
    called = re.compile(r"(?<!\w)" + re.escape(name) + r"\s*\(")
    texts = [tree.code(f) for f in files if f.endswith((".h", ".cpp"))]
    if not any(called.search(text) for text in texts):
        return False
    return all(any(re.search(rf"\b{scope}\b", text) for text in texts) for scope in scopes)


def check(tree):
    if PAGE not in tree.files:
        yield f"{PAGE}: missing"
        return
    text = tree.text(PAGE)
    everything = tree.cpp("src")
    folders = {name.rsplit("/", 1)[0] for name in tree.files}
    named = 0
    for paragraph in re.finditer(r"(?:[^\n]+\n?)+", text):
        files = []
        for match in _FILE.finditer(paragraph.group(0)):
            named += 1
            place = match.group(1).rstrip("/")
            if place in tree.files:
                files.append(place)
            elif place not in folders:
                line = line_of(text, paragraph.start() + match.start())
                yield f"{PAGE}:{line}: {place} does not exist"
        for match in _FUNCTION.finditer(paragraph.group(0)):
            named += 1
            if not _has_function(tree, files or everything, match.group(1)):
                line = line_of(text, paragraph.start() + match.start())
                where = "any file of its paragraph" if files else "src"
                yield f"{PAGE}:{line}: {match.group(1)}() is not in {where}"
    if named == 0:
        yield f"{PAGE}: names no file and no function; a tour points at things"
