"""One seeded run of a mission under an adapter's plans, watched in every control period.

A mission asks its predicates after whole actions. A robot that walks through a forbidden zone and
out of it again in one action has been in it all the same: so here the trunk's path counts, every
20 ms of it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from handlers.lora.rollout.driving import Plans, policy_under
from handlers.mission.episode.environment import Mission, Record
from handlers.mission.episode.episode import EpisodeResult, run_episode
from handlers.mission.episode.sim import Simulator
from handlers.mission.locomotion.rhythm import TICK_S
from handlers.mission.world.model import SceneModel
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec

MOST_RUN_S = 300.0
"""After so long, in the robot's time, a run is ended: it goes nowhere, or takes for ever."""
TOO_LONG = f"not at its end after {MOST_RUN_S:g} s"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a run something was: the phase's name, the tick (from 1), and what it was."""

    phase: str
    tick: int
    what: str

    def __str__(self) -> str:
        return f"{self.what} in tick {self.tick}, phase {self.phase!r}"


@dataclass(slots=True)
class Drive:
    """What came of one seed. Counts are control periods (20 ms), but for `ticks`: actions.

    `end`: why it ended, as run logs say it. `forbidden`: the first zone that it should have kept
    out of, or not left. `person`: the first touch of somebody. `fell` includes diverged physics.
    `scraped`: tags of what something other than a foot touched, `stuck`: actions that led nowhere.
    """

    seed: int
    success: bool = False
    end: str = ""
    phase: str = ""
    ticks: int = 0
    seconds: float = 0.0
    fell: bool = False
    forbidden: Place | None = None
    person: Place | None = None
    scraped: list[str] = field(default_factory=list)
    stuck: int = 0
    periods: int = 0
    trunk: int = 0
    joints: int = 0
    torques: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, shape: dict[str, Any]) -> Drive:
        """Raises TypeError or KeyError for what `as_json` does not write."""
        places = {
            name: None if shape[name] is None else Place(**shape[name])
            for name in ("forbidden", "person")
        }
        return cls(**{**shape, **places})


class _TooLong(Exception):
    """The run is at the end of its time."""


class _Watch:
    """Looks at the robot in every control period, and at the record of every action."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.mission: Mission | None = None
        self.phase_idx = -1
        self.inside = False

    def period(self, sim: Simulator) -> None:
        mission = self.mission
        if mission is None or mission.tick == 0:  # the robot is being set down
            return
        if sim.time_s > MOST_RUN_S:
            raise _TooLong
        phase = mission.phase
        if self.phase_idx != mission.phase_idx:
            self.phase_idx, self.inside = mission.phase_idx, False
        zones, sense = mission.spec.scene, sim.sense
        kept_out, kept_in = phase.fail_when.enter_zone, phase.fail_when.exit_zone
        at = (sense.x, sense.y, sense.z)
        if self.drive.forbidden is not None:
            return
        if kept_out is not None and zones.zone(kept_out).contains(at):
            self.drive.forbidden = Place(phase.name, mission.tick, f"entered {kept_out!r}")
        if kept_in is not None:
            inside = zones.zone(kept_in).contains(at)
            if self.inside and not inside:
                self.drive.forbidden = Place(phase.name, mission.tick, f"left {kept_in!r}")
            self.inside = inside

    def action(self, record: Record) -> None:
        """A record of the run, after its action."""
        drive, mission = self.drive, self.mission
        assert mission is not None
        drive.phase, drive.ticks = record["phase"], record["tick"]
        drive.end, drive.success = record["end_reason"] or "", record["mission_success"]
        drive.seconds = record["sim_time_s"]
        if record["action"] is None:
            return
        drive.fell |= record["outcome"] in ("fell", "diverged")
        drive.stuck += record["motion"]["label"] == "stuck"
        drive.scraped += [tag for tag in record["scraped"] if tag not in drive.scraped]
        if record["touched_person"] and drive.person is None:
            drive.person = Place(record["phase"], record["tick"], "touched a person")
        done = mission.execution
        if done is not None:
            drive.periods += round(done.seconds / TICK_S)
            drive.trunk += done.trunk_contact
            drive.joints += done.joint_saturation
            drive.torques += done.torque_saturation


def drive_once(
    spec: ProjectSpec, library: ActionLibrary, scene: SceneModel, plans: Plans, seed: int
) -> Drive:
    """Drive the mission from its spawn to its end, under the seed's friction, mass and pushes.

    Each phase begins where the one before it ended, as in `cadenza env run --policy lora`, which
    drives with the same code.
    """
    drive = Drive(seed)
    watch = _Watch(drive)
    mission = Mission(
        spec, library, scene, seed=seed, policy="lora", on_control=watch.period, judged=False
    )
    watch.mission = mission
    try:
        run_episode(mission, policy_under(plans), watch.action, result=EpisodeResult(seed, "lora"))
    except _TooLong:
        drive.end, drive.success = TOO_LONG, False
    return drive
