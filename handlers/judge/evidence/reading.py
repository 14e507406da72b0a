"""From a log's bytes to its runs: lines decoded once, a block at a time, the file read once.

A file that holds one run in order, as nearly all do, needs no more than a comparison a line. Where
a tick comes that is not above the last, the fold that intake uses says which run a line belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from handlers.judge.evidence.ticks import (
    Episode,
    RunLog,
    Tick,
    Vocabulary,
    in_order,
    lenient_tick,
    tick_of,
)
from handlers.judge.evidence.wire import Lines, Record, lenient, typed
from handlers.project.formats.lines import LineReader
from handlers.project.formats.logsummary import LineTally, lines_of
from handlers.project.formats.orchestrator import OrchestratorFold
from handlers.project.formats.runlog import MissionFold

BLOCK = 64 * 1024
"""Bytes read at a time: of larger ones the allocator gives each back to the system, and takes as
long to get the next as reading takes."""
SESSION_ERRORS = ("infer_error", "retries_exceeded")


def episodes_of(log: RunLog, words: Vocabulary) -> list[Episode]:
    """The runs in a log. No content makes it raise; OSError does.

    The first is named by the run id, a second in the same file `run-id#2`, and so on.
    """
    with log.path.open("rb", buffering=0) as stream:
        if log.format == "orchestrator":
            return _sessions(log.run_id, lines_of(LineReader(stream, hashing=False), LineTally()))
        return _Runs(log.run_id, words).read(stream)


class _Runs:
    """The runs of one log in the making.

    While ticks only grow there is one run, and the fold is shown its telling records alone: the
    first, and those that end something. It is shown every record from where they do not.
    """

    def __init__(self, run_id: str, words: Vocabulary) -> None:
        self.run_id, self.words = run_id, words
        self.found: list[Episode] = []
        self.fold = MissionFold()
        self.plain = True
        self.last: int | None = None
        self.phase_idx: float | None = None

    def read(self, stream: BinaryIO) -> list[Episode]:
        number, start, rest = 1, 0, b""
        while block := stream.read(BLOCK):
            cut = block.rfind(b"\n") + 1
            if not cut:
                break  # a line longer than any that is ordinary
            whole, rest = rest + block[:cut], block[cut:]
            number, start = number + self._take(number, whole), start + len(whole)
        stream.seek(start)  # to a last line without an end, or one that is too long for a block
        for offset, line in lines_of(LineReader(stream, hashing=False), LineTally()):
            self._take(number + offset - 1, line + b"\n")
        return self._finished()

    def _take(self, number: int, block: bytes) -> int:
        """Take in whole lines, the first of that number. Returns how many they are."""
        words, lines = self.words, Lines(block)
        for at, record in enumerate(typed(lines)):
            tick = tick_of(record, words) if record is not None else None
            if (
                record is not None
                and tick is not None
                and self.plain
                and self.last is not None
                and tick.tick > self.last
                and not _is_telling(record, tick)
            ):
                self.last, self.phase_idx = tick.tick, record.phase_idx
                self.found[-1].ticks.append(tick)
                self.found[-1].elsewhere += tick.phase is None and bool(record.phase)
            else:
                self._look(number + at, lines[at])
        return len(lines)

    def _finished(self) -> list[Episode]:
        for fact, episode in zip(self.fold.finish(), self.found, strict=False):
            episode.outcome, episode.stamp = fact.outcome, fact.stamp
            ticks = episode.ticks if self.plain else in_order(episode.ticks)
            first = next((i for i, tick in enumerate(ticks) if tick.tick > 0), len(ticks))
            episode.before = ticks[first - 1] if first else None
            episode.ticks = ticks[first:]
            episode.unnumbered += sum(tick.tick < 0 for tick in ticks[:first])
        return self.found

    def _look(self, number: int, line: bytes) -> None:
        """Take in a record with every field in view."""
        record = lenient(line)
        if record is None:
            return
        tick = lenient_tick(record, self.words)
        if self.plain and tick is not None and self.last is not None and tick.tick <= self.last:
            self._end_of_plain()
        if self.fold.add(number, record) is not None:
            return
        while len(self.found) <= self.fold.index:
            name = self.run_id if not self.found else f"{self.run_id}#{len(self.found) + 1}"
            self.found.append(Episode(name))
        if tick is not None:
            self.last = tick.tick if self.last is None else max(self.last, tick.tick)
            self.found[-1].ticks.append(tick)
            self.found[-1].elsewhere += tick.phase is None and bool(record.get("phase"))
        else:
            self.found[-1].unnumbered += 1

    def _end_of_plain(self) -> None:
        """From here on the fold sees all; tell it how far the ticks it was spared have come."""
        self.plain = False
        self.fold.add(0, {"tick": self.last, "phase_idx": self.phase_idx})


def _is_telling(record: Record, tick: Tick) -> bool:
    return bool(
        record.terminated
        or record.truncated
        or record.mission_success
        or record.phase_failed
        or record.phase_done
        or record.end_reason
        or tick.diverged
        or record.stamp
        or tick.tick <= 0
    )


def _sessions(run_id: str, lines: Iterator[tuple[int, bytes]]) -> list[Episode]:
    """An orchestrator's log says nothing of what was seen: only its errors are facts."""
    fold = OrchestratorFold()
    errors: dict[int, int] = {}
    index = -1
    for number, line in lines:
        record: Mapping[str, Any] | None = lenient(line)
        if record is None or fold.add(number, dict(record)) is not None:
            continue
        if index < 0 or record.get("event") == "session_start":
            index += 1
        errors.setdefault(index, 0)
        errors[index] += record.get("event") in SESSION_ERRORS
    return [
        Episode(run_id if i == 0 else f"{run_id}#{i + 1}", fact.outcome, [], errors.get(i, 0))
        for i, fact in enumerate(fold.finish())
    ]
