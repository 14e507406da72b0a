"""The conditions of rules: each kind, how a line says it, and how a sentence does.

One table for both renderings, and for what a condition must have: a kind that has no form with a
tag takes none. `{name}` stands for a name (plain, or quoted as JSON quotes it), `{n}` for a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right", "ahead"]
Kind = Literal[
    "always", "stuck", "blocked", "fallen", "seeing", "not_seeing", "near", "within", "farther",
    "bearing", "elapsed", "tried",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """One way to fill a condition: `line` and `sentence` are its words."""

    kind: Kind
    line: str
    sentence: str
    side: Side | None = None

    @property
    def has_name(self) -> bool:
        return "{name}" in self.line

    @property
    def has_number(self) -> bool:
        return "{n}" in self.line


FORMS: tuple[Form, ...] = (
    Form("always", "always", "at any time"),
    Form("stuck", "stuck", "you are stuck"),
    Form("blocked", "blocked", "you are blocked"),
    Form("blocked", "blocked on the left", "you are blocked on the left", "left"),
    Form("blocked", "blocked on the right", "you are blocked on the right", "right"),
    Form("blocked", "blocked ahead", "you are blocked ahead", "ahead"),
    Form("fallen", "fallen", "you have fallen"),
    Form("seeing", "seeing {name}", "you see {name}"),
    Form("not_seeing", "not seeing {name}", "you do not see {name}"),
    Form("near", "near {name}", "you are near {name}"),
    Form("within", "within {n} m of {name}", "you are within {n} m of {name}"),
    Form("within", "within {n} m of the target", "you are within {n} m of the target"),
    Form("farther", "farther than {n} m from {name}", "you are farther than {n} m from {name}"),
    Form("farther", "farther than {n} m from the target",
         "you are farther than {n} m from the target"),
    Form("bearing", "seeing {name} more than {n} degrees to the left",
         "you see {name} more than {n} degrees to the left", "left"),
    Form("bearing", "seeing {name} more than {n} degrees to the right",
         "you see {name} more than {n} degrees to the right", "right"),
    Form("bearing", "seeing {name} within {n} degrees ahead",
         "you see {name} within {n} degrees ahead", "ahead"),
    Form("bearing", "the target more than {n} degrees to the left",
         "the target is more than {n} degrees to the left", "left"),
    Form("bearing", "the target more than {n} degrees to the right",
         "the target is more than {n} degrees to the right", "right"),
    Form("bearing", "the target within {n} degrees ahead",
         "the target is within {n} degrees ahead", "ahead"),
    Form("elapsed", "after {n} ticks in phase", "{n} ticks of this phase are over"),
    Form("tried", "after {n} tries of {name}", "you have tried {name} {n} times in this phase"),
)  # fmt: skip

RANGES: dict[Kind, tuple[float, float, bool]] = {
    "within": (0.01, 100.0, False),
    "farther": (0.01, 100.0, False),
    "bearing": (1.0, 179.0, False),
    "elapsed": (1, 9999, True),
    "tried": (1, 20, True),
}
"""Kind -> the least and the largest number worth proposing, in its unit, and whether it is whole.

What somebody else wrote is read with any number.
"""

UNITS: dict[Kind, str] = {
    "within": "m", "farther": "m", "bearing": "degrees", "elapsed": "ticks", "tried": "tries",
}  # fmt: skip

MAX_TICKS = 20
"""Ticks that a condition can be asked to have held for: as many as a brain is given to look at."""
BLOCKED_M = 0.35
"""`blocked`: something is nearer than this to the robot's middle."""
SIDE_M = 0.5
"""`blocked on the left`: there is no room for a step that way."""
NEAR_M = 0.6
FALLEN_DEG = 45.0
