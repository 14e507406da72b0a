"""A mission seen from above: zones, objects, phases and where a run went.

The robot starts looking up the page: up is world -X (forward), left is world -Y (its left).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from itertools import pairwise
from math import ceil, cos, radians
from pathlib import Path
from typing import Any

from handlers.mission.world.vision import SceneThing, place_of
from handlers.project.scene import Marker, Slope, Sphere
from handlers.project.spec import ProjectSpec
from store.errors import ConfigError, MissingExtraError
from store.text import one_line

Point = tuple[float, float]
SCALE = 130.0
"""Pixels per metre of a drawing."""

MARGIN_M = 0.5
ZONE_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d")


@dataclass(frozen=True, slots=True)
class Extent:
    """What the map shows, m."""

    x0: float
    y0: float
    x1: float
    y1: float


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


# -- terminal --------------------------------------------------------------------------------------


def text_map(spec: ProjectSpec, path: Sequence[Point] = (), width: int = 72) -> str:
    """The map in characters, forward up; a letter per zone, the other marks in its legend."""
    box = extent_of(spec, path)
    step = max((box.y1 - box.y0) / max(width, 20), 0.02)
    columns, rows = ceil((box.y1 - box.y0) / step), ceil((box.x1 - box.x0) / (2 * step))
    grid = [[" "] * columns for _ in range(rows)]

    def fill(x0: float, y0: float, x1: float, y1: float, mark: str) -> None:
        for r in range(rows):
            x = box.x0 + (r + 0.5) * 2 * step
            for c in range(columns):
                y = box.y0 + (c + 0.5) * step
                if x0 <= x <= x1 and y0 <= y <= y1:
                    grid[r][c] = mark

    def put(x: float, y: float, mark: str) -> None:
        r, c = int((x - box.x0) / (2 * step)), int((y - box.y0) / step)
        if 0 <= r < rows and 0 <= c < columns:
            grid[r][c] = mark

    for index, zone in enumerate(spec.scene.zones):
        (ax, ay, _), (bx, by, _) = zone.aabb
        fill(ax, ay, bx, by, chr(ord("a") + index % 26))
    for item in spec.scene.objects:
        (x, y, _), (hx, hy) = place_of(item), half_sizes(item)
        mark = "o" if isinstance(item, Sphere) else "*" if isinstance(item, Marker) else "#"
        mark = "^" if isinstance(item, Slope) else mark
        fill(x - hx, y - hy, x + hx, y + hy, mark)
        put(x, y, mark)
    for x, y in _dense(path, step):
        put(x, y, ".")
    put(spec.spawn[0], spec.spawn[1], "@")
    legend = [
        f"{chr(ord('a') + index % 26)} {one_line(zone.name)}"
        for index, zone in enumerate(spec.scene.zones)
    ]
    head = f"{one_line(spec.name)}: up is forward (world -x), one row is {2 * step:.2f} m"
    marks = "# box  o sphere  * marker  ^ slope  @ spawn" + ("  . path" if path else "")
    body = ["".join(row).rstrip() for row in grid]
    return "\n".join([head, *body, marks, "  ".join(legend), *phase_lines(spec)])


def _dense(path: Sequence[Point], step: float) -> Iterable[Point]:
    for (ax, ay), (bx, by) in pairwise(path):
        parts = max(1, ceil(max(abs(bx - ax), abs(by - ay)) / step))
        for k in range(parts + 1):
            yield ax + (bx - ax) * k / parts, ay + (by - ay) * k / parts


# -- drawings --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shape:
    """A piece of a drawing in pixels. kind: rect, circle, line or text; `at` its corners."""

    kind: str
    at: tuple[float, ...]
    colour: str
    opacity: float = 1.0
    text: str = ""


def drawing(spec: ProjectSpec, path: Sequence[Point] = ()) -> tuple[int, int, list[Shape]]:
    """Width, height and shapes of the map, back to front."""
    box = extent_of(spec, path)

    def px(x: float, y: float) -> Point:
        return (y - box.y0) * SCALE, (x - box.x0) * SCALE

    shapes: list[Shape] = []
    for index, zone in enumerate(spec.scene.zones):
        (ax, ay, _), (bx, by, _) = zone.aabb
        colour = ZONE_COLOURS[index % len(ZONE_COLOURS)]
        corner = px(ax, ay)
        shapes.append(Shape("rect", (*corner, *px(bx, by)), colour, 0.25))
        shapes.append(
            Shape("text", (corner[0] + 6, corner[1] + 16), colour, text=one_line(zone.name))
        )
    for item in spec.scene.objects:
        (x, y, _), (hx, hy) = place_of(item), half_sizes(item)
        colour = "#d62728" if isinstance(item, Marker) else "#6b5b4d"
        if isinstance(item, Sphere):
            shapes.append(Shape("circle", (*px(x, y), hx * SCALE), "#2f7fd6", 0.9))
        else:
            shape = (*px(x - hx, y - hy), *px(x + hx, y + hy))
            shapes.append(Shape("rect", shape, colour, 0.4 if isinstance(item, Slope) else 0.9))
        left, top = px(x, y)
        shapes.append(
            Shape("text", (left + hy * SCALE + 3, top + 4), "#333333", text=one_line(item.tag))
        )
    for (ax, ay), (bx, by) in pairwise(path):
        shapes.append(Shape("line", (*px(ax, ay), *px(bx, by)), "#111111"))
    spawn = px(spec.spawn[0], spec.spawn[1])
    shapes.append(Shape("circle", (*spawn, 7.0), "#111111"))
    shapes.append(Shape("line", (*spawn, spawn[0], spawn[1] - 26), "#111111"))
    width, height = px(box.x1, box.y1)
    lines = [one_line(spec.name), *phase_lines(spec)]
    for number, line in enumerate(lines):
        shapes.append(Shape("text", (8, height + 20 + 18 * number), "#111111", text=line))
    wide = max(width, 7.2 * max(map(len, lines)) + 16)
    return ceil(wide), ceil(height + 18 * len(lines) + 16), shapes


def svg(spec: ProjectSpec, path: Sequence[Point] = ()) -> str:
    """The map as an SVG document."""
    width, height, shapes = drawing(spec, path)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for shape in shapes:
        a = [f"{value:.1f}" for value in shape.at]
        paint = f'fill="{shape.colour}" fill-opacity="{shape.opacity:g}"'
        match shape.kind:
            case "rect":
                w, h = shape.at[2] - shape.at[0], shape.at[3] - shape.at[1]
                parts.append(
                    f'<rect x="{a[0]}" y="{a[1]}" width="{w:.1f}" height="{h:.1f}" {paint}/>'
                )
            case "circle":
                parts.append(f'<circle cx="{a[0]}" cy="{a[1]}" r="{a[2]}" {paint}/>')
            case "line":
                parts.append(
                    f'<line x1="{a[0]}" y1="{a[1]}" x2="{a[2]}" y2="{a[3]}" '
                    f'stroke="{shape.colour}" stroke-width="2" stroke-linecap="round"/>'
                )
            case _:
                parts.append(f'<text x="{a[0]}" y="{a[1]}" {paint}>{escape(shape.text)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def write_map(target: Path, spec: ProjectSpec, path: Sequence[Point] = ()) -> None:
    """Write the map as .svg or .png. Raises ConfigError, or MissingExtraError for PNG."""
    try:
        if target.suffix.lower() == ".svg":
            target.write_text(svg(spec, path), "utf-8")
        elif target.suffix.lower() == ".png":
            _png(spec, path).save(target)
        else:
            raise ConfigError(f"-o {target}: ends in {target.suffix!r}, not .svg or .png")
    except OSError as error:
        raise ConfigError(f"-o {target}: cannot be written: {error.strerror or error}") from None


def _png(spec: ProjectSpec, path: Sequence[Point]) -> Any:
    try:
        image_module, draw_module = import_module("PIL.Image"), import_module("PIL.ImageDraw")
    except ImportError:
        raise MissingExtraError(
            "-o with .png needs Pillow, which is not installed",
            hint="pip install pillow, or write an .svg",
        ) from None
    width, height, shapes = drawing(spec, path)
    image = image_module.new("RGB", (width, height), "#ffffff")
    draw = draw_module.Draw(image, "RGBA")
    for shape in shapes:
        fill = (*bytes.fromhex(shape.colour[1:]), round(255 * shape.opacity))
        match shape.kind:
            case "rect":
                draw.rectangle(shape.at, fill=fill)
            case "circle":
                x, y, r = shape.at
                draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)
            case "line":
                draw.line(shape.at, fill=fill, width=2)
            case _:
                draw.text((shape.at[0], shape.at[1] - 11), shape.text, fill=fill, font_size=13)
    return image
