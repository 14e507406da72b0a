"""What a careful operator would have done instead: the canonical action, and how far off one was.

It is decided from what was known before the action, so the robot is never blamed for what it could
not see. Rules are tried in order; the first that applies gives the action, a confidence, a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import degrees, pi
from typing import Any

from handlers.mission.locomotion.skill import Call
from handlers.project.library import ActionLibrary, ActionSpec

SCAN_RAD = pi / 4
OFF_AXIS_RAD = 0.44
LOW_M = 0.16

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

MISMATCH = 0.7
NEIGHBOURS = {
    frozenset(("locomotion", "careful")): 0.4,
    frozenset(("turn_left", "turn_right")): 0.5,
    frozenset(("turn_left", "locomotion")): 0.6,
    frozenset(("turn_right", "locomotion")): 0.6,
}


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known before an action. Distances in m, angles in rad (left positive).

    `off_axis` and `target_m`: direction and way to the phase's target, None without one.
    `step_m`: how much the ground rises within the next 0.6 m. `scans`: the phase is won by seeing.
    `signal`: the one the phase asks for, with `signal_clear` when there is something to report.
    """

    height: float
    roll: float
    pitch: float
    feet_grounded: int
    off_axis: float | None = None
    target_m: float | None = None
    step_m: float = 0.0
    scans: bool = False
    seen: bool = False
    signal: str | None = None
    signal_clear: bool = False
    instructed: Call | None = None


@dataclass(frozen=True, slots=True)
class Canonical:
    """The action the rules ask for."""

    call: Call
    confidence: float
    reason: str


def canonical(now: Situation) -> Canonical:
    """The canonical action of a situation."""
    if abs(now.roll) > 0.6 or abs(now.pitch) > 0.9 or now.height < LOW_M or now.feet_grounded < 2:
        posture = (
            f"roll={degrees(now.roll):+.0f}° pitch={degrees(now.pitch):+.0f}° "
            f"h={now.height:.2f}m feet={now.feet_grounded}"
        )
        return Canonical(Call("stand_up"), 0.95, f"not on its feet ({posture}): stand up first")
    if now.signal is not None:
        if now.signal_clear:
            return Canonical(Call(now.signal), 0.9, "there is something to report: signal it")
        return Canonical(_turn(SCAN_RAD), 0.6, "nothing to report is in view: look further")
    if now.scans:
        if now.seen:
            return Canonical(Call("stand"), 0.8, "what is looked for is in view: hold still")
        return Canonical(_turn(SCAN_RAD), 0.7, "what is looked for is not in view: look further")
    if now.target_m is not None and now.off_axis is not None:
        return _toward(now, now.target_m, now.off_axis)
    if now.instructed is not None:
        return Canonical(now.instructed, 0.5, "the goal says so")
    return Canonical(Call("stand"), 0.3, "the phase gives no target")


def _toward(now: Situation, target_m: float, off_axis: float) -> Canonical:
    if target_m < 0.05:
        return Canonical(Call("stand"), 0.7, "at the target: hold position")
    if abs(off_axis) > OFF_AXIS_RAD:
        return Canonical(
            _turn(off_axis), 0.8, f"the target is {degrees(off_axis):+.0f}° off: turn to it first"
        )
    way = round(min(target_m, 1.0), 2)
    if now.step_m > 0.085:
        side = -1.0 if off_axis > 0 else 1.0
        return Canonical(
            _turn(side * SCAN_RAD), 0.55, f"{now.step_m:.2f} m high ahead: too high, go around"
        )
    if now.step_m > 0.02:
        call = Call("crawl_forward", distance_m=way)
        return Canonical(call, 0.75, f"{now.step_m:.2f} m high ahead: pick footholds")
    call = Call("walk_forward", distance_m=way)
    return Canonical(call, 0.8, "the way to the target is open")


def _turn(angle: float) -> Call:
    return Call("turn_left" if angle > 0 else "turn_right", rotation_rad=round(abs(angle), 3))


def family(action: str) -> str:
    """The family an action belongs to; signals are one."""
    return _FAMILY.get(action, "signal")


def judge(
    call: Call, wanted: Canonical, library: ActionLibrary, rationale: str | None
) -> dict[str, Any]:
    """The `judgment` of a record: severity is 0 for the canonical action and 1 for a dangerous one.

    `match` asks for the same family and a main parameter within 30%.
    """
    emitted, asked = family(call.action), family(wanted.call.action)
    same_family = emitted == asked
    delta = _delta(call, wanted.call)
    relative = _relative(call, wanted.call)
    if same_family:
        severity = min(0.3, 0.3 * relative) + (0.0 if call.action == wanted.call.action else 0.1)
        text = f"{call.action} is what {wanted.call.action} asks for"
        if severity:
            text = f"{call.action} for {wanted.call.action}: same kind, not the same amount"
    elif asked == "recovery":
        severity = 1.0
        text = f"{asked} was canonical ({wanted.call.action}) but {call.action} was done"
    else:
        severity = NEIGHBOURS.get(frozenset((emitted, asked)), MISMATCH)
        text = f"{asked} was canonical ({wanted.call.action}), {call.action} is {emitted}"
    spec = library.actions.get(wanted.call.action)
    return {
        "match": same_family and severity <= 0.1 + 1e-9,
        "family_match": same_family,
        "param_delta": delta,
        "severity": round(severity, 3),
        "rationale": f"{text}. {wanted.reason}",
        "canonical_action": wanted.call.action,
        "canonical_params": _given(wanted.call),
        "canonical_confidence": wanted.confidence,
        "canonical_reason": wanted.reason,
        "library_spec": _described(spec, library) if spec else None,
        "model_rationale": rationale,
        "rationale_alignment": _alignment(rationale, wanted.call.action),
    }


def _given(call: Call) -> dict[str, float]:
    return {
        name: value
        for name in ("distance_m", "rotation_rad", "duration_s")
        if (value := float(getattr(call, name)))
    }


def _delta(call: Call, wanted: Call) -> dict[str, float]:
    given, asked = _given(call), _given(wanted)
    return {name: round(given[name] - asked[name], 4) for name in given if name in asked}


def _relative(call: Call, wanted: Call) -> float:
    """How far the shared parameters are apart, relative to the canonical ones; at least 0.

    Stopping short on the way is no fault: a shorter distance than asked for counts half.
    """
    worst = 0.0
    asked = _given(wanted)
    for name, delta in _delta(call, wanted).items():
        part = abs(delta) / max(asked[name], 0.1)
        worst = max(worst, part / 2 if name == "distance_m" and delta < 0 else part)
    return worst


def _described(spec: ActionSpec, library: ActionLibrary) -> dict[str, Any]:
    return {
        "name": spec.name,
        "robot": library.robot,
        "kind": spec.kind,
        "parameters": list(spec.parameters),
        "default": spec.default,
    }


def _alignment(rationale: str | None, action: str) -> str:
    """Whether the words a policy gave speak of the canonical action."""
    if not rationale:
        return "none"
    words = rationale.lower()
    return "aligned" if action.split("_")[0] in words else "unclear"
