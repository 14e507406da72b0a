"""Where the words of a drawing go: near what they name, and never on each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, cos, floor, hypot, pi, sin
from unicodedata import east_asian_width

CHAR, LINE = 7.0, 16.0
"""Width of a letter and height of a line of 13-pixel text, pixels; wide letters count twice."""

GAP = 3.0
"""Room left and right of a label that no other comes into, pixels."""

LONGEST = 28
"""Letters of a label; what is longer is cut, since its whole name is in env.json."""

CELL = 4.0
"""Side of the squares that what is taken is noted in, pixels."""

REACH, STEP, SPOKES = 400.0, 8.0, 16
"""How far from its object a label is tried, in which steps (pixels) and how many directions."""

CLEAN = 120.0
"""How far it rather goes, pixels, than stand on another object."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Label:
    """Words at their place: left and top, pixels. `far`: too far from what they name to be clear
    without a line to it."""

    text: str
    left: float
    top: float
    width: float
    far: bool

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The place on its border or in it that is nearest to one, where a line may end."""
        right, bottom = self.left + self.width, self.top + LINE
        return min(max(x, self.left), right), min(max(y, self.top), bottom)


def width_of(text: str) -> float:
    """About how wide a text is, pixels."""
    return CHAR * sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


class Labels:
    """What of a drawing is taken already: `frame` is all there is to place labels in."""

    def __init__(self, frame: Box) -> None:
        self.frame = frame
        self._words: set[tuple[int, int]] = set()
        self._things: set[tuple[int, int]] = set()

    def keep_clear(self, box: Box) -> None:
        """Something drawn that words had better not stand on."""
        self._things.update(_cells(box))

    def keep_line_clear(self, a: tuple[float, float], b: tuple[float, float]) -> None:
        """The same for a straight line."""
        parts = max(1, ceil(hypot(b[0] - a[0], b[1] - a[1]) / CELL))
        for k in range(parts + 1):
            x, y = (p + (q - p) * k / parts for p, q in zip(a, b, strict=True))
            self._things.update(_cells((x - 1.0, y - 1.0, x + 1.0, y + 1.0)))

    def place(self, text: str, x: float, y: float, around: Box) -> Label | None:
        """A label for what lies at x, y and fills `around`; None where there is no room for it.

        Beside it if it can be, else above or below or further out.
        """
        if len(text) > LONGEST:
            text = text[: LONGEST - 1] + "…"
        width = width_of(text)
        for clean in (True, False):
            for left, top, far in _places(x, y, width, around):
                box = (left - GAP, top, left + width + GAP, top + LINE)
                if clean and hypot(left - x, top - y) > CLEAN + width:
                    continue
                cells = _cells(box)
                if not self._inside(box) or not self._words.isdisjoint(cells):
                    continue
                if clean and not self._things.isdisjoint(cells):
                    continue
                self._words.update(cells)
                return Label(text, left, top, width, far)
        return None

    def _inside(self, box: Box) -> bool:
        ax, ay, bx, by = self.frame
        return ax <= box[0] and ay <= box[1] and box[2] <= bx and box[3] <= by


def _places(x: float, y: float, width: float, around: Box) -> Iterator[tuple[float, float, bool]]:
    """Left and top of a label, the best first, and whether it needs a line to what it names."""
    ax, ay, bx, by = around
    middle = y - LINE / 2
    yield bx + 4, middle, False
    yield ax - 4 - width, middle, False
    yield x - width / 2, ay - 2 - LINE, False
    yield x - width / 2, by + 2, False
    for ring in range(1, int(REACH / STEP) + 1):
        for spoke in range(SPOKES):
            angle = 2 * pi * spoke / SPOKES
            out = ring * STEP
            dx, dy = cos(angle), sin(angle)
            left = (bx if dx > 0.1 else ax - width if dx < -0.1 else x - width / 2) + out * dx
            top = (by if dy > 0.1 else ay - LINE if dy < -0.1 else middle) + out * dy
            yield left, top, out > 2 * STEP


def _cells(box: Box) -> set[tuple[int, int]]:
    ax, ay, bx, by = (value / CELL for value in box)
    return {(i, j) for i in range(floor(ax), ceil(bx)) for j in range(floor(ay), ceil(by))}
