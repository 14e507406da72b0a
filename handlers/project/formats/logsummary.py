"""What is known of a log after one pass over it, and the pass itself.

The readers of the two log formats differ only in what they make of a record; hashing, counting,
naming bad lines and leaving a torn tail alone is the same for both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, BinaryIO, Generic, Literal, TypeVar

from handlers.project.formats.lines import (
    MAX_LINE,
    BadLine,
    LineReader,
    parse_line,
    why_no_record,
)
from store.events.files import EpisodeFact, LineCounts, LineProblem, Outcome, RunStamp
from store.identity import Prefix

Format = Literal["mission", "orchestrator"]

MAX_PROBLEMS = 20
MAX_EPISODES = 10_000
MAX_TEXT = 160


@dataclass(frozen=True, slots=True)
class LogSummary:
    """A log file as far as it was read: `digest` is what its first `size` bytes are known by.

    `prior_digest` covers the prefix that was known (None: not asked, or the file is shorter):
    equal to what that was known by, the file has grown, else it was replaced. `problems`
    holds the first MAX_PROBLEMS rejected lines, `counts` counts them all. `more_episodes` counts
    those after the first MAX_EPISODES. `torn_tail`: an unfinished last line waits to be completed.
    """

    format: Format
    size: int
    digest: str
    prior_digest: str | None
    counts: LineCounts
    problems: tuple[LineProblem, ...]
    episodes: tuple[EpisodeFact, ...]
    more_episodes: int
    torn_tail: bool


class Episode(ABC):
    """One episode in the making: a format's own kind of run or session."""

    def __init__(self, index: int, first_line: int) -> None:
        self.index = index
        self.first_line = first_line
        self.ticks = 0
        self.reward: float | None = None
        self.phases_done = 0
        self.phase: str | None = None
        self.stamp: RunStamp | None = None

    @abstractmethod
    def verdict(self) -> tuple[Outcome, str]:
        """How it ended, as far as its records say, and why."""

    def fact(self) -> EpisodeFact:
        """What an event says of it."""
        outcome, reason = self.verdict()
        return EpisodeFact(
            index=self.index,
            first_line=self.first_line,
            ticks=self.ticks,
            outcome=outcome,
            reason=one_line(reason),
            reward=self.reward if self.reward is None or isfinite(self.reward) else None,
            phases_done=self.phases_done,
            last_phase=None if self.phase is None else one_line(self.phase),
            stamp=self.stamp,
        )


Kind = TypeVar("Kind", bound=Episode)


class Fold(ABC, Generic[Kind]):
    """What a log format makes of its records, one after another: episodes in file order.

    Beyond MAX_EPISODES they are only counted, unless every one is asked for.
    """

    def __init__(self, *, every: bool = False) -> None:
        self._every = every
        self.episodes: list[EpisodeFact] = []
        self.more_episodes = 0
        self.current: Kind | None = None

    @abstractmethod
    def add(self, line: int, record: dict[str, Any]) -> str | None:
        """Take in the record on a 1-based line; why not, when it is no record of this format."""

    @property
    def next_index(self) -> int:
        """The index of the episode that is opened next; the current one must be finished."""
        return len(self.episodes) + self.more_episodes

    def finish(self) -> list[EpisodeFact]:
        """Close the current episode as far as it goes, and say what is kept of all so far."""
        if self.current is not None:
            if self._every or len(self.episodes) < MAX_EPISODES:
                self.episodes.append(self.current.fact())
            else:
                self.more_episodes += 1
            self.current = None
        return self.episodes


@dataclass(slots=True)
class LineTally:
    """Counts a file's lines and keeps the first reasons for rejecting some."""

    valid: int = 0
    rejected: int = 0
    blank: int = 0
    problems: list[LineProblem] = field(default_factory=list)
    on_reject: Callable[[int, str], None] | None = None

    def reject(self, line: int, reason: str) -> None:
        self.rejected += 1
        if self.on_reject is not None:
            self.on_reject(line, one_line(reason))
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(LineProblem(line=line, reason=one_line(reason)))

    def counts(self) -> LineCounts:
        return LineCounts(
            read=self.valid + self.rejected + self.blank,
            valid=self.valid,
            rejected=self.rejected,
            blank=self.blank,
        )


def one_line(text: str, limit: int = MAX_TEXT) -> str:
    """Text from a file, made fit for a one-line message."""
    flat = " ".join(text[: 4 * limit].split())
    return flat if len(flat) <= limit else flat[: limit - 3] + "..."


def summarise(stream: BinaryIO, fold: Fold[Any], kind: Format, prior: Prefix | None) -> LogSummary:
    """Read a log to its end, once, and say what is in it. Raises OSError only."""
    reader = LineReader(stream, prior=prior)
    tally = LineTally()
    for number, line in lines_of(reader, tally):
        try:
            reason = fold.add(number, parse_line(line))
        except BadLine as bad:
            reason = str(bad)
        if reason is None:
            tally.valid += 1
        else:
            tally.reject(number, reason)
    head = reader.head()
    episodes = tuple(fold.finish())
    if fold.more_episodes:
        what = f"{fold.more_episodes:,} more runs in it are not told one by one: part the log"
        tally.problems.append(LineProblem(line=reader.number, reason=what))
    return LogSummary(
        format=kind,
        size=head.size,
        digest=head.digest,
        prior_digest=head.prior_digest,
        counts=tally.counts(),
        problems=tuple(tally.problems),
        episodes=episodes,
        more_episodes=fold.more_episodes,
        torn_tail=head.torn_tail,
    )


def lines_of(reader: LineReader, tally: LineTally) -> Iterator[tuple[int, bytes]]:
    """The lines worth parsing; the others are tallied. A whole last line needs no newline.

    A torn one waits to be completed, unless it is all there is and can never become a record.
    """
    too_long = f"longer than {MAX_LINE // 2**20} MiB"
    for number, line in reader:
        if line is None:
            tally.reject(number, too_long)
        elif not line.strip():
            tally.blank += 1
        else:
            yield number, line
    tail = reader.tail
    if _is_complete(tail):
        yield reader.take_tail(), tail
    elif reader.number == 0:
        never = too_long if reader.too_long else why_no_record(tail)
        if never is not None:
            tally.reject(reader.take_tail(), never)


def _is_complete(tail: bytes) -> bool:
    """Whether a last line without a newline is whole: an object that is closed cannot grow."""
    if not tail.rstrip().endswith(b"}"):
        return False
    try:
        parse_line(tail)
    except BadLine:
        return False
    return True
