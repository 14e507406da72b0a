"""One run told in numbers and words, for a terminal: phases, reward, what it is cited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cadenzad.dashboard.moment import Moment
from cadenzad.dashboard.panels.replay import Replay, replay
from cadenzad.dashboard.panels.runs import Run
from store.events.prompt import RunsJudged

BARS = "▁▂▃▄▅▆▇█"
COLUMNS = 32


@dataclass(frozen=True, slots=True)
class Account:
    """A run and its ticks. `cited`: finding -> ticks of this run that a judging cited for it."""

    run: Run
    replay: Replay
    cited: dict[str, list[str]]

    @property
    def totals(self) -> list[float]:
        """The sum of the rewards after each tick."""
        return [frame.total for frame in self.replay.frames]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        run = self.run
        return {
            **run_json(run),
            "phases": [
                {"phase": phase, "first_tick": first, "last_tick": last}
                for phase, first, last in self.replay.phases
            ],
            "reward_so_far": [round(total, 4) for total in self.totals],
            "cited_for": self.cited,
            "problem": self.replay.problem,
        }


def run_json(run: Run) -> dict[str, Any]:
    """A run's row as plain data."""
    return {
        "run": run.name,
        "path": run.path,
        "outcome": run.outcome,
        "reason": run.reason,
        "ticks": run.ticks,
        "reward": run.reward,
        "phases_done": run.phases_done,
        "policy": run.policy,
        "prompt_version": run.prompt,
        "adapter_version": run.adapter,
        "seed": run.stamp.get("seed"),
        "position": run.position,
        "present": run.present,
    }


def account(moment: Moment, project: str, run: Run) -> Account:
    """Read a run's log, and what judgings cited it for. A log that is gone is said, no error."""
    cited: dict[str, dict[str, None]] = {}
    for record in moment.events(project, "RunsJudged"):
        if isinstance(record.event, RunsJudged):
            for finding in record.event.findings:
                for text in finding.citations:
                    name, _, ticks = text.rpartition(":")
                    if name == run.name:
                        cited.setdefault(finding.id, {})[ticks] = None
    return Account(run, replay(project, run), {mode: list(ticks) for mode, ticks in cited.items()})


def parted(first: Account, second: Account) -> int | None:
    """The first tick at which two runs did something else; None where they never did."""
    acted = [
        {frame.tick: frame.action for frame in item.replay.frames if frame.action is not None}
        for item in (first, second)
    ]
    both = sorted(set(acted[0]) & set(acted[1]))
    return next((tick for tick in both if acted[0][tick] != acted[1][tick]), None)


def sparkline(values: Sequence[float], low: float, high: float) -> str:
    """Values as a row of bars between two bounds, COLUMNS of them at most."""
    if not values:
        return ""
    step = max(1, -(-len(values) // COLUMNS))
    shown = [values[min(at + step, len(values)) - 1] for at in range(0, len(values), step)]
    span = (high - low) or 1.0
    levels = [round((value - low) / span * (len(BARS) - 1)) for value in shown]
    return "".join(BARS[max(0, min(level, len(BARS) - 1))] for level in levels)
