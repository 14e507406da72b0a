"""What a careful operator would have done instead: the canonical action, and how far off one was.

The canonical action is what the plan of the mission says (policies/guide.py, policies/lookout.py),
from what was known before the action. The action itself is followed on the map, from where the
robot stood, to where it would have led: neither a push nor a stumble is held against it.

A move is measured by the way that is left (metres of open ground), a turn by how far the robot
faces off that way (radians): what was done, less what it gained, is lost. Severity is

    (1 - gained / done) / 2    0 all of it gained, 0.5 nothing, 1 led as far away as it could;
                               less where little is lost (under LITTLE_M, LITTLE_RAD)
    0.5, 0.6   nothing done where there was something to do; and a pose to get up from
    0.4        walked where the ground has to be crawled over
    0.7        another act where a signal was due; 0.8 a signal with nothing to report
    0.8        walked into what is too high; 1 into a zone that fails the phase
    1          anything but getting up, for a robot that is not on its feet

`match` is a severity of MATCH at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, pi
from typing import Any

from handlers.mission.episode.likeness import (
    delta,
    equal,
    family,
    given,
    length_of,
    part_of,
    relative,
)
from handlers.mission.locomotion.actions import LINES, TURNS, Line
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.guide import Advice, Guide
from handlers.mission.policies.lookout import Lookout, clear_to_signal, scan_step
from handlers.mission.policies.protocol import View
from handlers.mission.route.footing import GRID
from handlers.mission.route.ground import swept
from handlers.mission.world.sense import wrapped
from handlers.project.library import ActionLibrary, ActionSpec

MATCH = 0.25
"""The greatest severity that still counts as what was asked for: three quarters of it gained."""

LITTLE_M, LITTLE_RAD = 0.2, 0.2
"""Less than this lost makes for a part of the severity only: about what a push does."""

FACED_RAD = 0.1
"""Facing the way as nearly as this, rad, no turn is too far."""

BAD_M = 2 * GRID
"""This much of ground that an action is not for, m, is no rounding of the map's."""

IDLE, LYING, RISKY, MISSED, FALSE_ALARM, BUMP, FATAL = 0.5, 0.6, 0.4, 0.7, 0.8, 0.8, 1.0

_DOWN = ("sit", "lie_down")


@dataclass(frozen=True, slots=True)
class Loss:
    """How bad an action was (0 to 1), in words, and what it lost: metres of open ground, radians.

    None: it is not measured by that.
    """

    severity: float
    text: str
    way_m: float | None = None
    heading_rad: float | None = None


