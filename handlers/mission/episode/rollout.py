"""Many runs at once: plans carried out in simulation, and what became of them, in numbers.

A gate that compares two policies wants hundreds of short runs. `rollout` steps all runs of a plan's
scene together with `mujoco.batch` where this MuJoCo has it, else one after the other; both give the
same numbers. With more than one worker the runs are spread over processes.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from math import pi
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from handlers.mission.episode.sim import (
    SETTLE,
    SUBSTEPS,
    TOUCH_N,
    Monitor,
    Variation,
    diverged,
    set_down,
    vary,
)
from handlers.mission.locomotion.actions import check, skill_for
from handlers.mission.locomotion.gait import Walker
from handlers.mission.locomotion.rhythm import TICK_S
from handlers.mission.locomotion.skill import Call, Outcome, Skill
from handlers.mission.world.model import SceneModel, compile_scene, mujoco
from handlers.mission.world.sense import Sense
from handlers.project.scene import Scene
from store import interpreter
from store.errors import InputError

BATCH = 32
"""Runs that are stepped together, and the unit in which workers share them. More hold more memory
and leave workers idle at the end; fewer ask the simulator more often for less."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions to carry out in a scene, and the zone to end in (None: anywhere).

    `name` tells plans apart in the outcomes. `limit_s` ends a run that takes longer. `xml`: a
    model of the user's own in place of ours. `first_seed` is added to every seed, for plans that
    are not to meet the same floors and pushes.
    """

    name: str
    calls: tuple[Call, ...]
    scene: Scene = field(default_factory=Scene)
    zone: str | None = None
    spawn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    variation: Variation = field(default_factory=Variation)
    limit_s: float = 120.0
    xml: Path | None = None
    first_seed: int = 0


@dataclass(slots=True)
class Outcomes:
    """One plan under one seed. Counts are control periods (20 ms) in which it was so.

    `in_zone` is None when the plan names no zone; x, y in m and heading in degrees at the end.
    """

    plan: str
    seed: int
    end: Outcome = "done"
    actions_done: int = 0
    ticks: int = 0
    falls: int = 0
    trunk_contact: int = 0
    joint_saturation: int = 0
    torque_saturation: int = 0
    in_zone: bool | None = None
    x: float = 0.0
    y: float = 0.0
    heading_deg: float = 0.0

    @property
    def seconds(self) -> float:
        """Simulated time, s."""
        return self.ticks * TICK_S

    @property
    def ok(self) -> bool:
        """Whether every action was done, on its feet, and in the zone where one is named."""
        return self.end == "done" and self.in_zone is not False


def rollout(
    plans: Sequence[Plan],
    seeds: Sequence[int],
    *,
    workers: int = 1,
    batched: bool | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Outcomes]:
    """Carry out every plan under every seed; outcomes plan by plan, seeds in the given order.

    `workers` processes share the work; the outcomes do not depend on how many. `batched` None means
    mujoco.batch where there is one. `progress(done, total)` is called after every BATCH runs.

    Raises InputError for an action the robot does not have, and MissingExtraError without MuJoCo.
    """
    mujoco()
    for plan in plans:
        if plan.zone is not None and plan.zone not in {z.name for z in plan.scene.zones}:
            raise InputError(f"plan {plan.name!r}: no zone {plan.zone!r} in its scene")
        for call in plan.calls:
            check(call)
    chunks = [
        (plan, [plan.first_seed + seed for seed in seeds[start : start + BATCH]], batched)
        for plan in plans
        for start in range(0, len(seeds), BATCH)
    ]
    if workers > 1 and len(chunks) > 1:
        # Spawned, not forked: the parent may hold threads and an OpenGL context.
        context = get_context("spawn")
        # A worker whose parent was killed would wait for work for ever.
        ends, us = interpreter.die_with, os.getpid()
        with ProcessPoolExecutor(workers, context, initializer=ends, initargs=(us,)) as pool:
            return _gathered(pool.map(_chunk, chunks), len(chunks), progress)
    return _gathered(map(_chunk, chunks), len(chunks), progress)


def _gathered(
    parts: Iterable[list[Outcomes]], total: int, progress: Callable[[int, int], None]
) -> list[Outcomes]:
    rows: list[Outcomes] = []
    for done, part in enumerate(parts, 1):
        rows += part
        progress(done, total)
    return rows


def _chunk(work: tuple[Plan, list[int], bool | None]) -> list[Outcomes]:
    plan, seeds, batched = work
    scene = compile_scene(plan.scene.objects, plan.xml)
    runs = [_Run(plan, seed, scene) for seed in seeds]
    module = _batch_module() if batched in (None, True) else None
    if batched and module is None:
        raise InputError("this MuJoCo has no mujoco.batch; leave `batched` out for a plain loop")
    step = _Batched(module, scene, runs) if module is not None else _Looped(scene, runs)
    active = list(range(len(runs)))
    while active:
        targets = {index: runs[index].next_targets() for index in active}
        active = [index for index in active if targets[index] is not None]
        if active:
            step(active, [targets[index] or [] for index in active])
    return [run.result for run in runs]


def _batch_module() -> Any:
    try:
        return import_module("mujoco.batch")
    except ImportError:
        return None


class _Run:
    """One robot's controller: which action it is at, and what has been counted."""

    def __init__(self, plan: Plan, seed: int, scene: SceneModel) -> None:
        self.plan, self.scene = plan, scene
        self.model, self.pushes = vary(scene, seed, plan.variation)
        self.result = Outcomes(plan.name, seed)
        self.walker = Walker(scene.body, scene.terrain)
        self.calls = [SETTLE, *plan.calls]
        self.skill: Skill | None = None
        self.sense: Sense | None = None
        self.settled = False
        self.over = False

    def begin(self, data: Any) -> None:
        """Set the robot down in `data`, an MjData of this run's model."""
        set_down(self.scene, self.model, data, self.plan.spawn, 0.0)

    def push(self) -> tuple[float, float]:
        """The force on the trunk now; none while it settles."""
        return self.pushes.at(self.result.ticks * TICK_S) if self.settled else (0.0, 0.0)

    def saw(self, qpos: list[float], qvel: list[float], touch: list[float]) -> Sense:
        """Take in the state after a control period."""
        yaw = self.sense.yaw if self.sense else pi
        self.sense = self.scene.wiring.sense(qpos, qvel, touch, yaw)
        return self.sense

    def count(self, trunk: float, joints: bool, torques: bool) -> None:
        """Count what should not be, once the robot has settled."""
        if self.settled:
            self.result.ticks += 1
            self.result.trunk_contact += trunk > TOUCH_N
            self.result.joint_saturation += joints
            self.result.torque_saturation += torques

    def next_targets(self) -> list[float] | None:
        """Joint targets of the next control period; None once the run is over."""
        sense = self.sense
        assert sense is not None
        if self.over or self._ended(sense):
            return None
        while True:
            if self.skill is None:
                if not self.calls:
                    self._finish("done")
                    return None
                self.skill = skill_for(self.calls.pop(0), self.walker)
            targets = self.skill.tick(sense)
            if targets is not None:
                return targets
            outcome, self.skill = self.skill.outcome, None
            if not self.settled:
                self.settled = True
                continue
            if outcome != "done":
                self._finish(outcome)
                return None
            self.result.actions_done += 1

    def _ended(self, sense: Sense) -> bool:
        if diverged(sense, self.scene.terrain):
            self._finish("diverged")
        elif sense.flipped:
            self.result.falls += 1
            self._finish("fell")
        elif self.result.seconds > self.plan.limit_s:
            self._finish("timeout")
        return self.over

    def _finish(self, end: Outcome) -> None:
        self.over = True
        self.result.end = end
        sense = self.sense
        if sense is not None and sense.finite:
            self.result.x, self.result.y = round(sense.x, 6), round(sense.y, 6)
            self.result.heading_deg = round(sense.heading_deg, 6)
            if self.plan.zone is not None:
                zone = self.plan.scene.zone(self.plan.zone)
                self.result.in_zone = zone.contains((sense.x, sense.y, sense.z))
        elif self.plan.zone is not None:
            self.result.in_zone = False


