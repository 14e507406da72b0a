"""A whole run of a mission: policy and environment until the end, records as they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from handlers.mission.episode.environment import Mission, Record
from handlers.mission.episode.signals import VisionFirst
from handlers.mission.policies.protocol import Policy

Sink = Callable[[Record], None]


@dataclass(slots=True)
class PhaseResult:
    """One phase of a run. `outcome`: done, failed, or open where the run ended before."""

    name: str
    ticks: int = 0
    reward: float = 0.0
    outcome: str = "open"
    motion: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class EpisodeResult:
    """A run in numbers. `sim_time_s` simulated seconds, `end` why it ended.

    `falls` and `touched_person` count the actions in which that happened.
    """

    seed: int
    policy: str
    success: bool = False
    end: str = ""
    ticks: int = 0
    reward: float = 0.0
    sim_time_s: float = 0.0
    falls: int = 0
    touched_person: int = 0
    phases: list[PhaseResult] = field(default_factory=list)
    run_id: str | None = None
    log: str | None = None

    @property
    def phases_done(self) -> int:
        return sum(phase.outcome == "done" for phase in self.phases)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "run_id": self.run_id,
            "log": self.log,
            "seed": self.seed,
            "policy": self.policy,
            "success": self.success,
            "end_reason": self.end,
            "ticks": self.ticks,
            "reward": round(self.reward, 6),
            "sim_time_s": round(self.sim_time_s, 3),
            "falls": self.falls,
            "touched_person": self.touched_person,
            "phases_done": self.phases_done,
            "phases": [
                {
                    "name": phase.name,
                    "ticks": phase.ticks,
                    "reward": round(phase.reward, 6),
                    "outcome": phase.outcome,
                    "motion": dict(sorted(phase.motion.items())),
                }
                for phase in self.phases
            ],
        }


def run_episode(
    mission: Mission,
    policy: Policy,
    sink: Sink,
    on_phase: Callable[[PhaseResult], None] | None = None,
) -> EpisodeResult:
    """Drive a mission from reset to end; every record goes to `sink` before the next action.

    An interruption (KeyboardInterrupt) writes the record of the action under way, marked as such,
    and is raised again. CadenzaErrors of the policy pass through, with the log closed the same way.
    """
    guided = VisionFirst(policy)
    guided.begin(mission.seed)
    result = EpisodeResult(mission.seed, policy.name)
    sink(mission.reset())
    try:
        while mission.end is None:
            record = mission.step(guided.decide(mission.view()))
            sink(record)
            _account(result, record)
            if on_phase is not None and (record["phase_done"] or record["terminated"]):
                on_phase(result.phases[-1])
    except BaseException:
        if mission.end is None:
            sink(mission.interrupt())
        raise
    result.success, result.end = mission.success, mission.end or ""
    return result


def _account(result: EpisodeResult, record: Record) -> None:
    """Add a record to the numbers."""
    if len(result.phases) <= record["phase_idx"]:
        result.phases.append(PhaseResult(record["phase"]))
    phase = result.phases[-1]
    phase.ticks += 1
    phase.reward += record["reward"] or 0.0
    phase.motion[record["motion"]["label"]] += 1
    if record["phase_done"]:
        phase.outcome = "done"
    elif record["phase_failed"]:
        phase.outcome = "failed"
    elif record["terminated"]:
        phase.outcome = "timeout" if record["truncated"] else "open"
    result.ticks = record["tick"]
    result.reward += record["reward"] or 0.0
    result.sim_time_s = record["sim_time_s"]
    result.falls += record["outcome"] == "fell"
    result.touched_person += record["touched_person"] > 0
