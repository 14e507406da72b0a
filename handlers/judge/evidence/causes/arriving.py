"""About the target: wrong_way, stops_short, overshoot, drifts_past, dwell_reset."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from handlers.judge.evidence.causes.moving import still
from handlers.judge.evidence.causes.occurrence import Occurrence
from handlers.judge.evidence.legs import Leg

AWAY_M = 0.3
"""wrong_way: so much farther from the target than it began."""
SHORT_TICKS = 3
SHORT_M, CAME = 1.0, 0.5
"""stops_short: it stands within so many m, having done such a part of the way, 0.2 m at least."""
PAST_M = 0.5
"""drifts_past: it was so much nearer before, and did not turn back by BACK_M."""
BACK_M = 0.2
CLOSE_M, CLOSE, CAME_M = 0.25, 0.5, 0.2
"""... and had come this close, or left this part of the way; by 0.2 m at least."""
LEAP_M = 0.15
"""overshoot: a move at least this long."""


def wrong_way(leg: Leg) -> Iterator[Occurrence]:
    """It ended farther from the target than it began, and had not been close to it."""
    first, last, nearest = leg.way_at_first, leg.way_at_last, leg.nearest
    if leg.done or leg.is_begun or first is None or last is None or nearest is None:
        return
    if last >= first + AWAY_M and not _was_close(leg, first, nearest[1]):
        start = nearest[0] + 1 if nearest[1] < first else 0
        yield Occurrence("wrong_way", min(start, len(leg.ticks) - 1), len(leg.ticks) - 1)


def _was_close(leg: Leg, first: float, nearest: float) -> bool:
    if nearest <= 0:
        return True
    return first - nearest >= CAME_M and (nearest <= CLOSE_M or nearest <= CLOSE * first)


def stops_short(leg: Leg) -> Iterator[Occurrence]:
    """It came near the target and then only stood."""
    first, last = leg.way_at_first, leg.way_at_last
    if leg.done or leg.is_begun or first is None or not last or last > SHORT_M:
        return
    if first - last < max(CAME * first, 0.2):
        return
    shown = still(leg)
    count = next((n for n, value in enumerate(reversed(shown)) if not value), len(shown))
    if SHORT_TICKS <= count < len(shown):
        yield Occurrence("stops_short", len(shown) - count, len(shown) - 1)


def overshoot(leg: Leg) -> Iterator[Occurrence]:
    """One move went through the target and ended beyond it."""
    aim = leg.aim
    if aim is None or leg.done or not aim.has_place:
        return
    ways = [leg.way_at_first, *leg.way]
    for index, (a, b, moved, way) in enumerate(
        zip(leg.befores, leg.ticks, leg.moved, ways, strict=False)
    ):
        if moved is None or moved < LEAP_M or a is None or way is None or moved <= way:
            continue  # not known, no leap, or too short to get there
        if a.x is None or a.y is None or b.x is None or b.y is None:
            continue
        if aim.crosses((a.x, a.y), (b.x, b.y)):
            yield Occurrence("overshoot", index, index)


def drifts_past(leg: Leg) -> Iterator[Occurrence]:
    """It came close, did not arrive, and went on and on."""
    first, last, nearest = leg.way_at_first, leg.way_at_last, leg.nearest
    if leg.done or leg.is_begun or first is None or last is None or nearest is None:
        return
    index, way = nearest
    if last < way + PAST_M or index + 1 >= len(leg.ticks) or not _was_close(leg, first, way):
        return
    after = [w for w in leg.way[index:] if w is not None]
    if all(b > a - BACK_M for a, b in itertools.pairwise(after)):
        yield Occurrence("drifts_past", index + 1, len(leg.ticks) - 1)


def dwell_reset(leg: Leg) -> Iterator[Occurrence]:
    """What has to hold for some ticks in a row was given up before they were over."""
    aim = leg.aim
    if aim is None or leg.done:
        return
    held: list[bool | None] = []
    ticks = 1
    if aim.near and aim.near_ticks > 1:
        ticks = aim.near_ticks
        held = [None if way is None else way <= 0 for way in leg.way]
    elif aim.looks is not None and aim.look_ticks > 1:
        ticks = aim.look_ticks
        held = [None if t.visible is None else aim.looks in t.visible for t in leg.ticks]
    count = 0
    for index, holds in enumerate(held):
        if holds:
            count += 1
            continue
        if holds is False and 0 < count < ticks:
            yield Occurrence("dwell_reset", index - count, index)
        count = 0
