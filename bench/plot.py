#!/usr/bin/env python3
"""plot.py [FROM] [TO]: draws decode speed over time while a neighbour comes and goes, as an SVG.

FROM is what bench/neighbour.py writes (build/bench/results/neighbour.json unless told otherwise):
{"hearth": [[seconds, tokens_per_s], ...], "llama-server": [...], "neighbour": [from_s, to_s]}, alone or
under the key "plot". TO is docs/performance-neighbour.svg unless told otherwise."""
import json
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCE = ROOT / "build" / "bench" / "results" / "neighbour.json"
PICTURE = ROOT / "docs" / "performance-neighbour.svg"
WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 44, 48  # around the plotted area
LINES = (("hearth", "Hearth", "#c2410c"), ("llama-server", "llama-server", "#2563eb"))
INK, GRID, SHADE = "#57606a", "#d0d7de", "#f3e3c3"


def tick_step(span, ticks_max):
    """The smallest of 1, 2 or 5 times a power of ten that needs no more than that many ticks."""
    power = 10.0 ** math.floor(math.log10(span / ticks_max))
    return next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= ticks_max)


class Area:
    """From seconds and tokens a second to the picture's points."""

    def __init__(self, seconds, speed):
        self.seconds, self.speed = seconds, speed

    def x(self, seconds):
        return LEFT + seconds / self.seconds * (WIDTH - LEFT - RIGHT)

    def y(self, speed):
        return HEIGHT - BOTTOM - speed / self.speed * (HEIGHT - TOP - BOTTOM)


def text(x, y, words, anchor="middle", color=INK, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}"{more}>{words}</text>'


def axes(area):
    out = []
    step = tick_step(area.speed, 6)
    for number in range(int(area.speed / step) + 1):
        y = area.y(number * step)
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>')
        out.append(text(LEFT - 8, y + 4, f"{number * step:g}", "end"))
    step = tick_step(area.seconds, 12)
    for number in range(int(area.seconds / step) + 1):
        out.append(text(area.x(number * step), HEIGHT - BOTTOM + 18, f"{number * step:g}"))
    middle = (HEIGHT + TOP - BOTTOM) / 2
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "seconds"))
    out.append(text(16, middle, "tokens/s", more=f' transform="rotate(-90 16 {middle:.0f})"'))
    return out


def neighbour(area, span):
    left, right = (area.x(seconds) for seconds in span)
    return [f'<rect x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{HEIGHT - TOP - BOTTOM}" '
            f'fill="{SHADE}"/>', text((left + right) / 2, TOP + 16, "a busy neighbour")]


def line(area, points, color):
    path = "L".join(f"{area.x(seconds):.1f} {area.y(speed):.1f}" for seconds, speed in points)
    return f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2" stroke-linejoin="round"/>'


def draw(measured):
    """The picture as SVG text."""
    points = [point for name, _, _ in LINES for point in measured.get(name, ())]
    area = Area(max(seconds for seconds, _ in points), max(speed for _, speed in points) * 1.1)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           f'font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>']
    out += neighbour(area, measured["neighbour"]) + axes(area)
    for number, (name, label, color) in enumerate(LINES):
        if measured.get(name):
            x = LEFT + number * 120
            out.append(line(area, measured[name], color))
            out.append(f'<path d="M{x} 22h24" stroke="{color}" stroke-width="2"/>')
            out.append(text(x + 32, 26, label, "start", color))
    return "\n".join(out + ["</svg>"]) + "\n"


def main():
    source, picture = (pathlib.Path(given) for given in (sys.argv[1:3] + [SOURCE, PICTURE][len(sys.argv[1:3]):]))
    measured = json.loads(source.read_text())
    picture.write_text(draw(measured.get("plot", measured)))
    print(picture)


if __name__ == "__main__":
    main()
