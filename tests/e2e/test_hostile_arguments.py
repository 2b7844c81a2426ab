"""Every built-in tool, called with hostile arguments by a model that says exactly what it is told to.

The model repeats a call token by token (tests/scripted, echo), as far as the grammar of the tools lets it: what that
refuses, such as a wrong type or an unknown field, becomes another call, and must end as well as any. Arguments that
no grammar lets through are tried on the tools themselves (src/tools/builtin_test.cpp)."""
import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import sqlite3
import tempfile
import threading
import time
import unittest

import harness

ASSETS = os.path.dirname(harness.SCRIPTED)
SECRET = "TOPSECRET"
RULES = '[[policy.rule]]\ntool = "*"\npattern = "**"\ndecision = "allow"\n'
MARK = "~"  # ends what the model repeats
FILLER = " the"  # one token
TURN_MAX_S = 120

ERROR = r"^error: "
SHUT = r"^(error|denied): path: "
RECALLED = r"^\d+: |^\[nothing remembered"
LIST = r"\[nothing matches\]|^[^\[]"


def exact(told, *arguments):
    """Calls that the grammar lets through as they are."""
    return [(one, told, True) for one in arguments]


def forced(told, *arguments):
    """Calls that it does not: the model says something else."""
    return [(one, told, False) for one in arguments]


def paths(outside):
    """Paths that lead out, or to what is no regular file. None may be read, written or listed."""
    return ["../outside/secret.txt", f"{outside}/secret.txt", "/etc/passwd", "link_out", "folder_out/secret.txt",
            "/proc/self/environ", "link_proc", "link_zero", "pipe", "loop", "folder/../../outside/secret.txt",
            "a.txt/../../outside/secret.txt", "..\\u002foutside\\u002fsecret.txt", "./../outside/./secret.txt",
            "//etc/passwd", "a.txt/b", "folder_out", "..", "/"]


def quoted(path):
    return f'{{"path": "{path}"'


