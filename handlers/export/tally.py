"""What became of every line of a log.

read = written + filtered + skipped + rejected + blank
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

MAX_SAMPLES = 20
MAX_LINES_PER_REASON = 5


class Why(StrEnum):
    """Why a line is not usable: the categories rejected lines are counted by."""

    NOT_UTF8 = "not UTF-8"
    NOT_JSON = "not JSON"
    NOT_OBJECT = "not an object"
    NOT_FINITE = "number not finite"
    LONG_NUMBER = "number too long"
    SURROGATE = "lone surrogate"
    TOO_DEEP = "nested too deeply"
    WRONG_TYPE = "wrong type"
    NO_ACTION = "no action"
    ORCHESTRATOR = "orchestrator event"
    TOO_LONG = "line too long"
    TORN = "torn last line"


class Dropped(StrEnum):
    """Why a usable record is left out on request."""

    PHASE_FAILED = "phase failed"
    TERMINATED = "terminated without mission success"
    LOW_REWARD = "reward below the minimum"
    NO_REWARD = "reward unknown"


@dataclass(frozen=True, slots=True)
class Sample:
    """A rejected line (1-based) and the reason in words."""

    line: int
    reason: str


@dataclass(slots=True)
class Tally:
    """Counts while a log is read. `skipped` tell of no step: reset observations, and what closes
    a run that was cut off.

    `plain_prompts` counts written records whose prompt is the fallback although the template is
    sound: it did not suit a value of theirs.
    """

    read: int = 0
    blank: int = 0
    skipped: int = 0
    written: int = 0
    plain_prompts: int = 0
    rejected_by: Counter[Why] = field(default_factory=Counter)
    filtered_by: Counter[Dropped] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    lines: dict[Why, list[int]] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        return self.rejected_by.total()

    @property
    def filtered(self) -> int:
        return self.filtered_by.total()

    def reject(self, line: int, why: Why, reason: str) -> None:
        """Count a line that is not usable; the first ones are remembered with their reasons."""
        self.rejected_by[why] += 1
        if len(self.samples) < MAX_SAMPLES:
            self.samples.append(Sample(line, reason))
        numbers = self.lines.setdefault(why, [])
        if len(numbers) < MAX_LINES_PER_REASON:
            numbers.append(line)
