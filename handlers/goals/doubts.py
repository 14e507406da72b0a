"""What of a goal was not understood, or was understood by a choice that somebody must know of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DoubtKind = Literal[
    "unknown",  # a word that means nothing here
    "negated",  # what is not to be done
    "conditional",  # what is to be done only if, unless, until, while
    "range",  # from ... to, at least, up to
    "ambiguous",  # two readings
    "assumed",  # a number whose unit was filled in
    "unit",  # a unit that is not known, or that the action does not take
    "vague",  # a few, a bit, far
    "limit",  # a number the robot cannot do
    "action",  # an action this robot does not have
    "place",  # a place, or an aim, that the words alone do not give
    "nothing",  # no action at all
]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Words of a goal (`goal[start:end]`) and why they are in doubt, in plain words."""

    kind: DoubtKind
    words: str
    start: int
    end: int
    why: str

    def __str__(self) -> str:
        return f"{self.words!r}: {self.why}" if self.words else self.why
