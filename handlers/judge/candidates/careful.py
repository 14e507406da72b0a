"""What env.json alone says of going near: where to report, and from whom to keep off.

A robot that heads for its target everywhere walks up to a person before it reports, and into them
when it goes on. So it comes near in short moves, signals as soon as it is near enough, and passes
by at a distance where a phase fails by a touch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from handlers.judge.candidates.moves import Moves
from handlers.judge.prompt.rules.forms import Side
from handlers.judge.prompt.rules.rule import Condition, Rule
from handlers.project.spec import Phase, ProjectSpec

SOON_M = 0.4
"""From so far outside of what is near enough on, moves are short."""
SHORT_M = 0.15
OFF_M = 1.0
"""A person is passed by at this distance, if they are in front."""
FRONT_DEG = 60.0


def careful(spec: ProjectSpec, moves: Moves, side: Side, mode_id: str) -> list[Rule]:
    """Rules for every phase that reports near something, or must not touch a person. `side`: the
    one on which people are passed by. Empty where no phase does."""
    rules = []
    for phase in spec.phases:
        rules += [*_report(phase, moves), *_keep_off(phase, spec, moves, side)]
    return [Rule(r.phase, r.conditions, r.action, r.parameters, mode_id) for r in rules]


def _report(phase: Phase, moves: Moves) -> Iterator[Rule]:
    near, signal = phase.success_when.near_object, phase.success_when.signal_emitted
    forward = moves.action("forward")
    if near is None or forward is None or signal not in moves.library:
        return
    enough = near.max_distance_m
    yield Rule(phase.name, (Condition("within", near.tag, enough),), str(signal))
    ahead = Condition("bearing", near.tag, 25.0, "ahead")
    soon = Condition("within", near.tag, round(enough + SOON_M, 2))
    yield Rule(phase.name, (soon, ahead), forward, _amount(moves, forward, SHORT_M))


def _keep_off(phase: Phase, spec: ProjectSpec, moves: Moves, side: Side) -> Iterator[Rule]:
    aside = moves.action(side)
    if not phase.fail_when.touched_person or aside is None:
        return
    near = phase.success_when.near_object
    for tag in dict.fromkeys(item.tag for item in spec.scene.objects if _is_person(item)):
        if near is None or near.tag != tag:
            front = Condition("bearing", tag, FRONT_DEG, "ahead")
            close = Condition("within", tag, OFF_M)
            yield Rule(phase.name, (close, front), aside, _amount(moves, aside, 0.4))


def _amount(moves: Moves, action: str, metres: float) -> Mapping[str, float]:
    return moves.parameters(action, metres)


def _is_person(item: Any) -> bool:
    return bool(item.tag) and bool(getattr(item, "person", False))
