"""A log's lines as the steps of its episodes, in order, each with what was observed before it.

Lines are taken as they come while ticks grow, as in nearly every log. Where a tick comes again or
out of order within an episode, all of the log is read first and put in order. Which episode a line
belongs to says the fold that intake uses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from handlers.dataset.wire import BadLine, Record, decode, lenient
from handlers.project.formats.lines import LineReader
from handlers.project.formats.runlog import FAR_M, TALL_M, MissionFold, cut_off
from store.events.files import EpisodeFact

TOO_LONG = "line over 64 MiB"
TORN = "torn last line"
NO_TICK = "no tick number"
NO_ACTION = "no action"
TWICE = "tick that was there before"
_LARGEST, _MANY = 2**53, 2**31


@dataclass(slots=True)
class Counts:
    """What became of a log's lines: read = rows + skipped + rejected + blank.

    `skipped` tell of no step: what was seen before the first action, and what closes a run that was
    cut off. `lenient`: rows of which a value was of the wrong type, and is unknown. `gaps`: rows
    before which a tick is missing, so that what was observed before them is unknown.
    """

    read: int = 0
    blank: int = 0
    skipped: int = 0
    rows: int = 0
    lenient: int = 0
    gaps: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        return {
            "read": self.read,
            "rows": self.rows,
            "skipped": self.skipped,
            "blank": self.blank,
            "rejected": dict(sorted(self.rejected.items())),
            "lenient": self.lenient,
            "gaps": self.gaps,
        }


class Step(msgspec.Struct, gc=False):
    """An action of an episode; `before`: the record before it, None where that is unknown.

    Nothing of it can be part of a cycle: thousands that wait for their batch are not to be looked
    through by the collector again and again, which took an eighth of the time.
    """

    episode: int
    record: Record
    before: Record | None


class OutOfOrder(Exception):
    """A tick is not above the last of its episode. Caught by `steps_of`, met by no user."""


class LogSteps:
    """The steps of a log, once through; afterwards `episodes` and `counts` say what was there.

    `size`: read no further than so many bytes (what is appended later is for later). No content
    makes it raise; OSError does.
    """

    def __init__(self, path: Path, size: int | None = None) -> None:
        self._path, self._size = path, size
        self.counts = Counts()
        self.episodes: tuple[EpisodeFact, ...] = ()

    def __iter__(self) -> Iterator[Step | None]:
        """The steps. None: what came so far is void, and they begin anew, in order."""
        try:
            yield from self._linked(self._placed(strict=True))
        except OutOfOrder:
            yield None
            self.counts = Counts()
            yield from self._linked(_in_order(self._placed(strict=False), self.counts))

    def _placed(self, *, strict: bool) -> Iterator[tuple[int, Record]]:
        """Every usable record and the episode that it belongs to. Raises OutOfOrder if `strict`."""
        places, counts = _Places(), self.counts
        for line in self._lines():
            counts.read += 1
            if line is None:
                counts.rejected[TOO_LONG] += 1
                continue
            try:
                record: Record | None = decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                record = self._second_look(line)
            if record is None or not self._is_placeable(record):
                continue
            place = places.of(counts.read, record)
            if strict and places.is_out_of_order:
                raise OutOfOrder
            yield place, record
        self.episodes = places.episodes()

    def _lines(self) -> Iterator[bytes | None]:
        with self._path.open("rb") as stream:
            reader = LineReader(_Head(stream, self._size), hashing=False)  # type: ignore[arg-type]
            for _, line in reader:
                yield line
            if reader.too_long:
                yield None
            elif (tail := reader.tail).strip():
                if _is_whole(tail):
                    yield tail
                else:
                    self.counts.read += 1
                    self.counts.rejected[TORN] += 1

    def _second_look(self, line: bytes) -> Record | None:
        """The record on a line that does not fit; None, and counted why, where it holds none."""
        if not line.removeprefix(b"\xef\xbb\xbf").strip():
            self.counts.blank += 1
            return None
        try:
            record = lenient(line)
        except BadLine as bad:
            self.counts.rejected[_kind_of(str(bad))] += 1
            return None
        self.counts.lenient += 1
        return record

    def _is_placeable(self, record: Record) -> bool:
        """Whether a record has a tick. A phase's number that no column holds is unknown."""
        tick = record.tick
        if tick is None or not -_LARGEST < tick < _LARGEST:
            self.counts.rejected[NO_TICK] += 1
            return False
        if record.phase_idx is not None and not -_MANY < record.phase_idx < _MANY:
            record.phase_idx = None
            self.counts.lenient += 1
        return True

    def _linked(self, placed: Iterable[tuple[int, Record]]) -> Iterator[Step]:
        """The steps among records that are in order, each with the record before it."""
        episode, before, counts = -1, None, self.counts
        for place, record in placed:
            if place != episode:
                episode, before = place, None
            closes = record.end_reason is not None and _closes(record)
            if closes or record.action is None:
                if closes or record.tick == 0:
                    counts.skipped += 1
                else:
                    counts.rejected[NO_ACTION] += 1
                before = before if closes else record
                continue
            assert record.tick is not None
            if before is not None and before.tick != record.tick - 1:
                counts.gaps += 1
                before = None
            counts.rows += 1
            yield Step(place, record, before)
            before = record


