"""About signals: never_signals, missed_signal, false_signal.

What a robot reports from afar, over and over, in a phase that wants it to be near, is false too:
what it reports may well be in view.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.judge.evidence.causes.occurrence import Occurrence, each
from handlers.judge.evidence.legs import Leg
from handlers.judge.evidence.ticks import Tick

AFAR = 2
"""One signal from afar may be a try; the second is a way to do it."""


def false_signal(leg: Leg) -> Iterator[Occurrence]:
    """A signal with nothing to report: as the log says, else by what was in view before."""
    shown = []
    for before, tick, act in zip(leg.befores, leg.ticks, leg.acts, strict=True):
        false = tick.signal == "false_positive"
        if act.kind == "signal" and tick.signal is None:
            false = _in_view(leg, before) is False
        shown.append(false)
    yield from each("false_signal", shown)


def far_signals(leg: Leg) -> Iterator[Occurrence]:
    """false_signal, where a phase wants its signal at a place: AFAR or more of them outside of it,
    and none within."""
    aim = leg.aim
    if aim is None or not aim.signal or not aim.has_place or leg.done:
        return
    sent = [act.kind == "signal" for act in leg.acts]
    there = [before is None or _is_there(leg, before) for before in leg.befores]
    far = [signal and not near for signal, near in zip(sent, there, strict=True)]
    if far.count(True) >= AFAR and far.count(True) == sent.count(True):
        yield from each("false_signal", far)


def missing_signals(leg: Leg) -> Iterator[Occurrence]:
    """never_signals and missed_signal, where nothing else was left to do."""
    aim = leg.aim
    if aim is None:
        yield from each("missed_signal", [tick.signal == "missed" for tick in leg.ticks])
        return
    if not aim.signal or leg.done:
        return
    due, said = [], []
    for before, tick, act in zip(leg.befores, leg.ticks, leg.acts, strict=True):
        ready = _is_there(leg, before)
        sent = act.kind == "signal"
        clear = _in_view(leg, before)
        missed = tick.signal == "missed" or (tick.signal is None and clear is True)
        said.append(ready and missed and not sent)
        due.append(ready and not sent and clear is not False)
    if any(said) and (any(act.kind == "signal" for act in leg.acts) or _log_says(leg, said)):
        yield from each("missed_signal", said)
    if any(due) and not any(act.kind == "signal" for act in leg.acts):
        first = due.index(True)
        yield Occurrence("never_signals", first, len(due) - 1)


def _log_says(leg: Leg, said: list[bool]) -> bool:
    return any(
        shown and tick.signal == "missed" for shown, tick in zip(said, leg.ticks, strict=True)
    )


def _in_view(leg: Leg, before: Tick | None) -> bool | None:
    """Whether what a signal reports was in view when it was decided; None: nobody knows."""
    aim = leg.aim
    if aim is None or aim.needed is None:
        return None if aim is None else True
    if before is None or before.visible is None:
        return None
    return aim.needed in before.visible


def _is_there(leg: Leg, before: Tick | None) -> bool:
    """Whether the robot was where the phase wants its signal sent, as far as is known."""
    aim = leg.aim
    if aim is None or not aim.has_place:
        return True
    if before is None or before.x is None or before.y is None:
        return True
    return aim.way(before.x, before.y) <= 0
