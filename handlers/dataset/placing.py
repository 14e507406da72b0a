"""Which episode of its log each record belongs to: what the fold says that intake uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers.dataset.chunk import Chunk
from handlers.dataset.wire import Record
from handlers.project.formats.runlog import MissionFold
from store.events.files import EpisodeFact


class OutOfOrder(Exception):
    """A tick is not above the last of its episode. Caught by LogSteps, met by no user."""


class Places:
    """Places records, handed over in the order of the log.

    While ticks grow and nothing ends, the answer is the one before: the fold, which wants every
    field of a line, is shown what may tell alone, and first how far the ticks had come.

    `strict`: raise OutOfOrder where ticks do not grow within an episode.
    """

    def __init__(self, *, strict: bool) -> None:
        self._fold = MissionFold(every=True)  # each step says how its episode went
        self._strict = strict
        self._last: int | None = None
        self._passed: Record | None = None

    def of(self, numbers: Sequence[int], chunk: Chunk, start: int) -> NDArray[np.int64]:
        """The episodes of a chunk's records from `start` on; `numbers`: those of their lines."""
        records = chunk.records[start:]
        found = np.empty(len(records), dtype=np.int64)
        done = 0
        for at in self._told_by(chunk, start):
            if at > done:
                self._pass(records[at - 1])
                found[done:at] = self._fold.index
            found[at] = self._show(numbers[at], records[at])
            done = at + 1
        if done < len(records):
            self._pass(records[-1])
            found[done:] = self._fold.index
        return found

    def episodes(self) -> tuple[EpisodeFact, ...]:
        """What the log says of its episodes, once all records are placed."""
        return tuple(self._fold.finish())

    def _told_by(self, chunk: Chunk, start: int) -> Iterator[int]:
        """The records from `start` on by which another episode may begin, or one end."""
        if not self._strict:
            yield from range(len(chunk) - start)
            return
        telling = chunk.diverged[start:].copy()
        telling[[at for at, record in enumerate(chunk.records[start:]) if _tells(record)]] = True
        ticks = chunk.ticks[start:]
        telling[ticks <= 0] = True
        telling[1:] |= ticks[1:] <= ticks[:-1]
        if len(ticks) and (self._last is None or ticks[0] <= self._last):
            telling[0] = True
        yield from np.flatnonzero(telling).tolist()

    def _pass(self, record: Record) -> None:
        """Pass by the records up to this one, which tell nothing but how far ticks have come."""
        self._last, self._passed = record.tick, record

    def _show(self, number: int, record: Record) -> int:
        tick, fold = record.tick, self._fold
        assert tick is not None
        if self._passed is not None:
            fold.add(0, {"tick": self._passed.tick, "phase_idx": self._passed.phase_idx})
            self._passed = None
        before = fold.index
        fold.add(number, _as_read(record))
        begins = fold.index != before or self._last is None
        if self._strict and not begins and self._last is not None and tick <= self._last:
            raise OutOfOrder
        self._last = tick if begins or self._last is None else max(tick, self._last)
        return fold.index


_FOLDED = (
    "tick", "action", "phase", "phase_idx", "reward", "finite", "phase_done", "phase_failed",
    "mission_success", "terminated", "truncated", "end_reason",
)  # fmt: skip
"""What the fold looks at, besides the pose."""


def _as_read(record: Record) -> dict[str, Any]:
    """A record as the fold wants it."""
    told = {name: getattr(record, name) for name in _FOLDED}
    if bytes(record.stamp).startswith(b"{"):
        told["stamp"] = {}  # that there is one is all that the fold asks here
    return {**told, "obs": msgspec.structs.asdict(record.obs)}


def _tells(record: Record) -> object:
    return (
        record.terminated
        or record.truncated
        or record.mission_success
        or record.phase_failed
        or record.phase_done
        or record.end_reason
        or record.stamp
    )