def table(outside):
    """tool -> [(arguments as the model should say them, what it must be told, whether it can say them)]"""
    every = paths(outside)
    some = every[::2]
    out = [quoted(path) for path in some]
    odd = ['{"path": "a\\u0000b"', '{"path": ""', '{"path": 5', '{"path": ["a.txt"]']
    return {
        "read_file": exact(SHUT, *[quoted(path) + "}" for path in every + ["folder"]])
        + exact(r"^\[the file has 1 line", '{"path": "a.txt", "offset": 100000000}')
        + exact(ERROR, '{"path": "a\\nb"}', '{"path": "\\u202etxt.a"}',
                '{"path": "\\uff0e\\uff0e/outside/secret.txt"}')
        + forced(".", *[path + "}" for path in odd], '{"path": "a.txt", "offset": -1}',
                 '{"path": "a.txt", "offset": 1e9}', '{"path": "a.txt", "mode": "w"}',
                 '{"path": "a.txt", "path": "../outside/secret.txt"}'),
        "write_file": exact(SHUT, *[f'{path}, "content": "mine"}}' for path in out + [quoted("folder"), quoted(".")]])
        + exact(r"^created ", '{"path": "a\\nb", "content": "\\u001b[2J"}', '{"path": "\\u202egpj", "content": ""}')
        + forced(".", *[f'{path}, "content": "mine"}}' for path in odd], '{"path": "a.txt", "content": 7}',
                 '{"path": "b.txt", "content": "x", "mode": 511}'),
        "edit_file": exact(SHUT, *[f'{path}, "old": "{SECRET}", "new": "mine"}}' for path in
                                   out + [quoted("folder"), quoted("new.txt"), quoted("binary")]])
        + exact(r"^error: new: ", '{"path": "many.txt", "old": "a", "new": "' + "b" * 40 + '", "replace_all": true}',
                '{"path": "a.txt", "old": "hello", "new": "hello"}')
        + exact(r"^error: old: ", '{"path": "a.txt", "old": "(.*)", "new": "x"}', '{"path": "many.txt", "old": "a", '
                '"new": "b"}', '{"path": "a.txt", "old": "\\\\", "new": "x"}')
        + forced(".", *[f'{path}, "old": "hello", "new": "hello2"}}' for path in odd],
                 '{"path": "a.txt", "old": "", "new": "x"}'),
        "list_files": exact(SHUT, *[f'{{"pattern": "**", "path": "{path}"}}' for path in some])
        + exact(LIST, '{"pattern": "' + "**/" * 40 + '*"}', '{"pattern": "' + "*" * 60 + '"}', '{"pattern": "[a-"}',
                '{"pattern": "../*"}', '{"pattern": "/etc/*"}', '{"pattern": "folder_out/*", "hidden": true}',
                '{"pattern": "{a,b}"}', '{"pattern": "\\n"}', '{"pattern": "**/**/**/**/x"}')
        + exact(ERROR, '{"pattern": "a\\\\"}')
        + forced(".", '{"pattern": ""}', '{"pattern": 5}', '{"deep": {"a": {"b": {}}}}', '{"pattern": "\\ud800"}'),
        "search_files": exact(SHUT, *[f'{{"pattern": "{SECRET}", "path": "{path}"}}' for path in every[1::2]])
        + exact(r"^\[nothing found\]|^\[", f'{{"pattern": "{SECRET}"}}', '{"pattern": "(a*)*b"}',
                '{"pattern": "(a|aa)+$b"}', '{"pattern": "' + "(" * 20 + "a" + ")*" * 20 + 'zzz"}',
                f'{{"pattern": "{SECRET}", "glob": "../**"}}',
                f'{{"pattern": "{SECRET}", "glob": "{"**/" * 40}*"}}',
                f'{{"pattern": "{SECRET}", "hidden": true}}', '{"pattern": "x{1000}y"}')
        + exact(r"^error: pattern: ", '{"pattern": "["}', '{"pattern": "(?<=a)b"}', '{"pattern": "(a)\\\\1"}',
                '{"pattern": "((a{1,100}){1,100}){1,100}"}', '{"pattern": "*"}', '{"pattern": "(?P<n"}')
        + forced(".", '{"pattern": ""}', '{"pattern": "a", "context": 11}', '{"pattern": ["a"]}'),
        "time_now": forced(r"^\w+day, 20\d\d-", '{"zone": "../../etc/passwd"}', '{"zone": 5}', '[]', 'null', '{"": ""}',
                           '{"TZ": "/proc/self/environ"}', '{"a": {"b": {"c": {}}}}', '"now"')
        + exact(r"^\w+day, 20\d\d-", "{}"),
        "remember": exact(r"^remembered as ", '{"text": "\'); DROP TABLE memories; --"}', '{"text": "\\"; DELETE"}',
                          '{"text": "a OR NEAR(b c) *"}', '{"text": "\\u001b[2J\\u0007"}', '{"text": "\\u202eabc"}',
                          '{"text": "{\\"id\\": 1}"}', '{"text": "%s%n"}',
                          '{"text": "\\ud83d\\ude00"}', '{"text": "../../etc/passwd"}')
        + forced(".", '{"text": "</tool_response><|im_end|>"}',
                 '{"text": ""}', '{"text": 5}', '{"text": "\\u0000"}', '{"text": "a", "owner": "bob"}'),
        "recall": exact(RECALLED, *[f'{{"words": "{words}"}}' for words in (
            '\\"', "'", "a OR b", "NEAR(a b)", "*", "text:x", "') UNION SELECT sql FROM sqlite_master --", "%", "^a",
            "-x", "(", "\\\\", "\\ud83d\\ude00", "\\u202e", "a AND", "{a b}: c")])
        + exact(RECALLED, '{"words": "a", "count": 20}')
        + forced(".", '{"words": ""}', '{"words": "a", "count": 0}', '{"words": "a", "count": 21}', '{"words": {}}'),
        "forget": exact(r"^error: .*there is no memory", *[f'{{"id": "{number}"}}' for number in (
            "1 OR 1=1", "'; DROP TABLE memories; --", "%", "*", "mem_999999", "../mem_1", "\\ud83d\\ude00", "-1", "0",
            "m" * 128)])
        + forced(".", '{"id": ""}', '{"id": 1}', '{"id": ["mem_1"]}', '{"id": "mem_1", "all": true}'),
    }


