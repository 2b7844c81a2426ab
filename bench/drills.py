#!/usr/bin/env python3
"""drills.py [--hearth BINARY] [--write]: what must not go wrong, made to go wrong, with times.

First two local models under a budget that holds one: a level for each request, an idle unload, a crash. Then a
provider that fails, is left alone and comes back; a budget that ends in the middle of a tool loop; the kill switch
while 20 answers run. The provider is a server on this machine that behaves like Anthropic's. --write puts what was
seen into docs/drills.md. Exit status 1 if anything was not as it must be."""
import argparse
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import harness  # noqa: E402
from provider_double import Double, Reply  # noqa: E402

EMBER = ROOT / "models" / "ember" / "ember.gguf"
PRICES = 'date = "2026-01-01"\nsource = "a drill"\n[[price]]\nmodel = "anthropic/*"\ninput = "1"\noutput = "10"\n'
PAUSE_S = 60  # for which a provider is left alone
EASY = "What is the capital of Italy?"
HARD = "Design and compare two architectures, step by step. Then tell me which is better. Why? And what does it cost?"


class Paper:
    """What was seen, with the seconds since the drill began."""

    def __init__(self):
        self.lines, self.failed, self.began = [], 0, time.monotonic()

    def title(self, text):
        self.began = time.monotonic()
        self.put("", f"## {text}", "", "```")

    def end(self):
        self.put("```")

    def put(self, *lines):
        for line in lines:
            self.lines.append(line)
            print(line, flush=True)

    def see(self, text, holds=True):
        """One thing that was seen, and whether that is how it must be."""
        self.failed += not holds
        self.put(f"{time.monotonic() - self.began:7.2f} s  {text}" + ("" if holds else "   <-- NOT AS IT MUST BE"))


def settings_in(data, text, prices=False):
    pathlib.Path(data, "hearth.toml").write_text(text, encoding="utf-8")
    if prices:
        pathlib.Path(data, "prices.toml").write_text(PRICES, encoding="utf-8")


def ask(daemon, model, text="Hello!", **more):
    """(the answer, how long it took)"""
    began = time.monotonic()
    answer = daemon.post("/v1/chat/completions", {
        "model": model, "messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": 40} | more)
    return answer, time.monotonic() - began


def states(daemon):
    return {model["id"]: model["state"] for model in daemon.request("GET", "/v1/models").json["data"]}


def route_of(answer):
    return answer.json["x_hearth"]["route"]


def two_models(paper, data):
    shutil.copy(EMBER, pathlib.Path(data, "twin.gguf"))
    one = ('\n[[pool.model]]\nname = "{}"\npath = "{}"\nlevel = "{}"\nslots = 1\ncontext_tokens = 2048\n'
           'pinned = false\nidle_timeout = "{}"\n')
    settings_in(data, "[pool]\nmemory_bytes_max = 150000000\nresidence_min = \"1s\"\n"
                + one.format("small", EMBER, "operational", "1h")
                + one.format("large", f"{data}/twin.gguf", "strategic", "3s"))
    with harness.Daemon(data=data) as daemon:
        paper.see(f"hearth serve is ready: {states(daemon)}", states(daemon) == {"small": "ready", "large": "unloaded"})
        for text, wanted in ((EASY, "small"), (HARD, "large"), (EASY, "small")):
            answer, took = ask(daemon, "auto", text)
            route = route_of(answer)
            paper.see(f'"auto", "{text[:29]}…": {route["level"]}, {route["model"]} answers after {took:.2f} s; '
                      f"{states(daemon)}", answer.status == 200 and route["model"] == wanted)
        for level in ("operational", "strategic"):
            answer, took = ask(daemon, level)
            paper.see(f'"{level}": {route_of(answer)["model"]} answers after {took:.2f} s; {states(daemon)}',
                      answer.status == 200)
        began = time.monotonic()
        harness.wait_until(lambda: states(daemon)["large"] == "unloaded", 20, "it is unloaded")
        idle_s = time.monotonic() - began
        paper.see(f"nobody asked the large one for {idle_s:.1f} s (idle_timeout 3 s): {states(daemon)}")
        answer, took = ask(daemon, "small")
        paper.see(f"small answers after {took:.2f} s, loaded again", answer.status == 200)
        engine = daemon.engine_pids()[0]
        stream = daemon.stream("Tell me a story.", model="small", max_tokens=400)
        os.kill(engine, signal.SIGKILL)
        last = [event for event in stream.events()][-1]
        paper.see(f"engine {engine} was killed in the middle of an answer; its client is told: "
                  f"{json.dumps(last.get('error', last))[:120]}", "error" in last)
        answer, took = ask(daemon, "small")
        paper.see(f"small answers after {took:.2f} s, by engine {daemon.engine_pids()[0]}",
                  answer.status == 200 and daemon.engine_pids()[0] != engine)


