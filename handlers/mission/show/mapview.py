"""A mission seen from above: zones, objects, phases and where a run went, to scale.

The robot starts looking up the page: up is world -X (forward), left is world -Y (its left).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import atan2, ceil, cos, floor, hypot, log10, radians, sin
from pathlib import Path

from handlers.mission.show.canvas import Drawing, Shape, write
from handlers.mission.show.labels import CHAR, Label, Labels
from handlers.mission.world.vision import SceneThing, place_of
from handlers.project.scene import Box, Marker, Slope, Sphere
from handlers.project.spec import ProjectSpec
from store.text import one_line

Point = tuple[float, float]

MARGIN_M = 0.5
LARGEST, FINEST = 1100.0, 130.0
"""Pixels along the longer side of the map, and to a metre, at most."""

LEFT, TOP, BOTTOM, RIGHT = 64.0, 34.0, 56.0, 44.0
"""Room for the axes around the map, pixels."""

NARROWEST = 520.0
"""A picture is at least this wide, pixels, for the lines below the map."""

TICK_GAP, ARROW_GAP, SCALE_BAR = 60.0, 90.0, 64.0
"""Pixels from one number on an axis to the next and from one arrow on a path to the next, at
least; and of the scale bar, about."""

ZONE_COLOURS = ("#4c78a8", "#c06a0a", "#3d8b3a", "#9a5a86", "#c9403f", "#3d8f8a", "#7d5848")
INK, PALE, FAINT, SOLID = "#1a1d21", "#8a9099", "#e4e7eb", "#6b5b4d"
MARK, PERSON, BALL, PATH = "#d62728", "#e8871e", "#2f7fd6", "#1f3b73"


@dataclass(frozen=True, slots=True)
class Extent:
    """What the map shows, m."""

    x0: float
    y0: float
    x1: float
    y1: float

    def holds(self, x: float, y: float) -> bool:
        """Whether a place is on it."""
        return self.x0 <= x <= self.x1 and self.y0 <= y <= self.y1


def half_sizes(item: SceneThing) -> Point:
    """Half the width of an object along x and y."""
    if isinstance(item, Sphere):
        return item.radius, item.radius
    if isinstance(item, Slope):
        return item.slope.hx * cos(radians(item.slope.angle_deg)), item.slope.hy
    return item.size[0], item.size[1]


def extent_of(spec: ProjectSpec, path: Sequence[Point]) -> Extent:
    """Everything there is to see, with a margin."""
    xs, ys = [spec.spawn[0]], [spec.spawn[1]]
    for zone in spec.scene.zones:
        (ax, ay, _), (bx, by, _) = zone.aabb
        xs, ys = [*xs, ax, bx], [*ys, ay, by]
    for item in spec.scene.objects:
        (x, y, _), (hx, hy) = place_of(item), half_sizes(item)
        xs, ys = [*xs, x - hx, x + hx], [*ys, y - hy, y + hy]
    xs += [x for x, _ in path]
    ys += [y for _, y in path]
    return Extent(min(xs) - MARGIN_M, min(ys) - MARGIN_M, max(xs) + MARGIN_M, max(ys) + MARGIN_M)


def phase_lines(spec: ProjectSpec) -> list[str]:
    """One line per phase: where it leads and what it says."""
    lines = []
    for number, phase in enumerate(spec.phases, 1):
        wanted = phase.success_when
        aim = [
            f"{name} {getattr(value, 'tag', value)}"
            for name, value in wanted
            if value not in (None, False)
        ]
        lines.append(f"{number}. {phase.name}: {', '.join(aim) or '-'}  “{phase.goal_prompt}”")
    return list(map(one_line, lines))


def write_map(target: Path, spec: ProjectSpec, path: Sequence[Point] = ()) -> None:
    """Write the map as .svg or .png. Raises ConfigError, or MissingExtraError for PNG."""
    write(target, drawing(spec, path))


def drawing(spec: ProjectSpec, path: Sequence[Point] = (), frame: Frame | None = None) -> Drawing:
    """The map with its axes, and the phases in words below it.

    `frame`: of what it shows; else everything there is, and the path.
    """
    view = frame or Frame(extent_of(spec, path))
    width = max(view.right + RIGHT, NARROWEST)
    names = Labels((LEFT, TOP, width - RIGHT, view.bottom))
    shapes = [*_axes(view), *_scale_bar(view), *_zones(view, spec), *_things(view, spec, names)]
    shapes += _path(view, path, names)
    shapes += _start(view, spec, names)
    shapes += _object_names(view, spec, names)
    shapes += _zone_names(view, spec, names)
    columns = int((width - 24) / CHAR)
    lines = [
        part
        for line in (one_line(spec.name), *phase_lines(spec))
        for part in textwrap.wrap(line, columns, subsequent_indent="   ") or [""]
    ]
    below = view.bottom + BOTTOM
    for number, line in enumerate(lines):
        shapes.append(Shape("text", (12, below + 18 * (number + 1)), INK, text=line))
    return Drawing(ceil(width), ceil(below + 18 * len(lines) + 16), shapes)


class Frame:
    """From metres to pixels: x, m, goes down the page and y, m, to the right."""

    def __init__(self, box: Extent) -> None:
        self.box = box
        self.scale = min(FINEST, LARGEST / max(box.x1 - box.x0, box.y1 - box.y0))
        self.right = LEFT + (box.y1 - box.y0) * self.scale
        self.bottom = TOP + (box.x1 - box.x0) * self.scale

    def at(self, x: float, y: float) -> Point:
        """Where a place of the world is on the picture."""
        return LEFT + (y - self.box.y0) * self.scale, TOP + (x - self.box.x0) * self.scale

    def rect(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        return (*self.at(x0, y0), *self.at(x1, y1))

    def around(self, item: SceneThing) -> tuple[float, float, float, float]:
        """What an object fills."""
        (x, y, _), (hx, hy) = place_of(item), half_sizes(item)
        return self.rect(x - hx, y - hy, x + hx, y + hy)


def _nice(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20 ... (or tenths of them) that is not less."""
    power = 10.0 ** floor(log10(least))
    return next(power * part for part in (1, 2, 5, 10) if power * part >= least * (1 - 1e-9))


