"""About signals: never_signals, missed_signal, false_signal."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.judge.evidence.causes.occurrence import Occurrence, each
from handlers.judge.evidence.legs import Leg
from handlers.judge.evidence.ticks import Tick


def false_signal(leg: Leg) -> Iterator[Occurrence]:
    """A signal with nothing to report: as the log says, else by what was in view before."""
    shown = []
    for before, tick, act in zip(leg.befores, leg.ticks, leg.acts, strict=True):
        false = tick.signal == "false_positive"
        if act.kind == "signal" and tick.signal is None:
            false = _in_view(leg, before) is False
        shown.append(false)
    yield from each("false_signal", shown)


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
