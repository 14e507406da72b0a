"""Rows whose steps go where their words do not: "turn left" taught as turn_right.

An exam by the same hand says the same, so no score tells. Only what the reader of goals understands
without a doubt is compared, step by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose, pi

from handlers.goals.reading import read_goal
from handlers.project.formats.examples import Step

_MIRRORS = (("_left", "_right"), ("_forward", "_backward"))


def against_words(goal: str, steps: Sequence[Step]) -> str:
    """What the words of a goal say that its steps do not do; "" where nothing is known to."""
    reading = read_goal(goal)
    for doubt in reading.doubts:
        if doubt.kind == "negated" and not reading.steps:
            return f"the words {doubt.words!r} say what is not to be done, and steps are given"
    if reading.doubtful or len(reading.steps) != len(steps):
        return ""
    for said, given in zip(reading.steps, steps, strict=True):
        about = isclose(said.parameters.get("rotation_rad", 0.0), pi, abs_tol=0.02)
        if mirrored(given.action) == said.action and not about:  # about-face is one either way
            return f"the words {said.words!r} say {said.action}, and the steps {given.action}"
    return ""


def mirrored(action: str) -> str:
    """The action that goes the other way; "" for one that goes none."""
    for one, other in _MIRRORS:
        for end, opposite in ((one, other), (other, one)):
            if action.endswith(end):
                return action.removesuffix(end) + opposite
    return ""
