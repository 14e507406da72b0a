"""The keys that goal-conditioned and reinforcement learning need besides, at a record's end.

A record of the reference does not say what was asked for, where an episode ends, nor which run it
is of. With these keys a file can be cut into episodes (a new one begins where `episode_step` is 0),
and numbers are spelled so that a column has one type: what is no count has a decimal point.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from handlers.project.formats.runlog import MissionFold

Keys = Literal["reference", "extended"]

KEYS = ("goal_prompt", "terminated", "truncated", "run_id", "episode_step")

_COUNTS = frozenset({"feet_grounded", "repeat", "direction_changes"})
"""Whole numbers among an observation's, a motion's and an action's; all others are measured."""
_WHOLE = 2**53
"""Above it a float does not hold every integer: such a number stays as the log spells it."""


class Extension:
    """Knows where in its episode each line of a log is; lines must be shown in order."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._fold = MissionFold()
        self._episode, self._step = -1, 0

    def note(self, line: int, tick: Mapping[str, Any], *, is_step: bool) -> dict[str, Any]:
        """KEYS of the tick on a line (1-based). `is_step`: it tells of an action."""
        self._fold.add(line, dict(tick))
        if self._fold.index != self._episode:
            self._episode, self._step = self._fold.index, 0
        said = {
            "goal_prompt": tick.get("goal_prompt"),
            "terminated": _ended(tick),
            "truncated": _flag(tick.get("truncated")),
            "run_id": self._run_id,
            "episode_step": self._step,
        }
        self._step += is_step
        return said


def one_type(value: Any, key: str = "") -> Any:
    """A value with every number that is no count as a float."""
    if type(value) is dict:
        return {name: one_type(item, name) for name, item in value.items()}
    if type(value) is list:
        return [one_type(item, key) for item in value]
    if type(value) is int and key not in _COUNTS and -_WHOLE < value < _WHOLE:
        return float(value)
    return value


def _ended(tick: Mapping[str, Any]) -> bool | None:
    """Whether the episode ended other than by running out of time, which sets both flags in a log.

    Learners bootstrap from the last state where it was cut off, and must not where it ended.
    """
    terminated = _flag(tick.get("terminated"))
    return False if terminated and tick.get("truncated") is True else terminated


def _flag(value: Any) -> bool | None:
    return value if type(value) is bool else None
