"""About signals: never_signals, missed_signal, false_signal.

What a robot reports from afar, over and over, in a phase that wants it to be near, is false too:
what it reports may well be in view.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.judge.evidence.causes.occurrence import Occurrence, each
from handlers.judge.evidence.legs import Leg
from handlers.judge.evidence.ticks import Tick, column

AFAR = 2
"""One signal from afar may be a try; the second is a way to do it."""


def false_signal(leg: Leg) -> Iterator[Occurrence]:
    """A signal with nothing to report: as the log says, else by what was in view before."""
    signals = column(leg.ticks, "signal")
    if "false_positive" not in signals and "signal" not in leg.kinds:
        return
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
    sent = [kind == "signal" for kind in leg.kinds]
    if sent.count(True) < AFAR:
        return
    far = [signal and not near for signal, near in zip(sent, _there(leg), strict=True)]
    if far.count(True) >= AFAR and far.count(True) == sent.count(True):
        yield from each("false_signal", far)


def missing_signals(leg: Leg) -> Iterator[Occurrence]:
    """never_signals and missed_signal, where nothing else was left to do."""
    aim = leg.aim
    if aim is None:
        yield from each(
            "missed_signal", [signal == "missed" for signal in column(leg.ticks, "signal")]
        )
        return
    if not aim.signal or leg.done:
        return
    due, said = [], []
    for before, tick, kind, ready in zip(
        leg.befores, leg.ticks, leg.kinds, _there(leg), strict=True
    ):
        sent = kind == "signal"
        clear = _in_view(leg, before)
        missed = tick.signal == "missed" or (tick.signal is None and clear is True)
        said.append(ready and missed and not sent)
        due.append(ready and not sent and clear is not False)
    if any(said) and ("signal" in leg.kinds or _log_says(leg, said)):
        yield from each("missed_signal", said)
    if any(due) and "signal" not in leg.kinds:
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


def _there(leg: Leg) -> list[bool]:
    """Whether the robot was, before each tick, where the phase wants its signal sent, as far as is
    known."""
    return [way is None or way <= 0 for way in leg.ways[:-1]]
