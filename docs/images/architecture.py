"""Draws architecture.svg beside it: `python docs/images/architecture.py`. A layer a band, a flow a colour."""

from __future__ import annotations

from html import escape
from pathlib import Path

WIDTH, LEFT, BAND, GAP = 980, 150, 62, 8
LAYERS = [
    ("cli", [("app | worker", 1), ("one module per command", 3)]),
    ("web | demo", [("employer", 1), ("team", 1), ("analyst", 1), ("public", 1), ("account", 1)]),
    ("api", [("collecting", 1), ("comparing", 1), ("margins", 1), ("register ... people", 1), ("kit", 1)]),
    ("services", [("collecting", 1), ("comparing", 1), ("margins", 1), ("snapshots ... mail", 1), ("kit", 1)]),
    ("intake | store | statistics", [("intake: preflight, reading, judging", 2), ("statistics", 1),
                                     ("store: rooms over kit", 2)]),
    ("questionnaire", [("schemas/ as typed objects: model, load, checks, plan, templates, pages", 5)]),
    ("domain", [("the census itself; standard library only", 5)]),
]  # fmt: skip
FLOWS = [
    ("a file", "#005ea5", "judged, then stored with its event", [(285, 1), (285, 2), (285, 3), (445, 4), (900, 4)]),
    ("a comparison", "#00703c", "frozen facts, taken apart", [(610, 1), (445, 2), (445, 3), (610, 4), (860, 4)]),
    ("a margin", "#b10e5b", "named by its own hash", [(600, 2), (600, 3), (590, 4), (820, 4)]),
]
INK, LINE, PAPER, ROOM = "#0b0c0c", "#b1b4b6", "#ffffff", "#f3f2f1"


def top_of(layer: int) -> int:
    return 20 + layer * (BAND + GAP)


def draw_text(x: float, y: float, text: str, size: int = 13, **style: str) -> str:
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}"{extra}>{escape(text)}</text>'


def draw_layer(number: int, name: str, rooms: list[tuple[str, int]]) -> list[str]:
    y, inner = top_of(number), WIDTH - LEFT - 20
    shapes = [f'<rect x="10" y="{y}" width="{WIDTH - 20}" height="{BAND}" fill="{PAPER}" stroke="{LINE}"/>']
    for line, word in enumerate(name.split(" | ")):
        start = y + BAND / 2 + 5 - (len(name.split(" | ")) - 1) * 8
        shapes.append(draw_text(20, start + line * 16, word, 14, font_weight="bold"))
    share, x = inner / sum(size for _, size in rooms), float(LEFT)
    for room, size in rooms:
        width = share * size - 8
        shapes.append(
            f'<rect x="{x:g}" y="{y + 8}" width="{width:g}" height="{BAND - 16}" fill="{ROOM}" stroke="{LINE}"/>'
        )
        shapes.append(draw_text(x + 8, y + 24, room))
        x += share * size
    return shapes


def draw_flow(number: int, color: str, points: list[tuple[int, int]]) -> str:
    # flows that meet in a layer run beside one another
    places = [(x, top_of(layer) + 48 - 7 * number) for x, layer in points]
    path = " L ".join(f"{x} {y}" for x, y in places)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="5" fill="{color}"/>' for x, y in places)
    return f'<path d="M {path}" fill="none" stroke="{color}" stroke-width="3"/>{dots}'


def draw_picture() -> str:
    height = top_of(len(LAYERS)) + 40
    shapes = [shape for number, (name, rooms) in enumerate(LAYERS) for shape in draw_layer(number, name, rooms)]
    for number, (name, color, words, points) in enumerate(FLOWS):
        shapes.append(draw_flow(number, color, points))
        x = 20 + number * 310
        shapes.append(f'<circle cx="{x + 6}" cy="{height - 22}" r="6" fill="{color}"/>')
        shapes.append(draw_text(x + 20, height - 17, f"{name}: {words}"))
    inside = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="Arial, Helvetica, sans-serif" fill="{INK}" role="img">\n'
        "<title>Layers, rooms, and the ways of a file, a comparison and a margin</title>\n"
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>\n{inside}\n</svg>\n'
    )


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(draw_picture(), "utf-8")
