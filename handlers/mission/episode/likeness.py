"""How alike two actions are: their families, their amounts, and one as a part of the other."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.mission.locomotion.actions import LINES, Line
from handlers.mission.locomotion.skill import Call

SAME, PART = 0.05, 0.25
"""Amounts that are this near, as a part of what was asked, are the same; and this much of a move is
a step on the way: stopping short is no fault, standing still nearly is."""

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "recovery": ("stand_up",),
    "pose": ("stand", "sit", "lie_down", "jump", "rear_up", "shake_hand", "rear_kick"),
    "locomotion": ("walk_forward", "trot_forward", "pace_forward", "bound_forward"),
    "careful": ("crawl_forward", "climb_step"),
    "retreat": ("walk_backward",),
    "sidestep": ("side_step_left", "side_step_right"),
    "turn_left": ("turn_left", "precision_turn_left"),
    "turn_right": ("turn_right", "precision_turn_right"),
}
_FAMILY = {action: family for family, actions in FAMILIES.items() for action in actions}


def family(action: str) -> str:
    """The family an action belongs to; signals are one."""
    return _FAMILY.get(action, "signal")


def given(call: Call) -> dict[str, float]:
    """The amounts that a call names."""
    return {
        name: value
        for name in ("distance_m", "rotation_rad", "duration_s")
        if (value := float(getattr(call, name)))
    }


def delta(call: Call, wanted: Call) -> dict[str, float]:
    """The amounts that two calls share: the first's less the second's."""
    done, asked = given(call), given(wanted)
    return {name: round(done[name] - asked[name], 4) for name in done if name in asked}


def relative(call: Call, wanted: Call) -> float:
    """How far the shared parameters are apart, relative to the canonical ones; at least 0."""
    asked = given(wanted)
    apart = delta(call, wanted)
    return max((abs(apart[name]) / max(asked[name], 0.1) for name in apart), default=0.0)


def equal(call: Call, wanted: Call) -> bool:
    """Whether it is the canonical action, in the same amounts."""
    same = call.action == wanted.action and call.repeat == wanted.repeat
    return same and given(call).keys() == given(wanted).keys() and relative(call, wanted) <= SAME


def part_of(call: Call, wanted: Call) -> bool:
    """Whether it is the first part of the canonical move, in a gait that is as careful."""
    done, asked = LINES.get(call.action), LINES.get(wanted.action)
    if done is None or asked is None or (done.along, done.left) != (asked.along, asked.left):
        return False
    if call.duration_s or wanted.duration_s or not _careful_enough(call, wanted):
        return False
    share = length_of(call, done) / length_of(wanted, asked)
    return PART <= share <= 1.0 + SAME


def _careful_enough(call: Call, wanted: Call) -> bool:
    return family(call.action) == "careful" or family(wanted.action) != "careful"


def length_of(call: Call, line: Line) -> float:
    """How far a move goes, m."""
    return (call.distance_m or line.distance) * call.repeat
