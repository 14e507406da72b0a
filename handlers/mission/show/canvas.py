"""Simple drawings as files: shapes in pixels, written as SVG or PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from store.errors import ConfigError, MissingExtraError

FONT = 13
"""Height of letters, pixels."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A piece of a drawing. `at` are its corners, x and y by turns, in pixels.

    A rect has two; a circle its middle and radius; a line and a polygon as many as they like; a
    text where its base line begins. Lines have a `width`, everything else is filled.
    """

    kind: Literal["rect", "circle", "line", "polygon", "text"]
    at: tuple[float, ...]
    colour: str
    opacity: float = 1.0
    text: str = ""
    width: float = 2.0

    @property
    def points(self) -> list[tuple[float, float]]:
        return list(zip(self.at[::2], self.at[1::2], strict=True))


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes from back to front on white; width and height in pixels."""

    width: int
    height: int
    shapes: Sequence[Shape]


def write(target: Path, drawing: Drawing) -> None:
    """Write a drawing as .svg or .png. Raises ConfigError, or MissingExtraError for PNG."""
    try:
        match target.suffix.lower():
            case ".svg":
                target.write_text(svg(drawing), "utf-8")
            case ".png":
                _png(drawing).save(target)
            case other:
                raise ConfigError(f"-o {target}: ends in {other!r}, not .svg or .png")
    except OSError as error:
        raise ConfigError(f"-o {target}: cannot be written: {error.strerror or error}") from None


def svg(drawing: Drawing) -> str:
    """A drawing as an SVG document."""
    width, height = drawing.width, drawing.height
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="{FONT}">',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            *map(_element, drawing.shapes),
            "</svg>",
            "",
        ]
    )


def _element(shape: Shape) -> str:
    a = [f"{value:.1f}" for value in shape.at]
    paint = f'fill="{shape.colour}" fill-opacity="{shape.opacity:g}"'
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in shape.points) if len(a) % 2 == 0 else ""
    match shape.kind:
        case "rect":
            w, h = shape.at[2] - shape.at[0], shape.at[3] - shape.at[1]
            return f'<rect x="{a[0]}" y="{a[1]}" width="{w:.1f}" height="{h:.1f}" {paint}/>'
        case "circle":
            return f'<circle cx="{a[0]}" cy="{a[1]}" r="{a[2]}" {paint}/>'
        case "polygon":
            return f'<polygon points="{corners}" {paint}/>'
        case "line":
            return (
                f'<polyline points="{corners}" fill="none" stroke="{shape.colour}" '
                f'stroke-opacity="{shape.opacity:g}" stroke-width="{shape.width:g}" '
                'stroke-linejoin="round" stroke-linecap="round"/>'
            )
        case "text":
            return (
                f'<text x="{a[0]}" y="{a[1]}" {paint} stroke="#ffffff" stroke-width="3" '
                f'paint-order="stroke" xml:space="preserve">{escape(shape.text)}</text>'
            )


def _png(drawing: Drawing) -> Any:
    try:
        image_module, draw_module = import_module("PIL.Image"), import_module("PIL.ImageDraw")
    except ImportError:
        raise MissingExtraError(
            "-o with .png needs Pillow, which is not installed",
            hint="pip install pillow, or write an .svg",
        ) from None
    image = image_module.new("RGB", (drawing.width, drawing.height), "#ffffff")
    draw = draw_module.Draw(image, "RGBA")
    for shape in drawing.shapes:
        fill = (*bytes.fromhex(shape.colour[1:]), round(255 * shape.opacity))
        match shape.kind:
            case "rect":
                draw.rectangle(shape.at, fill=fill)
            case "circle":
                x, y, r = shape.at
                draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)
            case "polygon":
                draw.polygon(shape.points, fill=fill)
            case "line":
                for a, b in pairwise(shape.points):
                    draw.line((*a, *b), fill=fill, width=round(shape.width))
            case "text":
                x, y = shape.at
                draw.text(
                    (x, y), shape.text, fill=fill, font_size=FONT, anchor="ls",
                    stroke_width=2, stroke_fill="#ffffff",
                )  # fmt: skip
    return image
