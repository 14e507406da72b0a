"""What may help against a cause: rules by the kind of failure, from what env.json and logs know.

A remedy is one rule, or a few that only help together: to turn toward the target takes one rule for
each side. Amounts are of the size of what they answer; what the robot cannot do is not proposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from handlers.judge.candidates.careful import careful
from handlers.judge.candidates.case import Case
from handlers.judge.candidates.moves import Moves
from handlers.judge.prompt.rules.forms import Side
from handlers.judge.prompt.rules.placing import MOST_RULES
from handlers.judge.prompt.rules.rule import Condition, Rule

OFF_DEG = 25.0
"""The target is aside from here on."""
FRONT_DEG = 70.0
"""From here on it is no use to step past what is in front: it has to turn first."""
SIDES: tuple[Side, Side] = ("left", "right")
OTHER: Mapping[Side, Side] = {"left": "right", "right": "left"}


class Remedy(NamedTuple):
    """Rules, and why, in a few words for people."""

    rules: tuple[Rule, ...]
    why: str


class Way:
    """Makes the rules of one case, with this robot's actions: in its phase, or in any (None)."""

    def __init__(self, case: Case, moves: Moves, phase: str | None) -> None:
        self.case, self.moves, self.phase = case, moves, phase

    def in_any_phase(self) -> Way:
        return Way(self.case, self.moves, None)

    def remedy(self, why: str, *rules: Rule | None) -> Iterator[Remedy]:
        """A remedy, unless the robot lacks something that it takes."""
        whole = [rule for rule in rules if rule is not None]
        if len(whole) == len(rules):
            yield Remedy(tuple(whole), why)

    def do(
        self, purpose: str, amount: float | None, *when: Condition, **more: float
    ) -> Rule | None:
        """A rule for an action of this purpose; None for a robot that has none."""
        action = self.moves.action(purpose)
        if action is None:
            return None
        parameters = self.moves.parameters(action, amount, **more)
        return Rule(self.phase, when, action, parameters, mode_id=self.case.finding.id)

    def signal(self, name: str, *when: Condition) -> Rule:
        return Rule(self.phase, when, name, mode_id=self.case.finding.id)


def off(side: Side, degrees: float = OFF_DEG) -> Condition:
    return Condition("bearing", number=degrees, side=side)


def blocked(side: Side | None = None) -> Condition:
    return Condition("blocked", side=side)


STUCK, FALLEN, AHEAD = Condition("stuck"), Condition("fallen"), blocked("ahead")

# -- families of remedies --------------------------------------------------------------------------

Family = Callable[[Way], Iterator[Remedy]]


def aside(way: Way) -> Iterator[Remedy]:
    """Step to the side where something is in the way, the freer side first."""
    sides = [way.case.freer_side, OTHER[way.case.freer_side]]
    for metres in (0.6, 0.3):
        for side in sides:
            for what, when in (("stuck", STUCK), ("blocked", blocked()), ("blocked ahead", AHEAD)):
                yield from way.remedy(f"{what}: a step to the {side}", way.do(side, metres, when))


def around(way: Way) -> Iterator[Remedy]:
    """Step past what is in the way, on the target's side; else toward the freer one."""
    free = way.case.freer_side
    for metres in (0.5, 0.3):
        yield from way.remedy(
            "blocked ahead: a step to the target's side",
            *(way.do(side, metres, off(side, 10.0), AHEAD) for side in SIDES),
            way.do(free, metres, AHEAD),
        )


def steer(way: Way) -> Iterator[Remedy]:
    """Turn toward the target, from either side."""
    for degrees in (OFF_DEG, 45.0):
        yield from way.remedy(
            f"more than {degrees:g} degrees off the target: a turn toward it", *_turns(way, degrees)
        )


def head_for(way: Way, only: Side | None = None) -> Iterator[Remedy]:
    """Turn toward the target and walk to it; always past the same side of what is in the way."""
    ahead = Condition("bearing", number=OFF_DEG, side="ahead")
    go = way.do("forward", 0.4, ahead)
    # Where the phase is done by being near something, it would else walk past it.
    there = [_stay(way)] if way.case.near_m and way.phase is not None else []
    turns = _turns(way, OFF_DEG)
    front = Condition("bearing", number=FRONT_DEG, side="ahead")
    free = way.case.freer_side
    for side in (only,) if only is not None else (free, OTHER[free]):
        why = f"turn toward the target, walk to it, and step to the {side} where that is blocked"
        past = way.do(side, 0.5, front, AHEAD)
        yield from way.remedy(why, *there, *_turns(way, FRONT_DEG), past, *turns, go)
    yield from way.remedy("turn toward the target, then walk to it", *there, *turns, go)


