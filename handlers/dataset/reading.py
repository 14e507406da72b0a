"""A log's lines as the steps of its episodes, in order, each with what was observed before it.

Lines are taken as they come while ticks grow, as in nearly every log. Where a tick comes again or
out of order within an episode, all of the log is read first and put in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from handlers.dataset.chunk import Chunk
from handlers.dataset.placing import OutOfOrder, Places
from handlers.dataset.records import NO_ACTION, TWICE, Counts, LogRecords
from handlers.dataset.wire import Record
from handlers.project.formats.runlog import cut_off
from store.events.files import EpisodeFact


class Steps(NamedTuple):
    """Actions among consecutive records.

    `rows`: where in the chunk their records are. `before`: where the record before each is, -1
    where what was seen before it is unknown. `episodes`: each one's, by number.
    """

    chunk: Chunk
    rows: NDArray[np.int64]
    before: NDArray[np.int64]
    episodes: NDArray[np.int64]


class LogSteps:
    """The steps of a log, once through; afterwards `episodes` and `counts` say what was there.

    `size`: read no further than so many bytes (what is appended later is for later). `batch`: how
    many to go through at once. No content makes it raise; OSError does.
    """

    def __init__(self, path: Path, size: int | None, batch: int) -> None:
        self._path, self._size, self._batch = path, size, batch
        self.counts = Counts()
        self.episodes: tuple[EpisodeFact, ...] = ()

    def __iter__(self) -> Iterator[Steps | None]:
        """The steps. None: what came so far is void, and they begin anew, in order.

        As long as steps come, a batch of them ends where some Steps end.
        """
        try:
            yield from self._as_they_come()
        except OutOfOrder:
            yield None
            self.counts = Counts()
            yield from self._put_in_order()

    def _as_they_come(self) -> Iterator[Steps]:
        places, link = Places(strict=True), _Link(self.counts, self._batch)
        numbers: list[int] = []
        records: list[Record] = []

        def linked(count: int) -> Steps:
            chunk, start = link.chunk(records[:count])
            steps = link.steps(chunk, start, places.of(numbers[:count], chunk, start))
            del numbers[:count], records[:count]
            return steps

        for block in LogRecords(self._path, self._size, self.counts):
            numbers.extend(block.numbers)
            records.extend(block.records)
            while len(records) >= link.wanted:
                yield linked(link.wanted)
        if records:
            yield linked(len(records))
        self.episodes = places.episodes()

    def _put_in_order(self) -> Iterator[Steps]:
        """By episode and tick; of a tick that comes again the first is taken."""
        places = Places(strict=False)
        placed: list[tuple[int, int, Record]] = []
        for block in LogRecords(self._path, self._size, self.counts):
            chunk = Chunk(block.records)
            found = places.of(block.numbers, chunk, 0)
            placed += zip(found.tolist(), chunk.ticks.tolist(), block.records, strict=True)
        self.episodes = places.episodes()
        ordered = list(_once(placed, self.counts))
        link, at = _Link(self.counts, self._batch), 0
        while at < len(ordered):
            part = ordered[at : at + link.wanted]
            at += len(part)
            chunk, start = link.chunk([record for _, record in part])
            yield link.steps(chunk, start, np.array([place for place, _ in part], dtype=np.int64))


class _Link:
    """Finds the steps among records that are in order, each with the record before it."""

    def __init__(self, counts: Counts, batch: int) -> None:
        self._counts, self._batch = counts, batch
        self._before: tuple[Record, int] | None = None
        self.wanted = batch

    def chunk(self, records: list[Record]) -> tuple[Chunk, int]:
        """A chunk of the records that come next, and where they begin in it.

        What comes first in it is the last record before them, where there is one.
        """
        if self._before is None:
            return Chunk(records), 0
        return Chunk([self._before[0], *records]), 1

    def steps(self, chunk: Chunk, start: int, episodes: NDArray[np.int64]) -> Steps:
        if start and self._before is not None:
            episodes = np.concatenate([[self._before[1]], episodes])
        closing = _closing(chunk)
        acts = ~closing & np.array([name is not None for name in chunk.values("action")])
        before = _before(chunk, episodes, closing)
        rows = np.flatnonzero(acts)
        rows = rows[rows >= start]
        known = before[rows]
        gap = (known >= 0) & (chunk.ticks[known] != chunk.ticks[rows] - 1)
        known[gap] = -1
        self._count(chunk, acts[start:], closing[start:], int(gap.sum()), start)
        if len(last := np.flatnonzero(~closing)):
            self._before = chunk.records[last[-1]], int(episodes[last[-1]])
        # So that a batch ends with a chunk; but a log without steps is not read line by line.
        left = self._batch - self._counts.rows % self._batch
        self.wanted = left if len(rows) else self._batch
        return Steps(chunk, rows, known, episodes[rows])

    def _count(
        self, chunk: Chunk, acts: NDArray[np.bool_], closing: NDArray[np.bool_], gaps: int,
        start: int,
    ) -> None:  # fmt: skip
        counts = self._counts
        counts.rows += int(acts.sum())
        counts.gaps += gaps
        first = chunk.ticks[start:] == 0
        counts.skipped += int((~acts & (closing | first)).sum())
        if without := int((~acts & ~closing & ~first).sum()):
            counts.rejected[NO_ACTION] += without


def _closing(chunk: Chunk) -> NDArray[np.bool_]:
    """Which records only close a run that was cut off: they tell of no step, and of no state."""
    return np.array(
        [why is not None and cut_off({"end_reason": why}) is not None
         for why in chunk.values("end_reason")],
        dtype=np.bool_,
    )  # fmt: skip


def _before(
    chunk: Chunk, episodes: NDArray[np.int64], closing: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Where the record before each one is within its episode; -1 where it is the first."""
    places = np.arange(len(chunk))
    shown = np.maximum.accumulate(np.where(closing, -1, places))
    before = np.concatenate([[-1], shown[:-1]])
    before[episodes[before] != episodes] = -1
    return before


def _once(
    placed: Iterable[tuple[int, int, Record]], counts: Counts
) -> Iterator[tuple[int, Record]]:
    def key(item: tuple[int, int, Record]) -> tuple[int, int]:
        return item[:2]

    for _, same in groupby(sorted(placed, key=key), key):
        first, *others = same
        if others:
            counts.rejected[TWICE] += len(others)
        yield first[0], first[2]
