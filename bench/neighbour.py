#!/usr/bin/env python3
"""Decode speed over time while a busy process comes and goes: one answer is written all the time.

Each round starts each side, asks for one long answer, starts a loop that keeps one core busy after some
seconds and ends it some seconds later. The table has the speed before, the speed beside the neighbour (from
a second after it came), that speed in parts of what one thread writes on a quiet machine, and how long after
the neighbour's end it took until two buckets in a row were at 90 % of the speed before. The result holds the
speed over time of the last round too, in buckets of a quarter of a second, for bench/plot.py."""
import multiprocessing
import statistics
import sys
import time

import peers

COMES_S, GOES_S, ENDS_S = 4.0, 12.0, 18.0
BUCKET_S = 0.25
SETTLED_S = 1.0
FULL = 0.9
TOKENS_MAX, CONTEXT = 1800, 2048
ONE_THREAD_TOKENS = 160


def keep_busy():
    while True:
        pass


def buckets(token_at, began):
    """[[end of the bucket, tokens a second], ...] from the first token on."""
    counts = [0] * int(ENDS_S / BUCKET_S)
    for at in token_at:
        number = int((at - began) / BUCKET_S)
        if 0 <= number < len(counts):
            counts[number] += 1
    return [[round((number + 1) * BUCKET_S, 3), count / BUCKET_S] for number, count in enumerate(counts)]


def speed(token_at, began, start_s, end_s):
    """Tokens a second between two tokens inside the span: a step that was cut off does not count."""
    inside = [at for at in token_at if start_s <= at - began <= end_s]
    return (len(inside) - 1) / (inside[-1] - inside[0]) if len(inside) > 1 else 0.0


def recovery_s(over_time, before):
    """From the neighbour's end until two buckets in a row have (nearly) the speed before."""
    after = [(end, rate) for end, rate in over_time if end > GOES_S + BUCKET_S]
    for (_, first), (end, second) in zip(after, after[1:]):
        if first >= FULL * before and second >= FULL * before:
            return end - 2 * BUCKET_S - GOES_S
    return ENDS_S - GOES_S


def run(server):
    """One answer with its neighbour: the times of its tokens, from the first one on."""
    process = multiprocessing.get_context("spawn").Process(target=keep_busy, daemon=True)
    with peers.Loop() as loop:
        answer = loop.send(server.chat(peers.prompt(16, "neighbour"), TOKENS_MAX))
        loop.run(until=lambda: answer.token_at)
        began = time.monotonic()
        loop.run(until=lambda: time.monotonic() - began >= COMES_S, timeout_s=ENDS_S)
        process.start()
        loop.run(until=lambda: time.monotonic() - began >= GOES_S, timeout_s=ENDS_S)
        process.kill()
        loop.run(until=lambda: time.monotonic() - began >= ENDS_S, timeout_s=ENDS_S)
    if answer.error or answer.ended_at:
        sys.exit(f"the answer ended too soon: {answer.error or 'nothing to say'}")
    return [at for at in answer.token_at if at >= began], began


def one_thread(chosen, setup, side):
    single = peers.Setup(**{**vars(setup), "threads": 1})
    with peers.start(side, chosen, single) as server:
        return peers.answer(server.chat(peers.prompt(16, "neighbour"), ONE_THREAD_TOKENS)).tokens_per_s


def main():
    chosen = peers.options(__doc__)
    setup, samples = peers.Setup(slots=1, context=CONTEXT), peers.Samples()
    report = peers.Report("neighbour", "Decode while a busy process comes and goes", chosen, setup)
    plot = {"neighbour": [COMES_S, GOES_S]}
    for _, side in peers.rounds(chosen):
        quiet_thread = one_thread(chosen, setup, side)
        with peers.start(side, chosen, setup) as server:
            token_at, began = run(server)
        before = speed(token_at, began, SETTLED_S, COMES_S)
        beside = speed(token_at, began, COMES_S + SETTLED_S, GOES_S)
        plot[side] = buckets(token_at, began)
        settled = statistics.median(rate for end, rate in plot[side] if SETTLED_S < end <= COMES_S)
        samples.add("one thread, quiet", side, quiet_thread)
        samples.add("before the neighbour", side, before)
        samples.add("beside the neighbour", side, beside)
        samples.add("the same, of one quiet thread", side, beside / quiet_thread)
        samples.add("until full speed again", side, recovery_s(plot[side], settled))
    units = {"until full speed again": ("s", "lower", "<= 2"), "beside the neighbour": ("tokens/s", "higher", ">= 8"),
             "the same, of one quiet thread": ("x", "higher", ">= 0.9")}
    for name, by_side in samples.items():
        unit, better, target = units.get(name, ("tokens/s", "higher", ""))
        report.add(name, unit, by_side, better=better, target=target)
    report.note("The neighbour is a loop that wants one core all the time, at normal priority.")
    report.more["plot"] = plot
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