def _marks(low: float, high: float, step: float) -> Iterator[float]:
    return (k * step for k in range(ceil(low / step), floor(high / step) + 1))


# -- the frame -------------------------------------------------------------------------------------


def _axes(view: Frame) -> Iterator[Shape]:
    """Lines at round numbers of metres, the numbers outside the map, and what they are."""
    box, step = view.box, _nice(TICK_GAP / view.scale)
    digits = max(0, -floor(log10(step)))
    for x in _marks(box.x0, box.x1, step):
        _, py = view.at(x, 0.0)
        yield Shape("line", (LEFT, py, view.right, py), FAINT, width=1)
        text = f"{x + 0.0:.{digits}f}"
        yield Shape("text", (LEFT - 8 - CHAR * len(text), py + 5), PALE, text=text)
    for y in _marks(box.y0, box.y1, step):
        px, _ = view.at(0.0, y)
        yield Shape("line", (px, TOP, px, view.bottom), FAINT, width=1)
        text = f"{y + 0.0:.{digits}f}"
        yield Shape("text", (px - CHAR * len(text) / 2, view.bottom + 18), PALE, text=text)
    border = (LEFT, TOP, view.right, TOP, view.right, view.bottom, LEFT, view.bottom, LEFT, TOP)
    yield Shape("line", border, PALE, width=1)
    yield Shape("text", (8, 20), PALE, text="x, m   (up is forward, -x; left is -y)")
    yield Shape("text", (view.right + 8, view.bottom + 18), PALE, text="y, m")


def _scale_bar(view: Frame) -> Iterator[Shape]:
    """A bar of a round length, below the map."""
    metres = _nice(SCALE_BAR / view.scale)
    left, right, y = LEFT, LEFT + metres * view.scale, view.bottom + 46
    yield Shape("line", (left, y - 6, left, y, right, y, right, y - 6), INK)
    yield Shape("text", (right + 8, y), INK, text=f"{metres:g} m")


def _start(view: Frame, spec: ProjectSpec, names: Labels) -> Iterator[Shape]:
    """Where the robot is set down, and which way it looks."""
    x, y = view.at(spec.spawn[0], spec.spawn[1])
    around = (x - 8, y - 34, x + 8, y + 8)
    names.keep_clear(around)
    yield Shape("circle", (x, y, 7.0), INK)
    yield Shape("line", (x, y, x, y - 26), INK, width=3)
    yield _arrow((x, y - 34), (0.0, -1.0), INK, 10)
    yield from _named(names.place("start", x, y, around), (x, y), INK)


