"""What a goal says that its plan does not do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isclose

from handlers.lora.model.text import Text
from handlers.project.formats.examples import Step

COUNTED = ("distance_m", "rotation_rad", "duration_s", "repeat")
"""Parameters of which nothing at all cannot be done: 0 stands for the action's own amount."""
_FORBIDDING = frozenset({"don't", "dont", "not", "never", "no"})
_MINUS = re.compile(r"(?<![\w.])[-\u2212\u2013]\s?\d|\bminus\b|\bnegative\b", re.IGNORECASE)


def forbids(goal: Text, pieces: Sequence[Text]) -> bool:
    """Whether a goal says what is not to be done, in words that none of the taught `pieces` has."""
    taught = {word for piece in pieces for word in piece.words}
    return any(word in _FORBIDDING and word not in taught for word in goal.words)


def has_minus(goal: str) -> bool:
    """Whether a number of the goal is negative: amounts have no sign."""
    return _MINUS.search(goal) is not None


def all_used(pieces: Sequence[Text], steps: Sequence[Step]) -> bool:
    """Whether every amount of a goal's pieces (m, rad, s, a speed) stands in the plan."""
    values = [value for step in steps for value in step.parameters.values()]
    return all(
        any(isclose(value, quantity.value, rel_tol=2e-3) for value in values)
        for piece in pieces
        for quantity in piece.quantities
        if quantity.kind != "n"
    )
