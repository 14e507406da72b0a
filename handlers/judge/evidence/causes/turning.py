"""About headings: oscillating, spinning, over_rotation, and turns the wrong way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import degrees, radians

from handlers.judge.evidence.causes.arriving import wrong_way
from handlers.judge.evidence.causes.moving import ROOM_M
from handlers.judge.evidence.causes.occurrence import Occurrence
from handlers.judge.evidence.legs import Leg

REVERSALS = 4
"""Changes of side from which on a robot oscillates: left, right, left, right, left."""
BALANCE = 0.5
"""Of all it was told to turn or go, at most this part is left when sides are added up."""
COSTLY_RAD, COSTLY = radians(15), 0.5
"""Where time ran out it need not have got nowhere: turns of so much on average that were such a
part of what was done are what the time was spent on, and no corrections on the way."""
AWAY_RAD, AWAY_TURNS, AWAY_PART = radians(10), 3, 0.75
"""Turns away from the target: of so much each, with the target so far to the other side; so many,
and such a part of all turns of which that can be told."""
BEHIND = 165.0
"""Degrees from which on either side is as good."""
NOWHERE_M = 0.3
"""It got nowhere: it ended nearer than this to where it began, or not this much nearer the goal."""
FULL_TURN, GRACE = 400.0, 20.0
"""Degrees in one direction: a full turn to look around, and more; a turn is full within `grace`."""
SPUN_M, SPOT_M = 0.1, 0.5
"""It spins if all those turns brought it less than 0.1 m nearer (without a target: if it is within
0.5 m of where it was); it goes in circles if it is back after a full one, within NOWHERE_M."""
NEEDED, TOO_FAR, OFF = 20.0, 30.0, 30.0
"""over_rotation (degrees): a turn of at least `needed` was due, it went `too_far` beyond, and the
target is `off` to the other side now."""
SLIP, SLIP_PART = 20.0, 1.3
"""Or the robot turned this much, and this many times as far as it was told."""
GROSS = 90.0
"""One turn this far beyond is enough; else two."""


def oscillating(leg: Leg) -> Iterator[Occurrence]:
    """Left and right, or forth and back, in turn: with repeats, and with other moves between."""
    by_axis: dict[str, list[tuple[int, float]]] = {"turn": [], "side": [], "forward": []}
    for index, (act, told) in enumerate(zip(leg.acts, leg.told, strict=True)):
        if told > 0 and act.axis:
            by_axis[act.axis].append((index, act.sign * told))
    for axis, signed in by_axis.items():
        if len(signed) <= REVERSALS or all(amount > 0 for _, amount in signed):
            continue
        if axis != "turn" or not _turns_away(leg):
            yield from _swings(leg, signed)


def _swings(leg: Leg, signed: list[tuple[int, float]]) -> Iterator[Occurrence]:
    """The longest stretches with enough changes of sign that come to little and lead nowhere."""
    start = 0
    while start + REVERSALS < len(signed):
        best = None
        changes, net, gross = 0, signed[start][1], abs(signed[start][1])
        for end in range(start + 1, len(signed)):
            amount = signed[end][1]
            changes += (amount > 0) != (signed[end - 1][1] > 0)
            net, gross = net + amount, gross + abs(amount)
            # Each side is taken back soon: three in a row on one side are a turn, no swing.
            if end >= start + 3 and len({a > 0 for _, a in signed[end - 3 : end + 1]}) == 1:
                break
            first, last = signed[start][0], signed[end][0]
            if changes < REVERSALS or abs(net) > BALANCE * gross:
                continue
            if _nowhere(leg, first, last) or _took_time(leg, signed[start : end + 1]):
                best = end
        if best is None:
            start += 1
            continue
        yield Occurrence("oscillating", signed[start][0], signed[best][0])
        start = best + 1


def _took_time(leg: Leg, signed: Sequence[tuple[int, float]]) -> bool:
    """Whether turns to and fro are what the time of the leg was spent on."""
    first, last = signed[0][0], signed[-1][0]
    if not leg.timed_out or leg.acts[first].axis != "turn":
        return False
    often = len(signed) >= COSTLY * (last - first + 1) and len(signed) >= COSTLY * len(leg.ticks)
    return often and sum(abs(amount) for _, amount in signed) >= COSTLY_RAD * len(signed)


def turned_away(leg: Leg) -> Iterator[Occurrence]:
    """wrong_way: it turned to the side where the target is not, again and again."""
    shown = _turns_away(leg)
    if shown and not any(wrong_way(leg)):
        yield Occurrence("wrong_way", shown[0], shown[-1])


def _turns_away(leg: Leg) -> list[int]:
    """The turns away from the target, where most turns of a leg are such; else none."""
    if leg.aim is None or leg.done or leg.kinds.count("turn") < AWAY_TURNS:
        return []
    turns = [index for index, act in enumerate(leg.acts) if act.axis == "turn"]
    told = {index: said for index in turns if (said := _is_away(leg, index)) is not None}
    away = [index for index in told if told[index]]
    return away if len(away) >= max(AWAY_TURNS, AWAY_PART * len(told)) else []


def _is_away(leg: Leg, index: int) -> bool | None:
    """Whether a turn was away from the target, in the open; None where that cannot be told."""
    act, before, aim = leg.acts[index], leg.befores[index], leg.aim
    if aim is None or before is None or before.x is None or before.y is None:
        return None
    if before.heading is None or _was_hit(leg, index):
        return None
    due = aim.bearing(before.x, before.y, before.heading)
    if due is None or not degrees(AWAY_RAD) <= abs(due) <= BEHIND:
        return None
    is_open = before.nearest_m is None or not 0 <= before.nearest_m < ROOM_M
    return is_open and leg.told[index] >= AWAY_RAD and (due > 0) != (act.sign > 0)


def _nowhere(leg: Leg, first: int, last: int) -> bool:
    """Whether it is known that the robot got nowhere."""
    gain, away = leg.gain(first, last), leg.away(first, last)
    if gain is not None:
        return gain < NOWHERE_M
    return away is not None and away < NOWHERE_M


def spinning(leg: Leg) -> Iterator[Occurrence]:
    """More than a full turn the same way, on the spot or in circles."""
    if "turn" not in leg.kinds:
        return
    turns: list[tuple[int, float]] = []
    sign = 0
    for index, (act, told) in enumerate(zip(leg.acts, leg.told, strict=True)):
        if act.axis != "turn" or not told:
            continue
        if act.sign != sign:
            yield from _spun(leg, turns)
            turns, sign = [], act.sign
        measured = None if _was_hit(leg, index) else leg.turned[index]
        turns.append((index, degrees(told) if measured is None else act.sign * measured))
    yield from _spun(leg, turns)


def _spun(leg: Leg, turns: Sequence[tuple[int, float]]) -> Iterator[Occurrence]:
    """One way round: did it bring nothing, or the robot back to where it was?"""
    if sum(turned for _, turned in turns) < FULL_TURN:
        return
    first, last = turns[0][0], turns[-1][0]
    gain, away = leg.gain(first, last), leg.away(first, last)
    nothing = gain < SPUN_M if gain is not None else away is None or away < SPOT_M
    total, full = 0.0, len(leg.ticks) - 1
    for index, turned in turns:
        if total >= 360.0 - GRACE:
            full = index - 1  # the moves after a circle's last turn belong to it
            break
        total += turned
    back = leg.away(first, full)
    if nothing or (back is not None and back < NOWHERE_M):
        yield Occurrence("spinning", first, last)


def over_rotation(leg: Leg) -> Iterator[Occurrence]:
    """Turns in the right direction that go far beyond what they had to."""
    if "turn" not in leg.kinds:
        return
    found: list[tuple[int, float]] = []
    for index, (act, told, turned) in enumerate(zip(leg.acts, leg.told, leg.turned, strict=True)):
        if act.axis != "turn" or turned is None or _was_hit(leg, index):
            continue
        beyond = _beyond(leg, index, turned)
        meant = degrees(told)
        if abs(turned) >= SLIP_PART * meant + SLIP:
            beyond = max(beyond, abs(turned) - meant)
        if beyond >= TOO_FAR or (beyond and abs(turned) > meant + SLIP):
            found.append((index, beyond))
    if len(found) >= 2 or any(beyond >= GROSS for _, beyond in found):
        for index, _ in found:
            yield Occurrence("over_rotation", index, index)


def _was_hit(leg: Leg, index: int) -> bool:
    """Whether something may have turned the robot that is no action of its own."""
    tick = leg.ticks[index]
    return tick.contact is True or tick.outcome in ("blocked", "fell", "timeout")


def _beyond(leg: Leg, index: int, turned: float) -> float:
    """How far (degrees) a turn went beyond the target's direction; 0 where it did not."""
    before, after, aim = leg.befores[index], leg.ticks[index], leg.aim
    if aim is None or before is None or before.x is None or before.y is None:
        return 0.0
    if before.heading is None or after.heading is None:
        return 0.0
    due = aim.bearing(before.x, before.y, before.heading)
    if due is None or abs(due) < NEEDED or (due > 0) != (turned > 0):
        return 0.0
    beyond = abs(turned) - abs(due)
    off = aim.bearing(before.x, before.y, after.heading)
    return beyond if beyond >= TOO_FAR and off is not None and abs(off) >= OFF else 0.0
