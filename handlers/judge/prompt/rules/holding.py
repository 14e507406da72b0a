"""When a rule holds: on what was observed, and on nothing that is not known.

An observation is shaped like a record of a run log: `phase`, `action`, `obs`, `motion`,
`visible_tags`, and what our own logs have besides (docs/formats.md): `phase_tick`, `target`,
`tag_bearings`, `clear_m`. What is missing or no finite number is unknown, and a condition about
something unknown does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from handlers.judge.prompt.rules.forms import BLOCKED_M, FALLEN_DEG, NEAR_M, SIDE_M
from handlers.judge.prompt.rules.rule import Condition, Rule

Observation = Mapping[str, Any]


def first_match(
    rules: Iterable[Rule], observation: Observation, recent: Iterable[Observation] = ()
) -> Rule | None:
    """The first rule whose conditions all hold. `recent`: those before it, the newest last."""
    history = [*recent, observation]
    return next((rule for rule in rules if holds(rule, history)), None)


def holds(rule: Rule, history: Sequence[Observation]) -> bool:
    """Whether a rule holds at the last of these observations."""
    if rule.phase is not None and history[-1].get("phase") != rule.phase:
        return False
    return all(_has_held(rule.phase, condition, history) for condition in rule.conditions)


def _has_held(phase: str | None, condition: Condition, history: Sequence[Observation]) -> bool:
    """For its ticks in a row, all of them in the rule's phase."""
    ends = range(len(history), len(history) - condition.ticks, -1)
    return len(history) >= condition.ticks and all(
        (phase is None or history[end - 1].get("phase") == phase)
        and is_true(condition, history[:end])
        for end in ends
    )


def is_true(condition: Condition, history: Sequence[Observation]) -> bool:
    """Whether a condition is true of the last observation, however long it has been."""
    now = history[-1]
    number, name = condition.number or 0.0, condition.name or ""
    match condition.kind:
        case "always":
            return True
        case "stuck":
            return _part(now, "motion").get("label") == "stuck"
        case "blocked":
            return _is_blocked(condition, now)
        case "fallen":
            obs = _part(now, "obs")
            tilts = (_number(obs.get("roll_deg")), _number(obs.get("pitch_deg")))
            return any(tilt is not None and abs(tilt) > FALLEN_DEG for tilt in tilts)
        case "seeing":
            return name in _part(now, "visible_tags")
        case "not_seeing":
            return isinstance(now.get("visible_tags"), Mapping) and name not in now["visible_tags"]
        case "near":
            distance = _number(_part(now, "visible_tags").get(name))
            return distance is not None and distance < NEAR_M
        case "within" | "farther":
            distance = _distance(condition, now)
            if distance is None:
                return False
            return distance <= number if condition.kind == "within" else distance > number
        case "bearing":
            return _is_there(condition, now, number)
        case "elapsed":
            ticks = _number(now.get("phase_tick"))
            return ticks is not None and ticks >= number
        case "tried":
            return _tries(name, history) >= number


def _is_blocked(condition: Condition, now: Observation) -> bool:
    if condition.side is None:
        nearest, limit = _number(_part(now, "obs").get("nearest_m")), BLOCKED_M
    else:
        nearest, limit = _number(_part(now, "clear_m").get(condition.side)), SIDE_M
    return nearest is not None and 0 <= nearest < limit


def _distance(condition: Condition, now: Observation) -> float | None:
    if condition.name is None:
        return _number(_part(now, "target").get("distance_m"))
    return _number(_part(now, "visible_tags").get(condition.name))


def _is_there(condition: Condition, now: Observation, degrees: float) -> bool:
    """Whether the tag or the target is in that direction; left is positive."""
    if condition.name is None:
        bearing = _number(_part(now, "target").get("bearing_deg"))
    else:
        bearing = _number(_part(now, "tag_bearings").get(condition.name))
    if bearing is None:
        return False
    if condition.side == "ahead":
        return abs(bearing) <= degrees
    return bearing > degrees if condition.side == "left" else -bearing > degrees


def _tries(action: str, history: Sequence[Observation]) -> int:
    """How often an action was taken in the present phase, as far back as is remembered."""
    ticks = _number(history[-1].get("phase_tick"))
    if ticks is None or ticks < 1:
        return 0
    return sum(past.get("action") == action for past in history[-int(min(ticks, 1e6)) :])


def _part(observation: Observation, name: str) -> Mapping[str, Any]:
    value = observation.get(name)
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    """A finite number; true and false are none."""
    if (type(value) is float or type(value) is int) and abs(value) < 1e300:
        return float(value)
    return None
