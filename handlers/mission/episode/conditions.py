"""Whether a phase has succeeded or failed: the predicates of env.json, tick by tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import hypot
from typing import Literal

from handlers.mission.world.vision import place_of
from handlers.project.spec import Condition, Phase, ProjectSpec

SignalEvent = Literal["correct", "false_positive", "missed", "none"]


@dataclass(frozen=True, slots=True)
class TickState:
    """The state after a tick: trunk position (m), attitude, what is seen, signalled, touched.

    visible: tag -> distance (m) of the nearest such object in view; bearings: its direction (rad,
    left positive).
    """

    x: float
    y: float
    z: float
    flipped: bool
    visible: Mapping[str, float]
    bearings: Mapping[str, float] = field(default_factory=dict)
    signal: str | None = None
    signal_event: SignalEvent = "none"
    touched_person: bool = False


def nearest_tag(spec: ProjectSpec, tag: str, x: float, y: float) -> float:
    """Horizontal distance (m) to the middle of the nearest object with a tag."""
    return min(hypot(p[0] - x, p[1] - y) for p in map(place_of, spec.scene.tagged(tag)))


class _Watch:
    """One condition over the ticks of one phase."""

    def __init__(self, spec: ProjectSpec, condition: Condition, start: TickState) -> None:
        self.spec, self.condition = spec, condition
        self.near = self.seen = 0
        self.was_inside = self._inside(condition.exit_zone, start)

    def _inside(self, zone: str | None, state: TickState) -> bool:
        return zone is not None and self.spec.scene.zone(zone).contains((state.x, state.y, state.z))

    def results(self, state: TickState, elapsed: int) -> list[bool]:
        """Every predicate the condition asks for, in turn."""
        c = self.condition
        found: list[bool] = []
        if c.enter_zone is not None:
            found.append(self._inside(c.enter_zone, state))
        if c.exit_zone is not None:
            inside = self._inside(c.exit_zone, state)
            found.append(self.was_inside and not inside)
            self.was_inside = self.was_inside or inside
        if c.near_object is not None:
            near = c.near_object
            close = nearest_tag(self.spec, near.tag, state.x, state.y) <= near.max_distance_m
            self.near = self.near + 1 if close else 0
            found.append(self.near >= near.for_ticks)
        if c.see_object is not None:
            self.seen = self.seen + 1 if c.see_object.tag in state.visible else 0
            found.append(self.seen >= c.see_object.for_ticks)
        if c.elapsed_ticks is not None:
            found.append(elapsed >= c.elapsed_ticks)
        if c.flipped:
            found.append(state.flipped)
        if c.touched_person:
            found.append(state.touched_person)
        return found


class PhaseWatch:
    """Both conditions of the phase under way; made at its first tick.

    `success_when` wants all its predicates at once, `fail_when` any one of them. A signal sent with
    nothing to report (a false positive) does not make a phase succeed, but can make it fail.
    """

    def __init__(self, spec: ProjectSpec, phase: Phase, start: TickState) -> None:
        self.phase = phase
        self.success = _Watch(spec, phase.success_when, start)
        self.failure = _Watch(spec, phase.fail_when, start)
        self.elapsed = 0

    def tick(self, state: TickState) -> tuple[bool, bool]:
        """(done, failed) after another tick of the phase; failing goes first."""
        self.elapsed += 1
        wanted, unwanted = self.phase.success_when, self.phase.fail_when
        won = self.success.results(state, self.elapsed)
        lost = self.failure.results(state, self.elapsed)
        if wanted.signal_emitted:
            sent = state.signal_event == "correct" and _named(wanted, state.signal)
            won.append(sent)
        if unwanted.signal_emitted:
            lost.append(state.signal is not None and _named(unwanted, state.signal))
        failed = any(lost)
        return bool(won) and all(won) and not failed, failed


def _named(condition: Condition, signal: str | None) -> bool:
    return condition.signal_emitted is True or condition.signal_emitted == signal