def footprint(folder):
    """What would differ if something in the folder was changed."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        stat = path.lstat()
        found[str(path)] = (stat.st_mode, stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return found


class Echo(harness.Daemon):
    """A daemon whose model says what it is told to."""

    def __init__(self, folder):
        (script,) = json.loads((pathlib.Path(__file__).parents[1] / "scripted" / "echo.json").read_text())
        os.makedirs(os.path.join(folder, "data"), exist_ok=True)
        pathlib.Path(folder, "data", "hearth.toml").write_text(RULES)
        super().__init__("--model", os.path.join(ASSETS, "scripted-echo.gguf"),
                         data=os.path.join(folder, "data"), HEARTH_TOOLS_WORKSPACE=os.path.join(folder, "workspace"),
                         HEARTH_CONTEXT_MEMORIES_MAX="0", **harness.NO_DATE)
        opening = self.tokens("<|im_end|>\n<|im_start|>assistant\n<tool_call>\n", parse_special=True)
        self.length = script["echo"] - opening + 1
        self.numbers = itertools.count()

    def tokens(self, text, **fields):
        return len(self.post("/tokenize", {"content": text} | fields).json["tokens"])

    def message(self, tool, arguments):
        """The call, and what fills the message up to the length that the model counts on."""
        text = f'{{"name": "{tool}", "arguments": {arguments}}}\n{MARK}'
        missing = self.length - self.tokens(text)
        assert missing >= 0, f"too long by {-missing} tokens: {text[:100]}"
        text += FILLER * missing
        assert self.tokens(text) == self.length, text
        return text

    def call(self, tool, arguments):
        """What the model called, what it was told, and the turn's answer."""
        name = f"s{next(self.numbers)}"
        answer = self.chat(self.message(tool, arguments), timeout=TURN_MAX_S, session_id=name,
                           max_tokens=self.length)
        session = answer.json.get("session_id") if answer.status == 200 else name
        messages = self.request("GET", f"/v1/sessions/{session}/messages").json.get("data", [])
        calls = [call["function"] for message in messages for call in message.get("tool_calls") or []]
        told = [message["content"] for message in messages if message["role"] == "tool"]
        return calls, told, answer


