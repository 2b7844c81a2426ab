"""The files of the repository, read once, and C++ text without its comments and strings."""
import functools
import pathlib
import re
import subprocess

CPP_SUFFIXES = {".h", ".cpp"}

# One pass over what may hide code: comments, raw strings, strings, characters (but not the digit
# separators of 1'000).
_HIDDEN = re.compile(
    r"""//[^\n]*
      | /\*.*?\*/
      | \bR"(?P<fence>[^()\s\\]{0,16})\(.*?\)(?P=fence)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'
    """, re.S | re.X)


def strip_cpp(text, keep_strings=False):
    """`text` with comments (and the contents of strings) blanked, every line where it was."""
    def blank(match):
        piece = match.group(0)
        if piece.startswith("/"):
            return re.sub(r"[^\n]", " ", piece)
        if keep_strings:
            return piece
        return '"' + re.sub(r"[^\n]", " ", piece[1:-1]) + '"'
    return _HIDDEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Tree:
    """The tracked files below `root`, and new ones that git does not ignore."""

    def __init__(self, root):
        self.root = pathlib.Path(root)

    @functools.cached_property
    def files(self):
        """Paths relative to the root, sorted. Outside of git: every file."""
        git = subprocess.run(
            ["git", "-C", str(self.root), "ls-files", "--cached", "--others", "--exclude-standard"],
            capture_output=True, text=True, check=False)
        if git.returncode == 0 and (self.root / ".git").exists():
            names = git.stdout.splitlines()
        else:
            names = [str(p.relative_to(self.root)) for p in self.root.rglob("*")]
        return sorted(n for n in names if (self.root / n).is_file())

    @functools.lru_cache(maxsize=None)
    def text(self, name):
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    @functools.lru_cache(maxsize=None)
    def code(self, name):
        """A C++ file without comments and strings."""
        return strip_cpp(self.text(name))

    def cpp(self, *folders):
        """The C++ files below these folders."""
        heads = tuple(folder + "/" for folder in folders)
        return [n for n in self.files
                if n.startswith(heads) and pathlib.PurePath(n).suffix in CPP_SUFFIXES]

    @functools.cached_property
    def rooms(self):
        """What each room may include, from `hearth_room(<name> DEPENDS <room>...)`."""
        rooms = {}
        for name in self.files:
            if not re.fullmatch(r"src/\w+/CMakeLists\.txt", name):
                continue
            call = re.search(r"hearth_room\(\s*(\w+)(.*?)\)", self.text(name), re.S)
            if call:
                depends = re.search(r"DEPENDS((?:\s+(?!EXTERNAL\b)\w+)*)", call.group(2))
                rooms[call.group(1)] = set(depends.group(1).split()) if depends else set()
        return rooms


def is_test(name):
    return pathlib.PurePath(name).stem.endswith("_test") or name.startswith("tests/")
