"""One robot in one scene: reset from a seed, execute actions, say what happened.

A seed decides foot friction, trunk mass and pushes, within the ranges of `Variation`; the same seed
gives the same floats on the same machine and MuJoCo version. Nothing here ever sleeps.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from math import cos, pi, sin
from random import Random
from typing import Any

from handlers.mission.locomotion.actions import Call, skill_for
from handlers.mission.locomotion.gait import Walker
from handlers.mission.locomotion.rhythm import STAND_HEIGHT, TICK_S
from handlers.mission.locomotion.skill import Outcome
from handlers.mission.world.leg import straight_legs
from handlers.mission.world.model import TIMESTEP, SceneModel, mujoco
from handlers.mission.world.sense import Sense
from handlers.mission.world.terrain import HeightMap

SUBSTEPS = round(TICK_S / TIMESTEP)
"""Steps of the simulator in a control period."""

SETTLE = Call("stand", duration_s=0.5)
"""What a run begins with, before anything is counted and before the first push: the robot is set
down on its feet, and its weight sinks into the servos."""

SUNK_M, WILD_M, WILD_M_S = 1.0, 3.0, 20.0
"""A trunk this far under the ground or over it (m), or this fast (m/s), is nothing that Go1's
motors can do to it: the physics has diverged. A jump gets to half a metre and 2 m/s."""

NEAR_LIMIT = 0.99
"""Part of a motor's greatest torque that counts as all of it: the simulator clips there."""

TOUCH_N = 1.0
"""Force on the trunk that counts as lying on it, N."""

UNDER_TRUNK = [(x, y) for x in (-0.2, 0.0, 0.2) for y in (-0.13, 0.0, 0.13)]
"""Where the ground is looked up to set the robot down, from the trunk's middle, m: the feet stand
at 0.19 and 0.13."""

PRESSED_M = 0.003
"""How much lower than it stands the robot is set down, m: so that its feet press on the ground."""


@dataclass(frozen=True, slots=True)
class Variation:
    """What a seed may change: uniform ranges. `mass` is the trunk's, relative; pushes in newtons.

    A push acts sideways on the trunk in a random direction for push_s, every push_every seconds.
    These are ranges that the gaits are measured under (docs/mission.md): slippery to dry floors, a
    load of up to 0.8 kg, pushes that change the robot's speed by up to 0.3 m/s.
    """

    friction: tuple[float, float] = (0.5, 1.0)
    mass: tuple[float, float] = (0.85, 1.15)
    push_n: tuple[float, float] = (0.0, 30.0)
    push_every: tuple[float, float] = (2.0, 4.0)
    push_s: float = 0.12


CALM = Variation(friction=(0.9, 0.9), mass=(1.0, 1.0), push_n=(0.0, 0.0))
"""No variation at all."""


class Pushes:
    """When and how the robot is pushed in one run."""

    def __init__(self, random: Random, variation: Variation) -> None:
        self.random, self.variation = random, variation
        self.quiet = variation.push_n[1] <= 0.0
        self.start = self.end = 0.0
        self.force = (0.0, 0.0)
        self._next(0.0)

    def _next(self, now: float) -> None:
        self.start = now + self.random.uniform(*self.variation.push_every)
        self.end = self.start + self.variation.push_s
        size, angle = self.random.uniform(*self.variation.push_n), self.random.uniform(0, 2 * pi)
        self.force = (size * cos(angle), size * sin(angle))

    def at(self, now: float) -> tuple[float, float]:
        """The force (N, world x and y) at a time; times must not go back."""
        if self.quiet or now < self.start:
            return 0.0, 0.0
        if now < self.end:
            return self.force
        self._next(now)
        return 0.0, 0.0


@dataclass(slots=True)
class Execution:
    """What executing one action did. Counts are control periods (20 ms) with the condition.

    touched: the solid geoms that something other than a foot touched; person_contact: any part of
    the robot, a foot as well, on a person.
    """

    outcome: Outcome
    seconds: float = 0.0
    trunk_contact: int = 0
    joint_saturation: int = 0
    torque_saturation: int = 0
    airborne: int = 0
    person_contact: int = 0
    touched: set[int] = field(default_factory=set)

    @property
    def ok(self) -> bool:
        return self.outcome == "done"


def vary(scene: SceneModel, seed: int | None, variation: Variation) -> tuple[Any, Pushes]:
    """The model as this seed has it, and its pushes. `None` varies nothing."""
    random = Random(seed)
    chosen = CALM if seed is None else variation
    friction, mass = random.uniform(*chosen.friction), random.uniform(*chosen.mass)
    model = copy.copy(scene.model)
    for geom in scene.feet:
        model.geom_friction[geom, 0] = friction
    model.body_mass[scene.trunk] *= mass
    model.body_inertia[scene.trunk] *= mass
    return model, Pushes(random, chosen)