class Judge:
    """Judges the actions of one run: `advise` before each, `judgment` with what was done."""

    def __init__(self, library: ActionLibrary) -> None:
        self.library = library
        self.lookout, self.guide = Lookout(), Guide()

    def advise(self, view: View) -> Advice:
        """The canonical action of a tick."""
        looking = self.lookout.advise(view)
        view.route.note(view.x, view.y, view.z)
        self.view, self.looks = view, looking is not None
        self.wanted = (
            Advice(looking.call, _certainty(looking.call), looking.rationale or "")
            if looking is not None
            else self.guide.advise(view)
        )
        return self.wanted

    def judgment(self, call: Call, rationale: str | None) -> dict[str, Any]:
        """The `judgment` of the record of what was done in the tick."""
        wanted, loss = self.wanted, self._loss(call)
        left = self.view.route.left(self.view.x, self.view.y)
        if not self.looks:
            self.guide.took(self.view, call)
        spec = self.library.actions.get(wanted.call.action)
        return {
            "match": loss.severity <= MATCH,
            "family_match": family(call.action) == family(wanted.call.action),
            "param_delta": delta(call, wanted.call),
            "severity": round(loss.severity, 3),
            "rationale": f"{loss.text}. {wanted.reason}",
            "canonical_action": wanted.call.action,
            "canonical_params": given(wanted.call),
            "canonical_confidence": wanted.confidence,
            "canonical_reason": wanted.reason,
            "library_spec": _described(spec, self.library) if spec else None,
            "model_rationale": rationale,
            "rationale_alignment": _alignment(rationale, wanted.call.action),
            "remaining_m": _rounded(left if self.view.route.target is not None else None),
            "progress_lost_m": _rounded(loss.way_m),
            "heading_lost_rad": _rounded(loss.heading_rad),
        }

    # -- how far off -------------------------------------------------------------------------------

    def _loss(self, call: Call) -> Loss:
        wanted = self.wanted.call
        if equal(call, wanted) or part_of(call, wanted):
            return Loss(0.0, f"{call.action} is what {wanted.action} asks for")
        if family(wanted.action) == "recovery":
            return Loss(FATAL, f"{wanted.action} was due, {call.action} was done")
        if family(wanted.action) == "signal":
            return Loss(MISSED, f"the signal {wanted.action} was due, {call.action} was done")
        if family(call.action) == "signal":
            clear = clear_to_signal(self.view)
            text = "there was something else to do" if clear else "there was nothing to report"
            return Loss(IDLE if clear else FALSE_ALARM, f"{call.action} was sent: {text}")
        if self.looks:
            return self._unseeing(call)
        route = self.view.route
        if route.target is None:
            return _unlike(call, wanted)
        if call.action in LINES:
            return self._move(call, LINES[call.action])
        if route.there(self.view.x, self.view.y):
            severity = LYING if call.action in _DOWN and family(wanted.action) != "pose" else 0.0
            return Loss(severity, f"{call.action} at the target, for {wanted.action}")
        if call.action in TURNS:
            return self._turn(call, TURNS[call.action][1])
        return self._idle(call)

    def _unseeing(self, call: Call) -> Loss:
        """While the robot looks around, or holds still with what it looked for in view."""
        wanted = self.wanted.call
        text = f"{call.action} for {wanted.action}"
        if wanted.action not in TURNS:
            still = family(call.action) == "pose" and family(wanted.action) == "pose"
            return Loss(0.0 if still else IDLE, text)
        if call.action not in TURNS:
            return Loss(LYING if call.action in _DOWN else IDLE, f"{text}: not looked further")
        angle = (call.rotation_rad or pi / 2) * call.repeat
        if angle > 2 * scan_step(self.view):
            return Loss(RISKY, f"{text}: turned past what was to be looked at")
        return Loss(0.0, f"{text}: looked further")

    def _move(self, call: Call, line: Line) -> Loss:
        view, route = self.view, self.view.route
        length = length_of(call, line)
        start, end = swept(view.x, view.y, view.yaw, length * line.along, length * line.left)
        stroll = route.stroll(start, end)
        before, after = route.left(*start), route.left(*stroll.end)
        done = stroll.cost + stroll.short_m
        gained = before - after if max(before, after) < inf else 0.0
        lost = max(0.0, done - gained)
        severity = _severity(gained, done, lost / LITTLE_M)
        text = f"{call.action}: {lost:.2f} m of the way lost"
        if stroll.forbidden:
            severity, text = FATAL, f"{call.action} leads into a zone that fails the phase"
        elif stroll.short_m > BAD_M:
            severity = max(severity, BUMP)
            text += f", into what is too high after {length - stroll.short_m:.2f} m"
        elif stroll.rough_m > BAD_M and family(call.action) != "careful":
            severity = max(severity, RISKY)
            text += f", over {stroll.rough_m:.2f} m that have to be crawled over"
        return Loss(severity, text, lost, 0.0)

    def _turn(self, call: Call, sign: float) -> Loss:
        angle = (call.rotation_rad or pi / 2) * call.repeat
        before = self.guide.heading(self.view)
        if before is None:  # no way leads on, so no direction is better than another
            return Loss(0.0, f"{call.action} where no way leads nearer")
        after = wrapped(before - sign * angle)
        gained = abs(before) - abs(after)
        lost = max(0.0, angle - gained)
        severity = _severity(gained, angle, lost / LITTLE_RAD)
        if abs(after) < FACED_RAD and angle < pi:
            severity = 0.0
        return Loss(severity, f"{call.action}: {lost:.2f} rad of heading lost", 0.0, lost)

    def _idle(self, call: Call) -> Loss:
        wanted = self.wanted.call
        if family(wanted.action) == "pose":
            return Loss(0.0, f"{call.action} where no way leads nearer")
        severity = LYING if call.action in _DOWN else IDLE
        text = f"{call.action}: nothing gained where {wanted.action} would have"
        line = LINES.get(wanted.action)
        if line is not None:
            return Loss(severity, text, length_of(wanted, line), 0.0)
        return Loss(severity, text, 0.0, wanted.rotation_rad * wanted.repeat)


def _severity(gained: float, done: float, little: float) -> float:
    share = (1.0 - gained / done) / 2.0 if done > 0.0 else 0.0
    return min(max(share, 0.0), 1.0) * min(1.0, little)


def _unlike(call: Call, wanted: Call) -> Loss:
    """By kind and amount, where nothing but the goal's words says what is to be done."""
    asked, done = family(wanted.action), family(call.action)
    if asked != done:
        return Loss(MISSED, f"{wanted.action} was asked for, {call.action} is {done}")
    return Loss(min(0.5, relative(call, wanted) / 2), f"{call.action} for {wanted.action}")


def _certainty(call: Call) -> float:
    """How sure a look around is: what is in view is known, where to look is not."""
    if family(call.action) == "signal":
        return 0.9
    return {"recovery": 0.95, "pose": 0.8}.get(family(call.action), 0.7)


# -- the record ------------------------------------------------------------------------------------


def _rounded(value: float | None) -> float | None:
    return None if value is None or value == inf else round(value, 3)


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
