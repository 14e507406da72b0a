"""What mining finds in run logs: failure modes with their counts and the ticks that show them.

A *finding* is a failure mode: a kind of trouble in a phase. Everything in it was counted in code
and can be recounted from the logs; a citation names the ticks where it can be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "stuck",
    "fall",
    "mismatch",
    "timeout",
    "phase_failed",
    "oscillation",
    "missed_signal",
    "false_signal",
    "diverged",
    "error",
]


@dataclass(frozen=True, slots=True, order=True)
class Citation:
    """Ticks `first` to `last` (inclusive) of a run. Its text is `run:first-last`."""

    run: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.run}:{self.first}-{self.last}"

    @classmethod
    def parse(cls, text: str) -> Citation:
        """From its text; raises ValueError when it is none."""
        run, colon, ticks = text.rpartition(":")
        first, dash, last = ticks.partition("-")
        if not (run and colon and dash and first.isdecimal() and last.isdecimal()):
            raise ValueError(f"{text!r} is no citation run:first-last")
        return cls(run, int(first), int(last))


@dataclass(frozen=True, slots=True)
class Finding:
    """One failure mode. `id` is `kind@phase` and stable between minings.

    `count` occurrences in `runs` different runs, covering `ticks` ticks; `first_seen` and
    `last_seen` are run ids in the order the runs were recorded. `citations`: every occurrence that
    ticks show. `actions`: action -> how often it was taken in those ticks. `canonical`: action ->
    how often it was the canonical one there (confidence-gated); `canonical_params`: action ->
    parameter -> median. `detail`: numbers worth telling (longest run of ticks, mean severity ...).
    """

    id: str
    kind: Kind
    phase: str | None
    count: int
    ticks: int
    runs: int
    first_seen: str
    last_seen: str
    citations: tuple[Citation, ...]
    actions: Mapping[str, int] = field(default_factory=dict)
    canonical: Mapping[str, int] = field(default_factory=dict)
    canonical_params: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    detail: Mapping[str, float] = field(default_factory=dict)

    def as_json(self, citations: int | None = None) -> dict[str, Any]:
        """Plain data; `citations` limits how many are listed."""
        return {
            "id": self.id,
            "kind": self.kind,
            "phase": self.phase,
            "count": self.count,
            "ticks": self.ticks,
            "runs": self.runs,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
            "citations": [str(citation) for citation in self.citations[:citations]],
            "actions": dict(self.actions),
            "canonical": dict(self.canonical),
            "detail": dict(self.detail),
        }
