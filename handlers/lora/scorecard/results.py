"""What is measured: a goal's plan against the expected one, and an axis' check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from handlers.lora.exam.shares import Stock
from handlers.lora.model.interface import Decoded, Decoder
from handlers.lora.model.rows import Row
from handlers.project.formats.examples import Step
from store.errors import InputError

Result = Literal["pass", "fail", "undecided"]
TOLERANCE = {
    "distance_m": 0.05,
    "rotation_rad": 0.0873,
    "duration_s": 0.5,
    "speed": 0.05,
    "extension": 0.05,
    "repeat": 0.0,
}
"""How far a number of a plan may be from the expected one: m, rad, s, or a factor."""


@dataclass(frozen=True, slots=True)
class Check:
    """One axis. `gate` says what a failure leads to."""

    axis: str
    value: float | None
    lower: float | None
    upper: float | None
    threshold: float | None
    n: int
    result: Result
    gate: str
    detail: str


@dataclass(frozen=True, slots=True)
class GoalResult:
    """A goal: what was expected and what came. `where` is its row, `problem` why it was no goal for
    this adapter at all.
    """

    goal: str
    expected: tuple[Step, ...]
    got: tuple[Step, ...]
    ok: bool
    refused: bool
    confidence: float
    where: str = ""
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "goal": self.goal,
            "expected": [step.as_json() for step in self.expected],
            "got": [step.as_json() for step in self.got],
            "ok": self.ok,
            "refused": self.refused,
            "confidence": round(self.confidence, 4),
        }


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was told of the sealed part: whether `needed` of `n` are right.

    `n`: equal rows that its `asked` ones are worth, of which `lost` are wrong unasked; `stock`:
    what more of them would be. `needed` None: nothing was asked, and `unasked` says why. `number`,
    `level`: of this look; `next_level`: of the one after it.
    """

    asked: int
    n: int
    needed: int | None
    passed: bool
    number: int
    level: float
    next_level: float
    lost: int = 0
    stock: Stock = field(default_factory=lambda: Stock({}, {}))
    unasked: str = ""


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """A mission phase: what its goal was decoded to. `index` is its place in the mission."""

    index: int
    name: str
    goal: str
    decoded: Decoded


def ask(decoder: Decoder, goal: str, image: Path | None = None) -> tuple[Decoded, str]:
    """A goal's plan, and why there is none when the adapter takes no such goal (or image)."""
    try:
        return decoder.decode(goal, image), ""
    except InputError as error:
        return Decoded(goal, (), True, False, (), 0.0, 0.0), error.message


def examined(decoder: Decoder, row: Row) -> GoalResult:
    """A row, asked."""
    got, problem = ask(decoder, row.goal, row.image_path)
    ok = not problem and same_plan(row.actions, got.actions)
    return GoalResult(
        row.goal, row.actions, got.actions, ok, got.refused, got.confidence, row.where, problem
    )


def spread(rows: Sequence[Row], most: int) -> list[Row]:
    """At most so many rows, evenly from all of them."""
    step = max(1, -(-len(rows) // most))
    return list(rows[::step])


def same_plan(expected: Sequence[Step], got: Sequence[Step]) -> bool:
    """The same actions in the same order, numbers within tolerance; defaults count as given."""
    if [step.action for step in expected] != [step.action for step in got]:
        return False
    for one, other in zip(expected, got, strict=True):
        for name in {*one.parameters, *other.parameters}:
            neutral = 1.0 if name in ("speed", "extension", "repeat") else None
            a, b = one.parameters.get(name, neutral), other.parameters.get(name, neutral)
            if a is None or b is None or abs(a - b) > TOLERANCE[name] + 1e-9:
                return False
    return True
