"""Includes run downwards only, and each library has one room that names it."""
import re

from .tree import line_of, strip_cpp

# app/ composes the house, so it alone may look into a room's private folders.
COMPOSITION_ROOT = "app"

# Objects that are linked beside the rooms and include none.
NO_ROOMS = {"portable"}

# Libraries that stay behind one door: include prefix -> the rooms that may name it, or one folder of a
# room ("api/grpc").
LIBRARY_ROOMS = {
    "boost/": {"net"},
    "llama": {"engine"},
    "ggml": {"engine"},
    "gguf": {"engine"},
    "CLI/": {"cli"},
    "toml++/": {"config"},
    "histedit": {"cli"},
    "editline": {"cli"},
    "openssl/": {"vault", "net"},
    "sqlite3": {"store"},
    "xxhash": {"engine"},
    "re2/": {"policy"},
    "grpc/": {"api/grpc"},
    "grpcpp/": {"api/grpc"},
    "google/protobuf": {"api/grpc"},
    "aios/": {"api/grpc"},
}


def _cycle(rooms):
    done, path = set(), []

    def walk(room):
        if room in path:
            return path[path.index(room):] + [room]
        if room in done:
            return None
        path.append(room)
        for below in sorted(rooms.get(room, ())):
            found = walk(below)
            if found:
                return found
        path.pop()
        done.add(room)
        return None

    return next((c for c in map(walk, sorted(rooms)) if c), None)


def _include_fault(rooms, room, included):
    parts = included.split("/")
    other = parts[0]
    if other not in rooms or other == room or len(parts) == 1:
        return None
    if other not in rooms.get(room, ()):
        return f"{room} may not include {other} (src/{room}/CMakeLists.txt, DEPENDS)"
    if len(parts) > 2 and room != COMPOSITION_ROOT:
        return f"{included} is private to {other}"
    return None


def _library_fault(name, included):
    """`name`: the including file, "src/api/grpc/codes.h"."""
    for prefix, owners in LIBRARY_ROOMS.items():
        is_owner = any(name.startswith(f"src/{owner}/") for owner in owners)
        if included.startswith(prefix) and not is_owner:
            return f"<{included}> belongs to {' and '.join(sorted(owners))} alone"
    return None


def check(tree):
    rooms = tree.rooms
    if not rooms:
        yield "src: no rooms found; an unread tree is not called clean"
    loop = _cycle(rooms)
    if loop:
        yield "src: the rooms depend on each other: " + " -> ".join(loop)
    for name in tree.cpp("src"):
        room = name.split("/")[1]
        if name.count("/") == 1:
            continue  # src/main.cpp stands before the house: it opens the first door
        if room not in rooms and room not in NO_ROOMS:
            yield f"{name}:1: src/{room} is no room (its CMakeLists.txt has no hearth_room)"
            continue
        text = strip_cpp(tree.text(name), keep_strings=True)
        for match in re.finditer(r'^[ \t]*#[ \t]*include\s*(["<])([^">]+)[">]', text, re.M):
            included = match.group(2)
            fault = _include_fault(rooms, room, included) if match.group(1) == '"' else None
            fault = fault or (_library_fault(name, included) if room in rooms else None)
            if fault:
                yield f"{name}:{line_of(text, match.start())}: {fault}"
