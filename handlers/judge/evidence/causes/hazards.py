"""What a robot must not do: obstacle_ignored, zone_violated, fell, tipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handlers.judge.evidence.causes.occurrence import Occurrence, each
from handlers.judge.evidence.legs import Leg
from handlers.judge.evidence.ticks import FALLEN_DEG, TIPPED_DEG, Tick, column

BLOCKED_M = 0.35
"""As rules say `blocked`."""
RUN_INTO = 2
"""Moves into something that is known to be there, from which on it is no slip; one that ends in a
fall is enough, and so is one against a person."""
LOW_M, UPRIGHT_M = 0.12, 0.2
"""A quadruped whose trunk comes down to this height within a move from over that has fallen."""
LOWERING = frozenset({"lie_down", "sit", "crouch", "deep_crouch"})


def obstacle_ignored(leg: Leg) -> Iterator[Occurrence]:
    """Moves forward although what stands there was seen near, and that hit it; or a person."""
    ticks, start = leg.ticks, leg.start
    person: list[bool] = column(ticks, "person")
    shown = person.copy()
    nears = [None if start is None else start.nearest_m, *column(ticks, "nearest_m")]
    for index, (near, act) in enumerate(zip(nears, leg.acts, strict=False)):
        if near is not None and near < BLOCKED_M and act.axis == "forward" and act.sign > 0:
            shown[index] = shown[index] or _ran_into(leg, index, ticks[index], near)
    grave = True in person or any(_is_down(ticks[i]) for i, hit in enumerate(shown) if hit)
    if grave or sum(shown) >= RUN_INTO:
        yield from each("obstacle_ignored", shown)


def _ran_into(leg: Leg, index: int, tick: Tick, near: float) -> bool:
    """Whether a move met what was near: told by contact, else by how little it moved."""
    if tick.contact is True or tick.outcome in ("blocked", "fell") or _is_down(tick):
        return True
    moved, told = leg.moved[index], leg.told[index]
    if moved is not None and told > 0:
        return moved < 0.5 * told and (tick.nearest_m is None or tick.nearest_m <= near + 0.05)
    return tick.label == "stuck"


def _is_down(tick: Tick) -> bool:
    return tick.outcome == "fell" or (tick.tilt is not None and tick.tilt > FALLEN_DEG)


def zone_violated(leg: Leg) -> Iterator[Occurrence]:
    """The robot was where the phase says it must not be."""
    aim = leg.aim
    if aim is None or not (aim.keep_out or aim.keep_in or aim.keep_off):
        return
    was_in, shown = True, []
    if aim.keep_in is not None:
        start = leg.start
        was_in = (
            start is None
            or start.x is None
            or start.y is None
            or not aim.trespasses(start.x, start.y, True)
        )
    for tick in leg.ticks:
        if tick.x is None or tick.y is None:
            shown.append(False)
        else:
            shown.append(aim.trespasses(tick.x, tick.y, was_in))
            was_in = was_in or not shown[-1]
    yield from each("zone_violated", shown)


def falls(leg: Leg) -> Iterator[Occurrence]:
    """fell and tipped: by attitude, by what the log says of the action, or by height."""
    if not _may_be_down(leg.ticks):
        return
    tilted = [tilt is not None and tilt > TIPPED_DEG for tilt in column(leg.ticks, "tilt")]
    fallen = [not tick.diverged and _is_down(tick) for tick in leg.ticks]
    for index, (before, tick) in enumerate(zip(leg.befores, leg.ticks, strict=True)):
        if _dropped(before, tick):
            fallen[index] = True
    down = [a or b for a, b in zip(tilted, fallen, strict=True)]
    for found in each("fell", down):
        if not any(fallen[found.first : found.last + 1]):
            found = found._replace(kind="tipped")
        if not all(leg.ticks[i].diverged for i in range(found.first, found.last + 1)):
            yield found


def _may_be_down(ticks: Sequence[Tick]) -> bool:
    """Whether there is anything to look at: in nearly all legs there is not."""
    tilts, heights = column(ticks, "tilt"), column(ticks, "height")
    return (
        max((tilt for tilt in tilts if tilt is not None), default=0.0) > TIPPED_DEG
        or min((height for height in heights if height is not None), default=LOW_M + 1) <= LOW_M
        or "fell" in column(ticks, "outcome")
    )


def _dropped(before: Tick | None, tick: Tick) -> bool:
    """Whether the trunk came down in an action that does not lower it."""
    if before is None or before.height is None or tick.height is None or tick.diverged:
        return False
    if tick.action in LOWERING or tick.action is None:
        return False
    return before.height > UPRIGHT_M and tick.height <= LOW_M
