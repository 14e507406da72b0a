"""One robot in one scene: reset from a seed, execute actions, say what happened.

A seed decides foot friction, trunk mass and pushes, within the ranges of `Variation`; the same seed
gives the same floats on the same machine and MuJoCo version. Nothing here ever sleeps.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import cos, inf, pi, sin
from operator import gt, lt
from random import Random
from typing import Any

from handlers.mission.locomotion.actions import Call, skill_for
from handlers.mission.locomotion.gait import Walker
from handlers.mission.locomotion.rhythm import TICK_S
from handlers.mission.locomotion.skill import Outcome
from handlers.mission.world.model import TIMESTEP, SceneModel, mujoco
from handlers.mission.world.sense import Sense
from handlers.mission.world.terrain import HeightMap

SUBSTEPS = round(TICK_S / TIMESTEP)
"""Steps of the simulator in a control period."""

SETTLE = Call("stand", duration_s=0.5)
"""What a run begins with, before anything is counted and before the first push: the robot is set
down on its feet, and its weight sinks into the servos."""

SUNK_M, WILD_M, WILD_M_S = 1.0, 3.0, 20.0
"""A trunk this far under the floor or over the ground (m), or this fast (m/s), is nothing that its
motors can do to it: the physics has diverged. A jump gets to half a metre and 2 m/s."""

NEAR_LIMIT = 0.99
"""Part of a motor's greatest torque that counts as all of it: the simulator clips there."""

TOUCH_N = 1.0
"""Force on the trunk that counts as lying on it, N."""

BESIDE_M = 0.012
"""The ground is looked up under the trunk, and this much ahead of and behind the feet, m."""

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


NO_PUSH = (0.0, 0.0)

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
            return NO_PUSH
        if now < self.end:
            return self.force
        self._next(now)
        return NO_PUSH


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


def spawn_qpos(scene: SceneModel, spawn: tuple[float, float, float], yaw: float) -> list[float]:
    """qpos of standing at `spawn` (z over the ground there), heading `yaw` rad left of world -X."""
    x, y, z = spawn
    body = scene.body
    long, wide = body.half_length + BESIDE_M, body.half_width
    ground = max(
        scene.terrain.height(x + dx, y + dy)
        for dx in (-long, 0.0, long)
        for dy in (-wide, 0.0, wide)
    )
    facing = yaw + pi
    height = ground + max(z, 0.0) + body.stand_height - PRESSED_M
    return scene.wiring.stand([x, y, height, cos(facing / 2), 0.0, 0.0, sin(facing / 2)])


def set_down(
    scene: SceneModel, model: Any, data: Any, spawn: tuple[float, float, float], yaw: float
) -> None:
    """Put the robot at `spawn`, its servos where its joints are, and work out what follows."""
    body, wiring = scene.body, scene.wiring
    data.qpos[:] = spawn_qpos(scene, spawn, yaw)
    data.ctrl[:] = wiring.controls(body.straight_legs(body.stand_height))
    mujoco().mj_forward(model, data)


class Monitor:
    """Whether joints and motors are at their limits."""

    def __init__(self, scene: SceneModel) -> None:
        self.low, self.high = zip(*scene.wiring.ranges, strict=True)
        self.motors = [index for index, _ in scene.wiring.torques]
        self.strong = [NEAR_LIMIT * most for _, most in scene.wiring.torques]
        self.weakest = min(self.strong, default=inf)

    def __call__(self, joints: Sequence[float], forces: Sequence[float]) -> tuple[bool, bool]:
        """(joints, motors), from the controller's twelve angles (rad) and all forces (Nm)."""
        bent = any(map(lt, joints, self.low)) or any(map(gt, joints, self.high))
        weakest = self.weakest
        if max(forces) <= weakest and min(forces) >= -weakest:  # nearly always
            return bent, False
        taken = map(abs, map(forces.__getitem__, self.motors))
        return bent, any(map(gt, taken, self.strong))


def diverged(sense: Sense, terrain: HeightMap) -> bool:
    """Whether the physics has left the realm of the possible."""
    if not sense.finite:
        return True
    if abs(sense.vx) + abs(sense.vy) + abs(sense.vz) > WILD_M_S:
        return True
    # No ground is lower than 0, so most of the time it need not be looked up.
    return sense.z < -SUNK_M or (
        sense.z > WILD_M and sense.z > terrain.height(sense.x, sense.y) + WILD_M
    )


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
        self.data = data = self.mj.MjData(self.model)
        # The arrays themselves, at hand: to ask for one costs as much as to read it.
        self.qpos, self.qvel, self.ctrl, self.pushing = (
            data.qpos, data.qvel, data.ctrl, data.qfrc_applied
        )  # fmt: skip
        self.sensordata, self.forces = data.sensordata, data.actuator_force
        self.pushed = NO_PUSH
        self.on_tick = on_tick
        self.ticks = 0
        self.walker = Walker(scene.body, scene.terrain)
        self.monitor = Monitor(scene)
        set_down(scene, self.model, self.data, spawn, yaw)
        self.sense = self._read(yaw + pi)
        self.execute(SETTLE, pushed=False)

    @property
    def time_s(self) -> float:
        """Simulated time since the start, s."""
        return self.ticks * TICK_S

    def _read(self, previous_yaw: float) -> Sense:
        self.sensors = sensors = self.sensordata.tolist()
        return self.scene.wiring.sense(
            self.qpos.tolist(), self.qvel.tolist(), sensors, previous_yaw
        )

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
        self.ctrl[:] = self.scene.wiring.controls(targets)
        if pushed and not self.pushes.quiet:
            push = self.pushes.at(self.time_s)
            if push != self.pushed:
                dof = self.scene.wiring.root_dof
                self.pushing[dof : dof + 2] = self.pushed = push
        self.mj.mj_step(self.model, self.data, SUBSTEPS)
        self.ticks += 1
        self.sense = self._read(self.sense.yaw)
        if self.on_tick is not None:
            self.on_tick(self)

    def _observe(self, result: Execution) -> None:
        """Count what the action should not do."""
        data, scene, sense = self.data, self.scene, self.sense
        if self.sensors[scene.wiring.trunk_touch] > TOUCH_N:
            result.trunk_contact += 1
        if not any(sense.forces):
            result.airborne += 1
        bent, full = self.monitor(sense.joints, self.forces.tolist())
        result.joint_saturation += bent
        result.torque_saturation += full
        if scene.solids and data.ncon:
            self._bump(result)

    def _bump(self, result: Execution) -> None:
        """What stands in the way and was touched; a foot may touch anything but a person."""
        solids, robot, persons = self.scene.solids, self.scene.robot, self.scene.persons
        hurt = False
        for a, b in self.data.contact.geom.tolist():
            if a not in solids:
                if b not in solids:
                    continue
                a, b = b, a
            if b in robot:
                result.touched.add(a)
            hurt = hurt or a in persons
        result.person_contact += hurt