def head_anywhere(way: Way) -> Iterator[Remedy]:
    """The same in every phase: what goes wrong in one will in the next. With care, where people
    are: near them it reports, and passes by."""
    if way.phase is None:
        return
    anywhere = way.in_any_phase()
    for side in (way.case.freer_side, OTHER[way.case.freer_side]):
        care = careful(way.case.spec, way.moves, side, way.case.finding.id)
        heading = next(head_for(anywhere, side), None)
        if care and heading is not None and len(care) + len(heading.rules) <= MOST_RULES:
            why = f"{heading.why}, in any phase; report as soon as near, keep off people"
            yield Remedy((*care, *heading.rules), why)
    for remedy in head_for(anywhere):
        yield remedy._replace(why=f"{remedy.why}, in any phase")


def _turns(way: Way, degrees: float) -> list[Rule | None]:
    """To the left and to the right, by as much as it is off at least: never to and fro."""
    amount = round(degrees / 57.3, 2)
    return [way.do(f"turn {side}", amount, off(side, degrees)) for side in SIDES]


def back_off(way: Way) -> Iterator[Remedy]:
    """Back, and then another way."""
    free = way.case.freer_side
    for ticks in (2, 1):
        stuck = Condition("stuck", ticks=ticks)
        yield from way.remedy("stuck: back off", way.do("back", 0.3, stuck))
    back = way.moves.action("back")
    if back is not None:
        yield from way.remedy(
            f"stuck: back off twice at most, then a step to the {free}",
            way.do(free, 0.5, STUCK, Condition("tried", back, 2)),
            way.do("back", 0.3, STUCK),
        )
    yield from way.remedy("blocked ahead: back off", way.do("back", 0.3, AHEAD))


def keep_off(way: Way) -> Iterator[Remedy]:
    """Past what stands where the phase must not go, on the freer side first."""
    for tag in way.case.forbidden:
        front = Condition("bearing", tag, FRONT_DEG, "ahead")
        for limit in (1.2, 0.9):
            for side in (way.case.freer_side, OTHER[way.case.freer_side]):
                rule = way.do(side, 0.4, Condition("within", tag, limit), front)
                yield from way.remedy(f"{tag} is in front and near: a step to the {side}", rule)


def turn_aside(way: Way) -> Iterator[Remedy]:
    """Turn away from what is in the way, to the freer side."""
    free = way.case.freer_side
    for what, when in (("blocked ahead", AHEAD), ("stuck", STUCK)):
        yield from way.remedy(f"{what}: a turn to the {free}", way.do(f"turn {free}", 0.7, when))


def longer(way: Way) -> Iterator[Remedy]:
    """Longer and quicker moves while it is still far."""
    ahead = Condition("bearing", number=OFF_DEG, side="ahead")
    far, farther = Condition("farther", number=0.8), Condition("farther", number=1.2)
    for purpose, metres in (("forward", 1.0), ("quick", 1.0), ("forward", 0.6)):
        for when in ((ahead, far), (farther,)):
            rule = way.do(purpose, metres, *when)
            yield from way.remedy("far from the target: longer moves", rule)


def shorter(way: Way) -> Iterator[Remedy]:
    """Shorter moves where the target is near."""
    ahead = Condition("bearing", number=OFF_DEG, side="ahead")
    for limit, metres in ((1.0, 0.3), (0.6, 0.15)):
        near = Condition("within", number=limit)
        yield from way.remedy(
            "near the target: short moves toward it",
            *(way.do(f"turn {side}", 0.4, near, off(side)) for side in SIDES),
            way.do("forward", metres, near, ahead),
        )


def hold(way: Way) -> Iterator[Remedy]:
    """Stand where the phase is done by being there."""
    yield from way.remedy("at the target: hold still", _stay(way))


def _stay(way: Way) -> Rule | None:
    limit = round(max(way.case.near_m - 0.05, 0.05), 2)
    return way.do("still", None, Condition("within", number=limit))