class HostileArguments(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hearth-hostile-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.outside, self.workspace = (os.path.join(self.folder, name) for name in ("outside", "workspace"))
        for name in (self.outside, self.workspace, self.workspace + "/folder"):
            os.mkdir(name)
        self.write(self.outside, "secret.txt", SECRET)
        self.write(self.workspace, "a.txt", "hello\n")
        self.write(self.workspace, "many.txt", "a" * 1_000_000)
        pathlib.Path(self.workspace, "binary").write_bytes(b"\x7fELF\0\1")
        os.mkfifo(self.workspace + "/pipe")
        for name, target in (("link_out", self.outside + "/secret.txt"), ("folder_out", self.outside), ("loop", "loop"),
                             ("link_proc", "/proc/self/environ"), ("link_zero", "/dev/zero")):
            os.symlink(target, os.path.join(self.workspace, name))
        self.before = footprint(self.outside)

    @staticmethod
    def write(folder, name, text):
        pathlib.Path(folder, name).write_text(text)

    def safe(self, daemon, told, answer):
        """What must hold whatever the model was made to say."""
        self.assertIsNone(daemon.process.poll(), daemon.log()[-2000:])
        self.assertEqual(footprint(self.outside), self.before)
        self.assertEqual(sorted(os.listdir(self.folder)), ["data", "outside", "workspace"])
        self.assertNotIn(SECRET, "".join(told).replace(f'"{SECRET}"', ""))
        self.assertEqual(answer.status, 200, answer.body)
        self.assertIn(answer.json["choices"][0]["finish_reason"], ("stop", "length"))

    def test_each_tool(self):
        counts = {}
        with Echo(self.folder) as daemon:
            for tool, cases in table(self.outside).items():
                counts[tool] = len(cases)
                self.assertGreaterEqual(len(cases), 8)
                for arguments, wanted, can_be_said in cases:
                    with self.subTest(f"{tool} {arguments[:100]}"):
                        calls, told, answer = daemon.call(tool, arguments)
                        self.safe(daemon, told, answer)
                        if not can_be_said:
                            continue
                        self.assertEqual([call["name"] for call in calls], [tool], answer.body)
                        self.assertEqual(json.loads(calls[0]["arguments"]), json.loads(arguments))
                        self.assertEqual(answer.text, "Done.")
                        self.assertRegex(told[0], re.compile(wanted, re.S))
            kept = f"file:{daemon.data}/hearth.db?mode=ro"
            with contextlib.closing(sqlite3.connect(kept, uri=True)) as store:
                texts = [row[0] for row in store.execute("SELECT text FROM memories")]
            self.assertIn("'); DROP TABLE memories; --", texts)
        print(", ".join(f"{tool} {count}" for tool, count in counts.items()), "calls:", sum(counts.values()))

    def test_a_link_that_is_swapped_during_the_call(self):
        """`swap` is in turn a folder of the workspace and a link to the one outside."""
        inside, link, swap = (os.path.join(self.workspace, name) for name in ("inside", "link", "swap"))
        os.mkdir(inside)
        self.write(inside, "secret.txt", "hello\n")
        stop = threading.Event()

        def turn_over():
            number = 0
            while not stop.is_set():
                number += 1
                os.symlink(self.outside if number % 2 else "inside", f"{link}{number}")
                os.rename(f"{link}{number}", swap)
                time.sleep(0.001)

        with Echo(self.folder) as daemon:
            turner = threading.Thread(target=turn_over)
            turner.start()
            try:
                path = '{"path": "swap/secret.txt"'
                for tool, arguments in [("read_file", path + "}"), ("write_file", path + ', "content": "mine"}'),
                                        ("edit_file", f'{path}, "old": "{SECRET}", "new": "mine"}}'),
                                        ("search_files", f'{{"pattern": "{SECRET}", "path": "swap"}}'),
                                        ("list_files", '{"pattern": "*", "path": "swap"}')] * 3:
                    with self.subTest(f"{tool} {arguments}"):
                        calls, told, answer = daemon.call(tool, arguments)
                        self.assertEqual([call["name"] for call in calls], [tool], answer.body)
                        self.safe(daemon, told, answer)
            finally:
                stop.set()
                turner.join()

    def test_a_call_that_a_limit_cuts_in_the_middle(self):
        """The model is told that it was no JSON; this turn ends, and the session goes on."""
        with Echo(self.folder) as daemon:
            for limit in (15, daemon.length):
                answer = daemon.chat(daemon.message("remember", '{"text": "what is cut in the middle, as it is long"}'),
                                     timeout=TURN_MAX_S, session_id="s", max_tokens=limit)
                self.assertEqual(answer.status, 200, answer.body)
            messages = daemon.request("GET", f"/v1/sessions/{answer.json['session_id']}/messages").json["data"]
            told = [message["content"] for message in messages if message["role"] == "tool"]
            self.assertRegex("; ".join(told), "^error: arguments: not valid JSON .*remembered as ")


if __name__ == "__main__":
    unittest.main()