def _arrow(tip: Point, way: Point, colour: str, size: float) -> Shape:
    """An arrow's head that points along the unit direction `way`."""
    (x, y), (dx, dy) = tip, way
    bx, by = x - size * dx, y - size * dy
    half = size * 0.45
    return Shape(
        "polygon", (x, y, bx - half * dy, by + half * dx, bx + half * dy, by - half * dx), colour
    )


# -- what is there ---------------------------------------------------------------------------------


def _zones(view: Frame, spec: ProjectSpec) -> Iterator[Shape]:
    for index, zone in enumerate(spec.scene.zones):
        (ax, ay, _), (bx, by, _) = zone.aabb
        yield Shape("rect", view.rect(ax, ay, bx, by), _colour(index), 0.22)


def _colour(index: int) -> str:
    return ZONE_COLOURS[index % len(ZONE_COLOURS)]


def _things(view: Frame, spec: ProjectSpec, names: Labels) -> Iterator[Shape]:
    for item in spec.scene.objects:
        around = view.around(item)
        names.keep_clear(around)
        if isinstance(item, Sphere):
            x, y = view.at(item.position[0], item.position[1])
            colour = PERSON if item.person else BALL
            yield Shape("circle", (x, y, max(item.radius * view.scale, 2.0)), colour, 0.9)
        else:
            person = isinstance(item, Box) and item.person
            colour = MARK if isinstance(item, Marker) else PERSON if person else SOLID
            yield Shape("rect", around, colour, 0.4 if isinstance(item, Slope) else 0.9)
        if isinstance(item, Slope):
            x, up = (around[0] + around[2]) / 2, 1.0 if item.slope.angle_deg < 0 else -1.0
            high, low = sorted((around[1], around[3]))
            tip, foot = (high + 4, low - 4) if up < 0 else (low - 4, high + 4)
            yield Shape("line", (x, foot, x, tip), INK, 0.7)
            yield _arrow((x, tip), (0.0, up), INK, 9)


def _path(view: Frame, path: Sequence[Point], names: Labels) -> Iterator[Shape]:
    """Where a run went, with arrows along it and a ring at its end."""
    spots = [view.at(x, y) for x, y in path]
    if len(spots) < 2:
        return
    yield Shape("line", tuple(value for spot in spots for value in spot), PATH)
    gone, following = 0.0, ARROW_GAP / 2
    for (ax, ay), (bx, by) in pairwise(spots):
        names.keep_line_clear((ax, ay), (bx, by))
        length, angle = hypot(bx - ax, by - ay), atan2(by - ay, bx - ax)
        while gone + length > following:
            part = (following - gone) / length
            tip = (ax + (bx - ax) * part, ay + (by - ay) * part)
            yield _arrow(tip, (cos(angle), sin(angle)), PATH, 11)
            following += ARROW_GAP
        gone += length
    x, y = spots[-1]
    yield Shape("circle", (x, y, 6.0), PATH)
    yield Shape("circle", (x, y, 3.0), "#ffffff")


# -- names -----------------------------------------------------------------------------------------


def _object_names(view: Frame, spec: ProjectSpec, names: Labels) -> Iterator[Shape]:
    for item in spec.scene.objects:
        x, y = view.at(*place_of(item)[:2])
        person = isinstance(item, Box | Sphere) and item.person
        text = one_line(item.tag) + (" (person)" if person else "")
        yield from _named(names.place(text, x, y, view.around(item)), (x, y), "#333333")


def _zone_names(view: Frame, spec: ProjectSpec, names: Labels) -> Iterator[Shape]:
    """Beside the upper left corner of each zone, inside it."""
    for index, zone in enumerate(spec.scene.zones):
        (ax, ay, _), _ = zone.aabb
        x, y = view.at(ax, ay)
        corner = (x, y, x + 2.0, y + 20.0)
        label = names.place(one_line(zone.name), x + 2.0, y + 10.0, corner)
        yield from _named(label, (x + 2.0, y + 2.0), _colour(index))


def _named(label: Label | None, thing: Point, colour: str) -> Iterator[Shape]:
    """A label's words, and a thin line to what they name where they are not beside it."""
    if label is None:
        return
    if label.far:
        yield Shape("line", (*thing, *label.nearest(*thing)), colour, 0.6, width=1)
    yield Shape("text", (label.left, label.top + 12.0), colour, text=label.text)