class _Looped:
    """One MjData per run, stepped one after the other."""

    def __init__(self, scene: SceneModel, runs: Sequence[_Run]) -> None:
        self.mj, self.scene, self.runs = mujoco(), scene, runs
        self.data = [self.mj.MjData(run.model) for run in runs]
        self.monitor = Monitor(scene)
        for run, data in zip(runs, self.data, strict=True):
            run.begin(data)
            run.saw(data.qpos.tolist(), data.qvel.tolist(), data.sensordata.tolist())

    def __call__(self, active: Sequence[int], targets: Sequence[list[float]]) -> None:
        for index, ctrl in zip(active, targets, strict=True):
            run, data = self.runs[index], self.data[index]
            wiring = self.scene.wiring
            data.ctrl[:] = wiring.controls(ctrl)
            data.qfrc_applied[wiring.root_dof : wiring.root_dof + 2] = run.push()
            self.mj.mj_step(run.model, data, SUBSTEPS)
            touch = data.sensordata.tolist()
            sense = run.saw(data.qpos.tolist(), data.qvel.tolist(), touch)
            forces = data.actuator_force.tolist()
            run.count(touch[wiring.trunk_touch], *self.monitor(sense.joints, forces))


class _Batched:
    """All runs as one mujoco.batch, with their friction and mass as per-simulation fields."""

    def __init__(self, module: Any, scene: SceneModel, runs: Sequence[_Run]) -> None:
        self.scene, self.runs = scene, runs
        self.monitor = Monitor(scene)
        self.batch = module.Batch(copy.copy(scene.model), len(runs), nthread=1)
        for name in ("geom_friction", "body_mass", "body_inertia"):
            values = self.batch.expand(name)
            for index, run in enumerate(runs):
                values[index] = getattr(run.model, name)
        self.qpos, self.qvel = self.batch.bind("qpos"), self.batch.bind("qvel")
        self.ctrl, self.touch = self.batch.bind("ctrl"), self.batch.bind("sensordata")
        self.force = self.batch.bind("actuator_force")
        self.push = self.batch.bind("qfrc_applied")
        data = mujoco().MjData(scene.model)
        for index, run in enumerate(runs):
            run.begin(data)
            self.qpos[index], self.ctrl[index] = data.qpos, data.ctrl
        self.batch.forward()
        self._tell(range(len(runs)), counted=False)

    def __call__(self, active: Sequence[int], targets: Sequence[list[float]]) -> None:
        wiring = self.scene.wiring
        self.ctrl[active] = [wiring.controls(each) for each in targets]
        at = slice(wiring.root_dof, wiring.root_dof + 2)
        self.push[active, at] = [self.runs[index].push() for index in active]
        self.batch.step(None if len(active) == len(self.runs) else active, nstep=SUBSTEPS)
        self._tell(active, counted=True)

    def _tell(self, active: Iterable[int], counted: bool) -> None:
        qpos, qvel = self.qpos.tolist(), self.qvel.tolist()
        touch, force = self.touch.tolist(), self.force.tolist()
        for index in active:
            run = self.runs[index]
            sense = run.saw(qpos[index], qvel[index], touch[index])
            if counted:
                trunk = touch[index][self.scene.wiring.trunk_touch]
                run.count(trunk, *self.monitor(sense.joints, force[index]))