def spawn_qpos(
    scene: SceneModel, nominal: list[float], spawn: tuple[float, float, float], yaw: float
) -> list[float]:
    """qpos of standing at `spawn` (z over the ground there), heading `yaw` rad left of world -X."""
    x, y, z = spawn
    ground = max(scene.terrain.height(x + dx, y + dy) for dx, dy in UNDER_TRUNK)
    qpos = list(nominal)
    facing = yaw + pi
    height = ground + max(z, 0.0) + STAND_HEIGHT - PRESSED_M
    root = [x, y, height, cos(facing / 2), 0.0, 0.0, sin(facing / 2)]
    qpos[scene.root : scene.root + 7] = root
    for place, angle in zip(scene.joints, straight_legs(STAND_HEIGHT), strict=True):
        qpos[place] = angle
    return qpos


def diverged(sense: Sense, terrain: HeightMap) -> bool:
    """Whether the physics has left the realm of the possible."""
    if not sense.finite:
        return True
    ground = terrain.height(sense.x, sense.y)
    speed = abs(sense.vx) + abs(sense.vy) + abs(sense.vz)
    return not (ground - SUNK_M < sense.z < ground + WILD_M) or speed > WILD_M_S


class Simulator:
    """A robot that has been set down at `spawn` and stands. Times in simulated seconds."""

    def __init__(
        self,
        scene: SceneModel,
        *,
        seed: int | None = None,
        variation: Variation | None = None,
        spawn: tuple[float, float, float] = (0.0, 0.0, 0.0),
        yaw: float = 0.0,
        on_tick: Callable[[Simulator], None] | None = None,
    ) -> None:
        self.mj = mujoco()
        self.scene = scene
        self.model, self.pushes = vary(scene, seed, variation or Variation())
        self.data = self.mj.MjData(self.model)
        self.on_tick = on_tick
        self.ticks = 0
        self.walker = Walker(scene.terrain)
        self.data.qpos[:] = spawn_qpos(scene, self.data.qpos.tolist(), spawn, yaw)
        self.data.ctrl[scene.actuators] = straight_legs(STAND_HEIGHT)
        self.mj.mj_forward(self.model, self.data)
        self.limits = self.model.actuator_forcerange[scene.actuators, 1].tolist()
        jnt = [int(self.model.dof_jntid[dof]) for dof in scene.joint_dofs]
        self.joint_ranges = [tuple(pair) for pair in self.model.jnt_range[jnt].tolist()]
        self.robot_geoms = set(range(self.model.ngeom)) - set(scene.solids) - set(scene.feet)
        self.sense = self._read(yaw + pi)
        self.execute(SETTLE, pushed=False)

    @property
    def time_s(self) -> float:
        """Simulated time since the start, s."""
        return self.ticks * TICK_S

    def _read(self, previous_yaw: float) -> Sense:
        scene, data = self.scene, self.data
        qpos, qvel, touch = data.qpos.tolist(), data.qvel.tolist(), data.sensordata.tolist()
        if not scene.tidy:
            root, dof = scene.root, scene.root_dof
            qpos = qpos[root : root + 7] + [qpos[j] for j in scene.joints]
            qvel = qvel[dof : dof + 6]
        return Sense(qpos, qvel, [touch[i] for i in scene.touch], previous_yaw)

    def execute(self, call: Call, *, pushed: bool = True) -> Execution:
        """Carry an action out to its end; falls and diverged physics end it early."""
        skill = skill_for(call, self.walker)
        result = Execution("done")
        started = self.ticks
        while True:
            targets = skill.tick(self.sense)
            if targets is None:
                result.outcome = skill.outcome
                break
            self._step(targets, pushed)
            self._observe(result)
            if diverged(self.sense, self.scene.terrain):
                result.outcome = "diverged"
                break
            if self.sense.flipped:
                result.outcome = "fell"
                break
        result.seconds = (self.ticks - started) * TICK_S
        return result

    def _step(self, targets: list[float], pushed: bool) -> None:
        data = self.data
        if self.scene.tidy:
            data.ctrl[:] = targets
        else:
            data.ctrl[self.scene.actuators] = targets
        if pushed and not self.pushes.quiet:
            dof = self.scene.root_dof
            data.qfrc_applied[dof : dof + 2] = self.pushes.at(self.time_s)
        self.mj.mj_step(self.model, data, SUBSTEPS)
        self.ticks += 1
        self.sense = self._read(self.sense.yaw)
        if self.on_tick is not None:
            self.on_tick(self)

    def _observe(self, result: Execution) -> None:
        """Count what the action should not do."""
        data, scene, sense = self.data, self.scene, self.sense
        if data.sensordata[scene.trunk_touch] > TOUCH_N:
            result.trunk_contact += 1
        if not any(sense.forces):
            result.airborne += 1
        for at, (low, high) in zip(sense.joints, self.joint_ranges, strict=True):
            if at < low or at > high:
                result.joint_saturation += 1
                break
        forces = data.actuator_force.tolist()
        for index, limit in zip(scene.actuators, self.limits, strict=True):
            if abs(forces[index]) > NEAR_LIMIT * limit:
                result.torque_saturation += 1
                break
        if scene.solids and data.ncon:
            pairs = data.contact.geom.tolist()
            met = {a for a, b in pairs if b in self.robot_geoms}
            met.update(b for a, b in pairs if a in self.robot_geoms)
            result.touched.update(met & scene.solids.keys())
            if scene.persons:
                result.person_contact += any(not scene.persons.isdisjoint(pair) for pair in pairs)
