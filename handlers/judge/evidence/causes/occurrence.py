"""Where a leg shows a cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from handlers.judge.evidence.findings import Kind
from handlers.judge.evidence.legs import Leg


class Occurrence(NamedTuple):
    """A cause shown by a leg's ticks with the indices `first` to `last`, inclusive."""

    kind: Kind
    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


Detector = Callable[[Leg], Iterator[Occurrence]]


def stretches(shown: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """First and last index of each run of true values."""
    start = None
    for index, holds in enumerate(shown):
        if holds and start is None:
            start = index
        elif not holds and start is not None:
            yield start, index - 1
            start = None
    if start is not None:
        yield start, len(shown) - 1


def each(kind: Kind, shown: Sequence[bool], shortest: int = 1) -> Iterator[Occurrence]:
    """An occurrence for every run of at least so many true values."""
    if True in shown:
        for first, last in stretches(shown):
            if last - first + 1 >= shortest:
                yield Occurrence(kind, first, last)
