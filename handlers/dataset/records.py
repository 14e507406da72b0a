"""A log's lines as records: a block of lines at a time, and what became of each line counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from handlers.dataset.wire import BadLine, Record, decode, lenient
from handlers.project.formats.lines import LineReader

TOO_LONG = "line over 64 MiB"
TORN = "torn last line"
NO_TICK = "no tick number"
NO_ACTION = "no action"
TWICE = "tick that was there before"

_LARGEST, _MANY = 2**53, 2**31
_TICK, _PHASE_IDX = attrgetter("tick"), attrgetter("phase_idx")


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


class Numbered(NamedTuple):
    """Records, each with the 1-based number of its line."""

    numbers: Sequence[int]
    records: list[Record]


class LogRecords:
    """The usable records of a log's first `size` bytes (None: of all), once through.

    `counts` says what became of the other lines. No content makes it raise; OSError does.
    """

    def __init__(self, path: Path, size: int | None, counts: Counts) -> None:
        self._path, self._size, self.counts = path, size, counts

    def __iter__(self) -> Iterator[Numbered]:
        for lines in self._blocks():
            first = self.counts.read + 1
            self.counts.read += len(lines)
            yield self._usable(range(first, first + len(lines)), lines)

    def _blocks(self) -> Iterator[Sequence[bytes]]:
        with self._path.open("rb") as stream:
            reader = LineReader(_Head(stream, self._size), hashing=False)  # type: ignore[arg-type]
            for first, *others in reader.blocks():
                if first is None:
                    self._reject(TOO_LONG)
                yield [line for line in (first, *others) if line is not None]
            if reader.too_long:
                self._reject(TOO_LONG)
            elif (tail := reader.tail).strip():
                if _is_whole(tail):
                    yield [tail]
                else:
                    self._reject(TORN)

    def _reject(self, reason: str) -> None:
        self.counts.read += 1
        self.counts.rejected[reason] += 1

    def _usable(self, numbers: Sequence[int], lines: Sequence[bytes]) -> Numbered:
        found: list[Record | None] = []
        rest = map(decode, lines)
        while len(found) < len(lines):
            try:
                found.extend(rest)  # loops in C; keeps what came before a line that raises
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                found.append(self._second_look(lines[len(found)]))
        records = [record for record in found if record is not None]
        if len(records) == len(lines) and _are_placeable(records):
            return Numbered(numbers, records)
        kept = [
            (number, record)
            for number, record in zip(numbers, found, strict=True)
            if record is not None and self._is_placeable(record)
        ]
        return Numbered([number for number, _ in kept], [record for _, record in kept])

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


def _are_placeable(records: Sequence[Record]) -> bool:
    """Whether each record has a tick and a phase's number that columns can hold."""
    ticks: list[int | None] = list(map(_TICK, records))
    phases: list[int | None] = list(map(_PHASE_IDX, records))
    return _are_within(ticks, _LARGEST) and _are_within(phases, _MANY)


def _are_within(values: Sequence[int | None], limit: int) -> bool:
    """Whether all are known and none reaches the limit."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return False
    return not known or -limit < min(known) <= max(known) < limit


def _is_whole(line: bytes) -> bool:
    try:
        lenient(line)
    except BadLine:
        return False
    return True


def _kind_of(reason: str) -> str:
    """A reason without what is of this line alone."""
    return reason.split(" at column")[0].split(", not ")[0]
