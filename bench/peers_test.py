#!/usr/bin/env python3
"""The measuring is measured: the HTTP client against real sockets, ratios and targets, tables, the plot."""
import contextlib
import json
import pathlib
import socket
import statistics
import struct
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import dialogue  # noqa: E402
import peers  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
import served  # noqa: E402
import turns  # noqa: E402


def event(content=None, **fields):
    choices = [{"delta": {"content": content}}] if content else []
    return f"data: {json.dumps({'choices': choices} | fields)}\n\n".encode()


def chunked(*pieces):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))


STREAM = chunked(event("Guten"), event(" Tag")[:9], event(" Tag")[9:] + event("!"),
                 event(usage={"completion_tokens": 3}, timings={"prompt_ms": 1.5}) + b"data: [DONE]\n\n")


class Answers(peers.Server):
    """Sends the same bytes to everybody who connects, in pieces of `size`."""

    def __init__(self, answer, size=1 << 16):
        self.listener = socket.create_server((self.host, 0))
        self.port = self.listener.getsockname()[1]
        self.answer, self.size = answer, size
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                with peer:
                    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    while not peer.recv(1 << 16).endswith(b"}"):
                        pass
                    for begin in range(0, len(self.answer), self.size):
                        peer.sendall(self.answer[begin:begin + self.size])

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


def ask(answer, size):
    with Answers(answer, size) as server, peers.Loop() as loop:
        exchange = loop.send(server.chat("Hello", 3))
        assert loop.run(timeout_s=10)
        return exchange


class Http(unittest.TestCase):
    def test_reads_a_stream_however_it_is_cut(self):
        for size in (1, 2, 3, 7, 64, 1 << 16):
            got = ask(STREAM, size)
            self.assertEqual((got.status, got.error, got.text), (200, "", "Guten Tag!"), size)
            self.assertEqual(len(got.token_at), 3)
            self.assertEqual((got.usage, got.timings), ({"completion_tokens": 3}, {"prompt_ms": 1.5}))
            self.assertIs(peers.checked(got), got)

    def test_reads_a_refusal(self):
        body = b'{"error":{"message":"be back"}}'
        head = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        for size in (1, 1 << 16):
            got = ask(head % len(body) + body, size)
            self.assertEqual((got.status, got.error, got.token_at), (429, "be back", []))

    def test_names_a_stream_that_ends_early(self):
        for cut in (0, 10, len(STREAM) - 20):
            got = ask(STREAM[:cut], 1 << 16)
            self.assertEqual(got.error, "the connection ended early", cut)

    def test_an_error_within_a_stream_is_not_an_answer(self):
        got = ask(chunked(event("Gut"), event(error={"message": "engine ended"})), 1 << 16)
        self.assertEqual(got.error, "engine ended")
        with self.assertRaises(SystemExit):
            peers.checked(got)

    def test_measures_gaps_and_speed(self):
        one = peers.Exchange(peers.Server(), {})
        one.sent_at, one.token_at = 1.0, [2.0, 2.5, 4.0, 4.25]
        self.assertEqual((one.first_token_s, one.longest_gap_s(), one.longest_gap_s(since=4.0)), (1.0, 1.5, 0.25))
        self.assertEqual(one.tokens_per_s, 3 / 2.25)

    def test_nobody_listens(self):
        with Answers(b"") as server:
            gone = server.chat("Hello", 1)
        with peers.Loop() as loop:
            loop.send(gone)
            loop.run(timeout_s=10)
        self.assertTrue(gone.error)


