"""Single plans on flat ground, with the project's own robot: friction, mass and pushes varied."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from handlers.lora.rollout.memory import Memory
from handlers.mission.episode.proving import model_sha256, proven_scene
from handlers.mission.episode.rollout import Outcomes, Plan, rollout
from handlers.mission.episode.setting import own_model
from handlers.mission.locomotion.skill import Call
from handlers.project.formats.examples import Step
from handlers.project.project import Project

TOUCHING = 0.02
"""Share of control periods from which on a run counts as one that lay on its trunk."""
MOST_WORKERS = 2
FEW_PLANS = 4
"""So few are simulated before other processes have begun."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the runs of one plan. `fell` includes runs that the physics gave up on.

    `ticks`, `joints` and `torques` are control periods of 20 ms: all, and those with a joint or a
    motor at its limit.
    """

    runs: int
    fell: int
    touched: int
    ticks: int
    joints: int
    torques: int


class Flat:
    """Flat ground, with the robot of a project on it."""

    def __init__(
        self,
        project: Project,
        *,
        folder: Path | None = None,
        report: Callable[[Mapping[str, Any]], None] = lambda _values: None,
    ) -> None:
        """`folder`: where counts are remembered. Raises ProjectError or InputError for a robot that
        cannot be driven, MissingExtraError without MuJoCo."""
        self.xml = own_model(project)
        self._model = model_sha256(proven_scene((), self.xml))
        self.memory, self.report = Memory(folder), report

    def counts(
        self, plans: Mapping[str, Sequence[Step]], runs: int, *, first: int = 0
    ) -> dict[str, Counts]:
        """What comes of each plan in its runs from number `first` on.

        Each plan has seeds of its own, so that one slippery floor is not all plans' floor.
        """
        keys = {goal: [self._model, _plain(steps), first, runs] for goal, steps in plans.items()}
        found = {goal: _counts(self.memory.recall(*key)) for goal, key in keys.items()}
        missing = [goal for goal, counts in found.items() if counts is None]
        done = self._simulated({goal: plans[goal] for goal in missing}, runs, first)
        for goal, counts in done.items():
            self.memory.keep(asdict(counts), *keys[goal])
        return {goal: done.get(goal) or found[goal] or _NONE for goal in plans}

    def _simulated(
        self, plans: Mapping[str, Sequence[Step]], runs: int, first: int
    ) -> dict[str, Counts]:
        workers = min(MOST_WORKERS, len(os.sched_getaffinity(0))) if len(plans) > FEW_PLANS else 1
        work = [
            Plan(goal, calls_of(steps), xml=self.xml, first_seed=first_seed(steps))
            for goal, steps in plans.items()
        ]

        def progress(done: int, total: int) -> None:
            self.report({"step": "simulating", "done": done, "total": total})

        seeds = range(first, first + runs)
        outcomes = rollout(work, seeds, workers=workers, progress=progress)
        parts = [outcomes[at : at + runs] for at in range(0, len(outcomes), runs)]
        return {goal: _counted(part) for goal, part in zip(plans, parts, strict=True)}


_NONE = Counts(0, 0, 0, 0, 0, 0)


def calls_of(steps: Sequence[Step]) -> tuple[Call, ...]:
    """Steps as the robot executes them."""
    return tuple(Call.of(step.action, step.parameters) for step in steps)


def _plain(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [step.as_json() for step in steps]


def first_seed(steps: Sequence[Step]) -> int:
    """Where a plan's own seeds begin, a thousand and more for each."""
    digest = hashlib.sha256(json.dumps(_plain(steps)).encode()).digest()
    return int.from_bytes(digest[:6], "big") << 10


def _counts(shape: Any) -> Counts | None:
    try:
        return Counts(**shape) if shape is not None else None
    except TypeError:
        return None


def _counted(runs: Sequence[Outcomes]) -> Counts:
    return Counts(
        runs=len(runs),
        fell=sum(run.falls > 0 or run.end == "diverged" for run in runs),
        touched=sum(
            run.falls == 0 and run.trunk_contact > TOUCHING * max(run.ticks, 1) for run in runs
        ),
        ticks=sum(run.ticks for run in runs),
        joints=sum(run.joint_saturation for run in runs),
        torques=sum(run.torque_saturation for run in runs),
    )
