"""How a run ended: diverged, error, interrupted, phase_skipped; timeout and phase_failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handlers.judge.evidence.causes.moving import ATTEMPTS, STILL_M
from handlers.judge.evidence.causes.occurrence import Occurrence, each
from handlers.judge.evidence.legs import Leg
from handlers.judge.evidence.ticks import column
from handlers.project.formats.runlog import ERROR, INTERRUPTED

TURNED_DEG = 5.0
"""Who turned less did not turn: headings of standing robots are off by a degree or two."""


def broken(leg: Leg) -> Iterator[Occurrence]:
    """diverged and error."""
    yield from each("diverged", column(leg.ticks, "diverged"))
    if True in column(leg.ticks, "foreign"):
        vain = _foreign_in_vain(leg)
        yield from each("error", vain if sum(vain) >= ATTEMPTS else ())
    if False not in column(leg.ticks, "step_ok") and ERROR not in column(leg.ticks, "cut_off"):
        return
    yield from each(
        "error",
        [
            tick.cut_off == ERROR
            or (tick.step_ok is False and tick.outcome is None and not tick.diverged
                and tick.cut_off is None)
            for tick in leg.ticks
        ],
    )  # fmt: skip


def _foreign_in_vain(leg: Leg) -> list[bool]:
    """The ticks of actions that the robot has not, and that did nothing; a log of another library
    may call what moved as it likes."""
    return [
        tick.foreign and moved is not None and moved < STILL_M and abs(turned or 0.0) < TURNED_DEG
        for tick, moved, turned in zip(leg.ticks, leg.moved, leg.turned, strict=True)
    ]


def interrupted(leg: Leg) -> Iterator[Occurrence]:
    yield from each("interrupted", [how == INTERRUPTED for how in column(leg.ticks, "cut_off")])


def skipped(legs: Sequence[Leg]) -> Iterator[tuple[Leg, Occurrence]]:
    """phase_skipped: a phase began before the one before it was done, or in another's place."""
    order = legs[0].sight.order if legs else {}
    reached = -1
    for index, leg in enumerate(legs):
        place = order.get(leg.phase)
        if place is None:
            continue
        previous = legs[index - 1] if index else None
        gap = previous is not None and leg.ticks[0].tick - previous.ticks[-1].tick > 1
        # A log may begin anywhere, but not elsewhere than it says in what came before its actions.
        began = leg.start.phase if previous is None and leg.start is not None else None
        jumped = began in order and place > order[began]
        if previous is not None:
            left = previous.phase in order and place != order[previous.phase]
            jumped = left and not gap and (place > reached + 1 or _undone(previous))
        if jumped:
            yield leg, Occurrence("phase_skipped", 0, 0)
        reached = max(reached, place)


def _undone(leg: Leg) -> bool:
    """Whether the log says that the phase was left without being done."""
    return not leg.done and leg.ticks[-1].done is False


def symptom(leg: Leg) -> Iterator[Occurrence]:
    """timeout or phase_failed: what is left to say of a leg for which no cause was found."""
    if leg.timed_out:
        last = next(i for i, tick in enumerate(leg.ticks) if tick.truncated)
        yield Occurrence("timeout", 0, last)
    elif leg.failed:
        yield from each("phase_failed", column(leg.ticks, "failed"))
