"""What mining says of all runs together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handlers.judge.evidence.findings import Finding
from handlers.judge.evidence.ticks import Episode
from store.text import counted

SUCCEEDED, INTERRUPTED = "succeeded", "interrupted"


@dataclass(frozen=True, slots=True)
class PhaseCount:
    """How many runs came into a phase, and how it ended for them."""

    runs: int = 0
    done: int = 0
    failed: int = 0
    timed_out: int = 0


@dataclass(frozen=True, slots=True)
class MiningReport:
    """What all runs say. `runs` in the order given; `unreadable`: (run id, reason).

    `left_out`: how many runs are no evidence about the prompt, by the reason. `resolved`: ids of
    what runs under an earlier prompt show and none does since.
    """

    findings: tuple[Finding, ...]
    runs: tuple[str, ...]
    ticks: int
    phases: Mapping[str, PhaseCount]
    outcomes: Mapping[str, int]
    unreadable: tuple[tuple[str, str], ...] = ()
    episodes: tuple[Episode, ...] = field(default=(), repr=False)
    left_out: Mapping[str, int] = field(default_factory=dict)
    resolved: tuple[str, ...] = ()

    def finding(self, finding_id: str) -> Finding | None:
        return next((item for item in self.findings if item.id == finding_id), None)

    @property
    def contrast(self) -> str:
        """What the findings are worth, by what there is to compare them with."""
        bad = sum(n for name, n in self.outcomes.items() if name not in (SUCCEEDED, INTERRUPTED))
        good = self.outcomes.get(SUCCEEDED, 0)
        if not bad:
            return "no run failed: there is nothing to explain" if good else "no runs"
        if not good:
            return (
                f"{counted(bad, 'run')} failed and none succeeded: what successful runs would show"
                " as well cannot be told apart"
            )
        return f"{counted(bad, 'run')} that failed, compared with {good} that succeeded"

    def as_json(self) -> dict[str, Any]:
        return {
            "runs": len(self.runs),
            "ticks": self.ticks,
            "outcomes": dict(self.outcomes),
            "contrast": self.contrast,
            "phases": {
                name: {
                    "runs": count.runs,
                    "done": count.done,
                    "failed": count.failed,
                    "timed_out": count.timed_out,
                }
                for name, count in self.phases.items()
            },
            "findings": [finding.as_json() for finding in self.findings],
            "resolved": list(self.resolved),
            "no_evidence": dict(self.left_out),
            "unreadable": [{"run": run, "reason": reason} for run, reason in self.unreadable],
        }

    def digest(self) -> str:
        """A hash of everything that was found."""
        text = json.dumps([self.as_json(), self.runs], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
