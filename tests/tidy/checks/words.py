"""Words that may not stand in the tree, each with its reason."""
import pathlib
import re

from .tree import is_test, line_of

# In C++, outside comments and strings.
_BANNED = [
    (r"\bthrow\b", "no exceptions of our own; return a Result"),
    (r"\bstd::thread\b(?!::)", "std::jthread joins; std::thread does not"),
    (r"\.detach\(\)", "nothing is detached; every thread has an owner"),
    (r"\bcatch\s*\([^)]*\)\s*\{\s*\}", "an empty catch hides a fault"),
    (r"\b(atoi|atol|atoll|atof|strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(",
     "no check of range or length; use from_chars or std::string"),
    (r"\busing namespace std\s*;", "names come from where they are written"),
]
_BANNED_IN_TESTS = [
    (r"\bsleep_(for|until)\b|\bu?sleep\s*\(", "a test waits for a condition, not for a while"),
]
_TODO = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")
_TEXT_SUFFIXES = {".h", ".cpp", ".py", ".sh", ".cmake", ".txt", ".mjs", ".js", ".md", ".json", ""}

# Written in two parts, so that this file passes its own check.
_REGISTRIES = re.compile("|".join(re.escape(a + b) for a, b in [
    ("registry.", "npmjs"), ("registry.", "yarnpkg"), ("pypi", ".org"), ("pythonhosted", ".org"),
    ("crates", ".io"), ("rubygems", ".org"), ("proxy.", "golang"), ("ghcr", ".io"),
    ("docker", ".io/"), ("deb.", "debian"), ("security.", "debian"), ("repo1.", "maven"),
]))


def check(tree):
    for name in tree.cpp("src", "tests", "fuzz", "bench"):
        banned = _BANNED + (_BANNED_IN_TESTS if is_test(name) else [])
        for pattern, reason in banned:
            for match in re.finditer(pattern, tree.code(name)):
                yield f"{name}:{line_of(tree.code(name), match.start())}: " \
                      f"{' '.join(match.group(0).split())}: {reason}"


def check_texts(tree):
    for name in tree.files:
        if pathlib.PurePath(name).suffix not in _TEXT_SUFFIXES or name.startswith("tests/tidy/"):
            continue
        text = tree.text(name)
        for match in _TODO.finditer(text):
            line = line_of(text, match.start())
            yield f"{name}:{line}: {match.group(1)} without an issue, as in TODO" + "(#12)"
        for match in _REGISTRIES.finditer(text):
            yield f"{name}:{line_of(text, match.start())}: names a package registry's host"
