"""A whole run of a mission: policy and environment until the end, records as they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from handlers.mission.episode.environment import Mission, Record
from handlers.mission.episode.interrupts import held_back
from handlers.mission.policies.lookout import VisionFirst
from handlers.mission.policies.protocol import Policy
from handlers.project.formats.runlog import INTERRUPTED, cut_off
from store.text import one_line

Sink = Callable[[Record], None]


@dataclass(slots=True)
class PhaseResult:
    """One phase of a run.

    `outcome`: done, failed, timeout, interrupted or error; open where the run ended otherwise.
    """

    name: str
    ticks: int = 0
    reward: float = 0.0
    outcome: str = "open"
    motion: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class EpisodeResult:
    """A run in numbers. `sim_time_s` simulated seconds, `end` why it ended, "" while it goes on.

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
    def outcome(self) -> Literal["succeeded", "failed", "interrupted"]:
        """How it ended, in the word that intake has for it."""
        if self.success:
            return "succeeded"
        return "interrupted" if self.end == INTERRUPTED else "failed"

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
            "outcome": self.outcome,
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
    result: EpisodeResult | None = None,
) -> EpisodeResult:
    """Drive a mission from reset to end; every record goes to `sink` before the next action.

    What stops it on the way is raised again once the log is closed: an interruption
    (KeyboardInterrupt) as "interrupted", all else, CadenzaErrors of the policy above all, as
    "error: ...". Whoever needs the numbers even then hands in the `result` to be filled.
    """
    guided = VisionFirst(policy)
    guided.begin(mission.seed)
    result = EpisodeResult(mission.seed, policy.name) if result is None else result

    def keep(record: Record) -> None:
        with held_back():  # the numbers tell of what is in the log, no more and no less
            sink(record)
            _account(result, record)
        if on_phase is not None and (record["phase_done"] or record["terminated"]):
            on_phase(result.phases[-1])

    sink(mission.reset())
    try:
        while mission.end is None:
            keep(mission.step(guided.decide(mission.view())))
    except BaseException as stop:
        if mission.end is None:
            asked = isinstance(stop, KeyboardInterrupt)
            keep(mission.cut_off(None if asked else one_line(str(stop) or type(stop).__name__)))
        raise
    return result


def _account(result: EpisodeResult, record: Record) -> None:
    """Add a record to the numbers; one that closes a run that was cut off adds no tick."""
    if len(result.phases) <= record["phase_idx"]:
        result.phases.append(PhaseResult(record["phase"]))
    phase = result.phases[-1]
    result.success, result.end = record["mission_success"], record["end_reason"] or ""
    if (how := cut_off(record)) is not None:
        phase.outcome = how
        return
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