class _Head:
    """The first bytes of a stream, to read."""

    def __init__(self, stream: Any, size: int | None) -> None:
        self._stream, self._left = stream, size

    def read(self, size: int) -> bytes:
        if self._left is None:
            return bytes(self._stream.read(size))
        data = bytes(self._stream.read(min(size, self._left)))
        self._left -= len(data)
        return data


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


class _Places:
    """Which episode each record belongs to.

    While ticks grow and nothing ends, the answer is the one before: the fold, which wants every
    field of a line, is shown what may tell alone, and first how far the ticks had come.
    """

    def __init__(self) -> None:
        self._fold = MissionFold()
        self._last: int | None = None
        self._told = True
        self._phase_idx: int | None = None
        self.is_out_of_order = False

    def of(self, number: int, record: Record) -> int:
        """The episode of the record on a line."""
        tick = record.tick
        assert tick is not None
        if self._last is not None and tick > self._last and not _tells(record):
            self._last, self._told, self._phase_idx = tick, False, record.phase_idx
            return self._fold.index
        if not self._told:
            self._fold.add(0, {"tick": self._last, "phase_idx": self._phase_idx})
        before = self._fold.index
        self._fold.add(number, _as_read(record))
        begins = self._fold.index != before
        self.is_out_of_order = not begins and self._last is not None and tick <= self._last
        self._last = tick if begins or self._last is None else max(tick, self._last)
        self._told, self._phase_idx = True, record.phase_idx
        return self._fold.index

    def episodes(self) -> tuple[EpisodeFact, ...]:
        return tuple(self._fold.finish())


def diverged(record: Record) -> bool:
    """Whether the pose is one that physics does not allow (see the run log's reader)."""
    obs = record.obs
    x, y, z = obs.pos_x, obs.pos_y, obs.body_height
    return (
        record.finite is False
        or (x is not None and not -FAR_M < x < FAR_M)
        or (y is not None and not -FAR_M < y < FAR_M)
        or (z is not None and not -TALL_M < z < TALL_M)
    )


def _tells(record: Record) -> bool:
    return bool(
        record.terminated
        or record.truncated
        or record.mission_success
        or record.phase_failed
        or record.phase_done
        or record.end_reason
        or record.stamp
        or diverged(record)
        or (record.tick is not None and record.tick <= 0)
    )


def _closes(record: Record) -> bool:
    return cut_off({"end_reason": record.end_reason}) is not None


def _in_order(placed: Iterable[tuple[int, Record]], counts: Counts) -> Iterator[tuple[int, Record]]:
    """By episode and tick; of a tick that comes again the first is taken."""

    def key(item: tuple[int, Record]) -> tuple[int, int]:
        return item[0], item[1].tick or 0

    for _, same in groupby(sorted(placed, key=key), key):
        first, *others = same
        counts.rejected[TWICE] += len(others)
        yield first


def _is_whole(line: bytes) -> bool:
    try:
        lenient(line)
    except BadLine:
        return False
    return True


def _kind_of(reason: str) -> str:
    """A reason without what is of this line alone."""
    return reason.split(" at column")[0].split(", not ")[0]