def tell(way: Way) -> Iterator[Remedy]:
    """Signal where it is due: what is to be reported is in view, or the target near."""
    wanted, needed = way.case.wanted, way.case.panel.requires_visible_tag
    named = wanted.signal_emitted if wanted is not None else False
    names = [named] if isinstance(named, str) else list(way.case.panel.actions)
    if wanted is None or not named:
        return
    for name in names:
        if needed:
            for limit in (1.0, 1.5):
                within = Condition("within", needed, limit)
                yield from way.remedy(f"{needed} is near: signal", way.signal(name, within))
            seen = Condition("seeing", needed)
            yield from way.remedy(f"{needed} is in view: signal", way.signal(name, seen))
        else:
            yield from way.remedy(
                "at the target: signal", way.signal(name, Condition("within", number=0.5))
            )
            yield from way.remedy("signal soon", way.signal(name, Condition("elapsed", number=1)))


def tell_near(way: Way) -> Iterator[Remedy]:
    """Come near with care, and signal as soon as that is near enough."""
    wanted, needed, near = way.case.wanted, way.case.panel.requires_visible_tag, way.case.near_m
    named = wanted.signal_emitted if wanted is not None else False
    if not (isinstance(named, str) and needed and near):
        return
    close = Condition("within", needed, round(near + 0.5, 2))
    ahead = Condition("bearing", needed, OFF_DEG, "ahead")
    yield from way.remedy(
        f"near {needed}: short moves, and signal at {near:g} m",
        way.signal(named, Condition("within", needed, near)),
        way.do("forward", 0.15, close, ahead),
        *(way.do(f"turn {s}", 0.44, Condition("bearing", needed, OFF_DEG, s)) for s in SIDES),
    )


def look(way: Way) -> Iterator[Remedy]:
    """Look around for what is to be seen."""
    aim, needed = way.case.aim, way.case.panel.requires_visible_tag
    tags = [tag for tag in (aim.looks if aim is not None else None, needed) if tag]
    for tag in dict.fromkeys(tags):
        for side in SIDES:
            unseen = Condition("not_seeing", tag)
            yield from way.remedy(
                f"{tag} is not in view: look around", way.do(f"turn {side}", 0.7, unseen)
            )


def approach(way: Way) -> Iterator[Remedy]:
    """Toward a tag in view: what the phase is about, or what a signal needs."""
    wanted, needed = way.case.wanted, way.case.panel.requires_visible_tag
    near = wanted.near_object.tag if wanted is not None and wanted.near_object else None
    for tag in dict.fromkeys(tag for tag in (near, needed) if tag):
        yield from way.remedy(
            f"{tag} is in view and aside: turn toward it",
            *(way.do(f"turn {side}", 0.4, Condition("bearing", tag, 20.0, side)) for side in SIDES),
        )


def upright(way: Way) -> Iterator[Remedy]:
    """Up again, and carefully."""
    yield from way.remedy("fallen: up again", way.do("up", None, FALLEN))
    ahead = Condition("bearing", number=45.0, side="ahead")
    yield from way.remedy("slow, short moves", way.do("forward", 0.3, ahead, speed=0.6))


FAMILIES: Mapping[str, Sequence[Family]] = {
    "stuck": (around, aside, head_anywhere, head_for, back_off, turn_aside),
    "no_effect": (around, aside, head_anywhere, head_for, back_off),
    "obstacle_ignored": (around, aside, head_anywhere, head_for, back_off, turn_aside),
    "oscillating": (head_for, around, steer, head_anywhere, aside, longer),
    "spinning": (head_for, around, head_anywhere, steer, aside),
    "wrong_way": (head_for, steer, head_anywhere, around),
    "too_slow": (longer, head_for),
    "idle": (head_for, tell, look, hold),
    "repeats_pose": (head_for, tell, look, hold),
    "stops_short": (shorter, head_for, tell, hold),
    "overshoot": (shorter, head_for),
    "drifts_past": (shorter, head_for, hold, steer),
    "over_rotation": (head_for, steer, shorter),
    "zone_violated": (keep_off, hold, shorter, head_for, steer),
    "fell": (around, aside, head_anywhere, head_for, upright, back_off),
    "tipped": (around, aside, head_anywhere, head_for, upright, back_off),
    "never_signals": (tell, tell_near, look, approach),
    "missed_signal": (tell, tell_near, look, approach),
    "false_signal": (tell_near, look, head_for, tell, approach),
    "dwell_reset": (hold, head_for, shorter),
    "timeout": (head_for, head_anywhere, around, tell, tell_near, look, longer, aside),
    "phase_failed": (head_for, around, tell, look, aside),
}
"""Cause -> what may help, the likeliest first."""


def remedies(case: Case, moves: Moves) -> list[list[Remedy]]:
    """The remedies of a case by family, the likeliest family first."""
    way = Way(case, moves, case.phase)
    return [list(family(way)) for family in FAMILIES.get(case.finding.kind, ())]