class Tables(unittest.TestCase):
    def row(self, ours, theirs, **more):
        return peers.Row("what", "s", {peers.HEARTH: ours, peers.LLAMA: theirs}, **more)

    def test_a_ratio_above_one_is_always_better(self):
        self.assertEqual(self.row([3, 1, 2], [4]).ratio(), 0.5)
        self.assertEqual(self.row([3, 1, 2], [4], better="lower").ratio(), 2)
        self.assertIsNone(self.row([1], []).ratio())

    def test_targets(self):
        for target, met in (("", None), (">= 1.0 x", True), (">= 2.1 x", False), ("<= 2", True), ("< 2", False),
                            (">= 40,000", False), ("> 1", True)):
            self.assertIs(self.row([2], [1], target=target).met(), met, target)
        self.assertIsNone(self.row([2], [], target=">= 1.0 x").met())

    def test_cells_show_the_spread(self):
        self.assertEqual(self.row([1, 3, 2], [2], places=1, target=">= 1.0 x").cells(),
                         ["what", "s", "2.0 (1.0 to 3.0)", "2.0", "1.00", ">= 1.0 x", "yes"])

    def test_markdown_escapes_and_replaces(self):
        text = report.table({"columns": ["a", "b"], "rows": [{"cells": ["x|y", 1]}, ["z", 2]], "notes": ["n"]})
        self.assertEqual(text, "\n| a | b |\n| --- | --- |\n| x\\|y | 1 |\n| z | 2 |\n\n- n\n\n")
        page = "A\n<!-- table one -->\nold\n<!-- end -->\nB"
        self.assertEqual(report.TABLE.sub(lambda m: m[1] + m[2] + m[3], page),
                         "A\n<!-- table one -->\none<!-- end -->\nB")

    def test_the_summary_has_what_has_a_target(self):
        result = {"columns": ["what", "target"], "rows": [["a", "-"], ["b", "< 2"]],
                  "machine": {"cpu": "one", "cores": 2, "memory_gib": 24, "kernel": "6"}}
        made = report.overview({"x": result, "y": {"columns": ["c"], "rows": [["d"]]}})
        self.assertEqual(made["summary"], {"columns": ["program", "what", "target"], "rows": [["`x`", "b", "< 2"]]})
        self.assertEqual(made["machine"]["rows"], [["one, 2 cores, 24 GiB, Linux 6"]])

    def test_the_command_names_no_folder_of_this_machine(self):
        for given, shown in ((["--rounds", "3"], " --rounds 3"), (["--hearth", "/a/b", "--only", "x"], " --only x"),
                             (["--llama-server=/c", "--rounds", "1"], " --rounds 1")):
            self.assertEqual(peers.command(["/x/bench/quiet.py", *given]), "bench/quiet.py" + shown)

    def test_prompts_repeat_and_differ(self):
        self.assertEqual(peers.prompt(40, "a"), peers.prompt(40, "a"))
        self.assertNotEqual(peers.prompt(40, "a").split()[:3], peers.prompt(40, "b").split()[:3])
        self.assertEqual(len(peers.prompt(40, "a").split()), 40)


