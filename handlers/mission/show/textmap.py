"""A mission's map in the terminal: one letter per zone, a mark for each kind of object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil, floor

from handlers.mission.show.mapview import Point, extent_of, half_sizes, phase_lines
from handlers.mission.world.vision import SceneThing, place_of
from handlers.project.scene import Marker, Slope, Sphere
from handlers.project.spec import ProjectSpec
from store.text import one_line

ROWS = 120
"""The most rows of a map: a long course is drawn smaller, not longer."""

EVERY = 5
"""Rows from one x at the left border to the next."""


def text_map(spec: ProjectSpec, path: Sequence[Point] = (), width: int = 68) -> str:
    """The map in characters, forward up, with world x at the left border."""
    box = extent_of(spec, path)
    across, along = box.y1 - box.y0, box.x1 - box.x0
    step = max(across / max(width, 20), along / (2 * ROWS), 0.02)
    columns, rows = ceil(across / step), ceil(along / (2 * step))
    grid = [[" "] * columns for _ in range(rows)]

    def fill(x0: float, y0: float, x1: float, y1: float, mark: str) -> None:
        for r in _covered(x0 - box.x0, x1 - box.x0, 2 * step, rows):
            for c in _covered(y0 - box.y0, y1 - box.y0, step, columns):
                grid[r][c] = mark

    def put(x: float, y: float, mark: str) -> None:
        r, c = int((x - box.x0) / (2 * step)), int((y - box.y0) / step)
        if 0 <= r < rows and 0 <= c < columns:
            grid[r][c] = mark

    for index, zone in enumerate(spec.scene.zones):
        (ax, ay, _), (bx, by, _) = zone.aabb
        fill(ax, ay, bx, by, _letter(index))
    for item in spec.scene.objects:
        (x, y, _), (hx, hy) = place_of(item), half_sizes(item)
        fill(x - hx, y - hy, x + hx, y + hy, _mark(item))
    for x, y in _dense(path, step):
        put(x, y, ".")
    put(spec.spawn[0], spec.spawn[1], "@")
    edges = [f"{box.x0 + (r + 0.5) * 2 * step:8.1f} |" for r in range(rows)]
    body = [
        ((edge if r % EVERY == 0 else " " * 9 + "|") + "".join(row)).rstrip()
        for r, (edge, row) in enumerate(zip(edges, grid, strict=True))
    ]
    head = f"{one_line(spec.name)}: up is forward (world -x), one row is {2 * step:.2f} m"
    foot = f"{'x, m':>8}  y from {box.y0:.1f} to {box.y1:.1f} m, one column is {step:.2f} m"
    marks = "# box  P person  o sphere  * marker  ^ slope  @ spawn" + ("  . path" if path else "")
    legend = [
        f"{_letter(index)} {one_line(zone.name)}" for index, zone in enumerate(spec.scene.zones)
    ]
    return "\n".join([head, *body, foot, marks, "  ".join(legend), *phase_lines(spec)])


def _covered(low: float, high: float, size: float, count: int) -> range:
    """The cells whose middles lie between two places; the one around them where there is none."""
    first, last = ceil(low / size - 0.5), floor(high / size - 0.5)
    if first > last:
        first = last = floor((low + high) / 2 / size)
    return range(max(first, 0), min(last + 1, count))


def _letter(index: int) -> str:
    return chr(ord("a") + index % 26)


def _mark(item: SceneThing) -> str:
    match item:
        case Marker():
            return "*"
        case Slope():
            return "^"
        case _ if item.person:
            return "P"
        case Sphere():
            return "o"
    return "#"


def _dense(path: Sequence[Point], step: float) -> Iterator[Point]:
    for (ax, ay), (bx, by) in pairwise(path):
        parts = max(1, ceil(max(abs(bx - ax), abs(by - ay)) / step))
        for k in range(parts + 1):
            yield ax + (bx - ax) * k / parts, ay + (by - ay) * k / parts
