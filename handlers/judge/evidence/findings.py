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
    "no_effect",
    "oscillating",
    "spinning",
    "wrong_way",
    "too_slow",
    "idle",
    "stops_short",
    "overshoot",
    "drifts_past",
    "over_rotation",
    "obstacle_ignored",
    "zone_violated",
    "fell",
    "tipped",
    "never_signals",
    "missed_signal",
    "false_signal",
    "phase_skipped",
    "repeats_pose",
    "dwell_reset",
    "diverged",
    "error",
    "interrupted",
    "timeout",
    "phase_failed",
]

MEANINGS: Mapping[str, str] = {
    "stuck": "moves that gained no ground",
    "no_effect": "actions that did nothing, with nothing in the way",
    "oscillating": "left and right, or forth and back, in turn",
    "spinning": "more than a full turn the same way",
    "wrong_way": "away from the target from the start",
    "too_slow": "nearer all the time, and the time was not enough",
    "idle": "stood, and did nothing toward the goal",
    "stops_short": "came near the target and stood there",
    "overshoot": "one move went through the target and beyond",
    "drifts_past": "passed the target and went on",
    "over_rotation": "turned far beyond the target's direction",
    "obstacle_ignored": "ran into what was seen near",
    "zone_violated": "was where the phase forbids it",
    "fell": "tilted over 60 degrees, or down",
    "tipped": "tilted over 45 degrees",
    "never_signals": "never sent the signal that was due",
    "missed_signal": "did not signal while what it reports was in view",
    "false_signal": "signalled with nothing to report, or again and again from afar",
    "phase_skipped": "a phase began before the one before it was done",
    "repeats_pose": "the same pose again and again",
    "dwell_reset": "gave up too early what has to hold for some ticks",
    "diverged": "a pose that physics does not allow",
    "error": "a step, or whoever decides, broke",
    "interrupted": "somebody stopped the run",
    "timeout": "time ran out; no cause was found",
    "phase_failed": "the phase failed; no cause was found",
}
"""Every kind in a few words, for people and models; docs/causes.md has the definitions."""

FOR_PEOPLE = frozenset({"phase_skipped", "diverged", "error", "interrupted"})
"""Kinds that no rule of a prompt can remedy: they are shown, and not sent to a model."""


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
    parameter -> median. `detail`: numbers worth telling: the longest occurrence in ticks, how many
    runs failed and succeeded in the phase, how many successes show as much of it, the lift of the
    failed over the succeeded ones (absent where no success shows it) and the p of Fisher's test.
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
