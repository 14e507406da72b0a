"""No ground is gained: stuck, no_effect, idle, repeats_pose, too_slow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from math import radians

from handlers.judge.evidence.causes.occurrence import Occurrence, stretches
from handlers.judge.evidence.legs import Leg
from handlers.judge.evidence.ticks import Tick

ATTEMPTS = 3
"""Moves in vain from which on a robot is stuck; what it does in between does not count."""
GROUND = 0.25
"""A move that got less far than this part of what it was told gained no ground."""
PUSHED, GAINED = 0.6, 0.1
"""Nor did one forward that got less than 0.6 of it, and less than 0.1 of it nearer the target:
robots slide along what they push against."""
ROOM_M = 0.6
"""Ground is open where nothing solid is this near to the robot's middle, whose half is 0.3 m."""
STILL_M = 0.02
"""A move that got less far than this did nothing at all: standing robots sway by 1 cm."""
TURN_ATTEMPTS, TURN_PART, TURN_RAD = 2, 0.2, 0.2
"""Turns of at least 0.2 rad in vain, and which part of it is in vain."""
IDLE_TICKS = 4
SHARE = 0.5
"""Or this part of a leg, if that is at least IDLE_TICKS."""
STANDING = 45.0
"""Degrees of tilt up to which a robot stands: who lies has to get up, however often."""
NEARER_M, NEARER, APPROACHES = 0.2, 0.1, 0.6
"""too_slow: so many m and such a part of the way done, by such a part of the ticks that moved."""
MOVES = 0.5
"""Who moved in less of the ticks had time for the way, and spent it on something else."""


def gained_nothing(leg: Leg) -> list[bool | None]:
    """For each tick whether it was a move in vain; None for what was no move, or is not known."""
    found: list[bool | None] = []
    for index, (act, told, moved) in enumerate(zip(leg.acts, leg.told, leg.moved, strict=True)):
        if act.kind != "gait" or told < 0.05:
            found.append(None)
        elif moved is None:
            label = leg.ticks[index].label
            found.append(None if label is None else label == "stuck")
        elif moved < GROUND * told:
            found.append(True)
        elif moved < PUSHED * told and act.axis == "forward" and act.sign > 0:
            gain = leg.gain(index, index)
            found.append(gain is not None and gain < GAINED * told and not _is_there(leg, index))
        else:
            found.append(False)
    return found


def _is_there(leg: Leg, index: int) -> bool:
    return leg.way[index] == 0


def vain_moves(leg: Leg) -> Iterator[Occurrence]:
    """stuck and no_effect."""
    vain = gained_nothing(leg)
    if True not in vain:
        return
    start = end = None
    count = 0
    for index, value in enumerate([*vain, False]):
        if value:
            start, end, count = (index if start is None else start), index, count + 1
        elif value is False:
            if start is not None and end is not None and count >= ATTEMPTS:
                yield from _vain(leg, start, end, vain)
            start, end, count = None, None, 0


def _vain(leg: Leg, first: int, last: int, vain: list[bool | None]) -> Iterator[Occurrence]:
    """Stuck, unless it is known that nothing held it."""
    moves = [index for index in range(first, last + 1) if vain[index]]
    free = all(_is_free(leg.ticks[index], leg.moved[index], leg) for index in moves)
    if free:
        yield Occurrence("no_effect", first, last)
    if not free or all(leg.ticks[index].label == "stuck" for index in moves):
        yield Occurrence("stuck", first, last)


def _is_free(tick: Tick, moved: float | None, leg: Leg) -> bool:
    if moved is None or moved >= STILL_M or tick.x is None or tick.y is None:
        return False
    if tick.contact or tick.outcome == "blocked":
        return False
    near = tick.nearest_m
    return (near is None or near >= ROOM_M) and leg.sight.ground.is_open(tick.x, tick.y, ROOM_M)


def vain_turns(leg: Leg) -> Iterator[Occurrence]:
    """no_effect: turns after which the robot looks where it looked before."""
    if "turn" not in leg.kinds:
        return
    shown = [
        act.axis == "turn"
        and told >= TURN_RAD
        and turned is not None
        and abs(radians(turned)) < TURN_PART * told
        for act, told, turned in zip(leg.acts, leg.told, leg.turned, strict=True)
    ]
    for first, last in stretches(shown):
        if last - first + 1 >= TURN_ATTEMPTS:
            yield Occurrence("no_effect", first, last)


def still(leg: Leg) -> list[bool]:
    """For each tick whether the robot did nothing toward the goal, though it could."""
    return [
        act.kind == "pose"
        and (before is None or before.tilt is None or before.tilt <= STANDING)
        and not waits(leg, before)
        for act, before in zip(leg.acts, leg.befores, strict=True)
    ]


def waits(leg: Leg, before: Tick | None) -> bool:
    """Whether what the phase asks for now is to hold still."""
    aim = leg.aim
    if aim is None:
        return False
    if aim.waits:
        return not aim.has_place or before is None or _at(leg, before)
    if aim.looks is not None:
        return before is not None and before.visible is not None and aim.looks in before.visible
    return bool(aim.near) and aim.near_ticks > 1 and _at(leg, before)


def _at(leg: Leg, before: Tick | None) -> bool:
    aim = leg.aim
    if aim is None or before is None or before.x is None or before.y is None:
        return False
    return aim.way(before.x, before.y) <= 0


def standing(leg: Leg) -> Iterator[Occurrence]:
    """idle and repeats_pose. What it stood after coming near the target is stops_short."""
    if leg.kinds.count("pose") < IDLE_TICKS:
        return
    shown = still(leg)
    count = sum(shown)
    if count < IDLE_TICKS:
        return
    ticks = leg.ticks
    runs = list(stretches(shown))
    long = [(first, last) for first, last in runs if last - first + 1 >= IDLE_TICKS]
    if not long and count >= SHARE * len(ticks):
        long = [(runs[0][0], runs[-1][1])]
    for first, last in long:
        posed = [ticks[i].action for i in range(first, last + 1) if shown[i]]
        usual = max(set(posed), key=lambda name: (posed.count(name), str(name)))
        repeats = usual != "stand" and posed.count(usual) >= IDLE_TICKS
        yield Occurrence("repeats_pose" if repeats else "idle", first, last)


def pace(leg: Leg) -> Iterator[Occurrence]:
    """too_slow: it came nearer all the time, and the time was not enough."""
    if not leg.timed_out or leg.done or leg.way_at_first is None:
        return
    left, gain = leg.way_at_last, leg.gain(0, len(leg.ticks) - 1)
    if not left or gain is None or gain < max(NEARER_M, NEARER * leg.way_at_first):
        return
    ways = [leg.way_at_first, *leg.way]
    steps = [a - b for a, b in itertools.pairwise(ways) if a is not None and b is not None]
    tried = [gain for gain, act in zip(steps, leg.acts, strict=False) if act.kind == "gait"]
    if len(tried) < MOVES * len(leg.ticks):
        return
    if sum(gain > 0 for gain in tried) >= APPROACHES * len(tried):
        yield Occurrence("too_slow", 0, len(leg.ticks) - 1)