def fallback(paper, data):
    with Double("anthropic") as double:
        settings_in(data, f'[[provider]]\nname = "anthropic"\nurl = "{double.url}"\nmodels = ["strong"]\n',
                    prices=True)
        with harness.Daemon(data=data, ANTHROPIC_API_KEY=double.key) as daemon:
            answer, took = ask(daemon, "strategic")
            paper.see(f"all is well: {route_of(answer)['model']} answers after {took * 1000:.0f} ms",
                      route_of(answer)["model"] == "anthropic/strong")
            double.always(Reply(status=529))
            for number in range(7):
                answer, took = ask(daemon, "strategic")
                passed = route_of(answer)["passed_over"][0]
                model = route_of(answer)["model"]
                paper.see(f"the provider is overloaded: {model} answers after {took * 1000:.0f} ms, passed over: "
                          + passed[:70], answer.status == 200 and model == "ember")
            paper.see(f"it was asked {len(double.requests) - 1} times", len(double.requests) == 6)
            time.sleep(PAUSE_S)
            answer, _ = ask(daemon, "strategic")
            paper.see(f"after {PAUSE_S} s it is asked once more, fails, and {route_of(answer)['model']} answers",
                      len(double.requests) == 7 and route_of(answer)["model"] == "ember")
            ask(daemon, "strategic")
            paper.see("and is left alone again", len(double.requests) == 7)
            double.always(None)
            time.sleep(PAUSE_S)
            answer, _ = ask(daemon, "strategic")
            paper.see(f"after another {PAUSE_S} s it is back: {route_of(answer)['model']} answers",
                      route_of(answer)["model"] == "anthropic/strong")


def budget(paper, data):
    with tempfile.TemporaryDirectory(prefix="hearth-work-") as work, Double("anthropic") as double:
        pathlib.Path(work, "a.txt").write_text("The answer is 42.\n")
        settings_in(data, f'[budget]\nday_max = "0.02"\n[tools]\nworkspace = ["{work}"]\n[[provider]]\n'
                          f'name = "anthropic"\nurl = "{double.url}"\nmodels = ["strong"]\n', prices=True)
        with harness.Daemon(data=data, ANTHROPIC_API_KEY=double.key) as daemon:
            session = daemon.post("/v1/sessions", {}).json["id"]
            double.next(Reply(calls=[("read_file", '{"path":"a.txt"}')], output_tokens=500, prompt_tokens=9000))
            answer, _ = ask(daemon, "strategic", "What is in a.txt?", session_id=session, max_tokens=500)
            route = route_of(answer)
            paper.see("the provider has called read_file, for "
                      f"{answer.json['x_hearth']['cost_microdollars']} millionths of a dollar")
            paper.see(f"the tool is run; for what follows: {route['passed_over'][0]}",
                      "budget.day_max" in route["passed_over"][0])
            paper.see(f"{route['model']} goes on: {answer.text!r}",
                      route["model"] == "ember" and answer.status == 200)
            answer, _ = ask(daemon, "anthropic/strong", session_id=session, max_tokens=500)
            paper.see(f"by its name it is refused, {answer.status}: {answer.error['message']}", answer.status == 403)


def kill_switch(paper, data):
    with Double("anthropic") as double:
        settings_in(data, f'[[provider]]\nname = "anthropic"\nurl = "{double.url}"\n', prices=True)
        with harness.Daemon(data=data, ANTHROPIC_API_KEY=double.key) as daemon:
            double.always(Reply(text="word " * 200, hang="middle"))
            streams = [daemon.stream("Hello!", model="anthropic/strong", max_tokens=500) for _ in range(20)]
            for stream in streams:
                next(stream.events())
            running = daemon.request("GET", "/v1/spending").json["running"]
            paper.see(f"{running} answers run", running == 20)
            ended = []

            def read(stream):
                ended.append((json.dumps(list(stream.events())), time.monotonic()))
            threads = [threading.Thread(target=read, args=(stream,)) for stream in streams]
            for thread in threads:
                thread.start()
            began = time.monotonic()
            told = harness.run("stop-spending", "--data", data, "--why", "a drill")
            returned = time.monotonic() - began
            for thread in threads:
                thread.join()
            last = max(at for _, at in ended) - began
            paper.see(f"$ hearth stop-spending --why 'a drill'  (returned after {returned * 1000:.0f} ms)",
                      told.returncode == 0)
            paper.put(*("           " + line for line in told.stdout.splitlines()))
            paper.see(f"the last of 20 clients was told after {last * 1000:.0f} ms: spending is stopped",
                      all("spending is stopped" in text for text, _ in ended))
            harness.wait_until(lambda: double.gone >= 20, 10, "the provider sees it")
            paper.see("the provider has seen all 20 connections end")
            answer, _ = ask(daemon, "anthropic/strong")
            paper.see(f"a new question, {answer.status}: {answer.error['message']}", answer.status == 403)
            daemon.stop()
        double.always(None)
        with harness.Daemon(data=data, ANTHROPIC_API_KEY=double.key) as daemon:
            answer, _ = ask(daemon, "anthropic/strong")
            paper.see(f"after a restart, {answer.status}: {answer.error['message']}", answer.status == 403)
            harness.run("stop-spending", "--data", data, "--release")
            answer, _ = ask(daemon, "anthropic/strong")
            paper.see(f"$ hearth stop-spending --release; the same question: {answer.status}", answer.status == 200)


DRILLS = (("Two models, and memory for one", two_models),
          ("A provider fails, is left alone, comes back", fallback),
          ("A budget ends in the middle of a tool loop", budget),
          ("The kill switch, while 20 answers run", kill_switch))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hearth", default=str(ROOT / "build" / "release" / "bin" / "hearth"))
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    harness.HEARTH = chosen.hearth
    paper = Paper()
    paper.put("# Drills", "", "What must not go wrong, made to go wrong, by `bench/drills.py --write`. Times are since "
              "the drill", "began; the provider is a server on the same machine.")
    for title, drill in DRILLS:
        paper.title(title)
        with tempfile.TemporaryDirectory(prefix="hearth-drill-") as data:
            drill(paper, data)
        paper.end()
    if chosen.write:
        (ROOT / "docs" / "drills.md").write_text("\n".join(paper.lines) + "\n", encoding="utf-8")
    print(f"{paper.failed} things were not as they must be")
    return 1 if paper.failed else 0


if __name__ == "__main__":
    sys.exit(main())