class Sessions(unittest.TestCase):
    TURNS = [{"user": "a", "reply": "1"},
             {"user": "b", "call": ["read_file", {"path": "x"}], "result": "r", "reply": "2"},
             {"user": "c", "call": ["read_file", {"path": "s"}], "result": "skill", "reads_skill": True, "reply": "3"}]

    def test_a_stretched_model_differs_in_its_context_alone(self):
        key = b"llama.context_length" + struct.pack("<I", served.GGUF_UINT32)
        with tempfile.TemporaryDirectory() as folder:
            results, peers.RESULTS = peers.RESULTS, pathlib.Path(folder, "results")
            try:
                model = pathlib.Path(folder, "m.gguf")
                model.write_bytes(b"GGUF" + key + struct.pack("<I", 2048) + b"rest")
                longer = served.stretched(model, 8192)
                self.assertEqual(longer.read_bytes(), b"GGUF" + key + struct.pack("<I", 8192) + b"rest")
                model.write_bytes(b"GGUF and no number")
                longer.unlink()
                with self.assertRaises(SystemExit):
                    served.stretched(model, 8192)
            finally:
                peers.RESULTS = results

    def test_the_prompts_of_a_transcript(self):
        said = [{"turn": 0, "role": "system", "content": "own"}, {"turn": 0, "role": "user", "content": "a"},
                {"turn": 0, "role": "assistant", "content": "1", "model": "m"},
                {"turn": 1, "role": "user", "content": "b"},
                {"turn": 1, "role": "assistant", "content": "", "tool_calls": [{"id": "c"}]},
                {"turn": 1, "role": "tool", "content": "r", "tool_call_id": "c"},
                {"turn": 1, "role": "assistant", "content": "2"}]
        calls = dialogue.prompts_of("first", said)
        self.assertEqual([(turn, len(messages)) for turn, messages in calls], [(0, 2), (1, 4), (1, 6)])
        self.assertEqual(calls[0][1], [{"role": "system", "content": "first"}, {"role": "user", "content": "a"}])
        self.assertEqual(calls[2][1][2], {"role": "assistant", "content": "1"})

    def test_the_date_stands_behind_the_last_question(self):
        messages = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"},
                    {"role": "tool", "content": "r"}]
        dated = dialogue.with_date(messages)
        self.assertEqual([one["content"] for one in dated], ["a", "b" + dialogue.DATE, "r"])
        self.assertEqual(messages[1]["content"], "b")

    def test_what_is_injected_needs_no_call_to_read_a_skill(self):
        calls = dialogue.injected(self.TURNS, "rules")
        self.assertEqual([turn for turn, _ in calls], [0, 1, 1, 2])
        for text in dialogue.skills().values():
            self.assertIn(text, calls[0][1][0]["content"])
        self.assertEqual([one["role"] for one in calls[-1][1]],
                         ["system", "user", "assistant", "user", "assistant", "tool", "assistant", "user"])

    def test_the_script_says_a_result_in_one_way(self):
        turns_ = [dict(turn) for turn in self.TURNS] + [dict(self.TURNS[1]) | {"reply": "4"}]
        cases = dialogue.cases_of(turns_)
        self.assertEqual(cases[-2:], [{"tool_response": "r", "reply": "2"}, {"tool_response": "skill", "reply": "3"}])
        self.assertEqual(turns_[-1]["reply"], "2")
        self.assertEqual((dialogue.fewer([1, 1], [4, 4]), dialogue.fewer([4], [4])), (75, 0))

    def test_what_a_turn_costs_more(self):
        found = turns.Turns()
        for number, times in ((0, (5, 3, 1)), (0, (7, 4, 2)), (1, (4, 6, 3))):
            found.add(turns.NEW, turns.HELLOS, number, times)
        def of(how):
            return found.of_rounds(turns.NEW, turns.HELLOS, statistics.median, how)
        self.assertEqual(of(turns.whole), [6, 4])
        self.assertEqual(of(turns.more), [2.5, -2])  # below nothing where the twin had more to do
        self.assertEqual(of(turns.besides), [1.5, 3])

    def test_a_turn_is_compared_only_with_the_same(self):
        def answer(prompt, cached, text="x", said=1):
            return {"choices": [{"message": {"content": text}}],
                    "usage": {"prompt_tokens": prompt, "completion_tokens": said,
                              "prompt_tokens_details": {"cached_tokens": cached}}}
        check = turns.Talk.check
        check(None, answer(30, 20, said=2), [answer(10, 5), answer(20, 15)])
        for other in (answer(21, 15), answer(20, 14), answer(20, 15, "y")):
            with self.assertRaises(SystemExit):
                check(None, answer(30, 20, said=2), [answer(10, 5), other])


class Picture(unittest.TestCase):
    def test_few_round_ticks(self):
        for span, ticks, step in ((24, 6, 5), (1.0, 6, 0.2), (60, 12, 5), (100, 10, 10)):
            self.assertAlmostEqual(plot.tick_step(span, ticks), step)

    def test_draws_both_lines_and_the_neighbour(self):
        text = plot.draw({"hearth": [[0, 20], [10, 21]], "llama-server": [[0, 20], [10, 5]], "neighbour": [2, 6]})
        self.assertEqual(text.count("<path d=\"M"), text.count("<path"))
        for wanted in ("Hearth", "llama-server", "a busy neighbour", "</svg>"):
            self.assertIn(wanted, text)


if __name__ == "__main__":
    outcome = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    failed = len(outcome.failures) + len(outcome.errors)
    print(f"{outcome.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
