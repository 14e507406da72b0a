"""Between a model's numbers and the controller's: where in the simulator's arrays what lies.

The controller knows twelve joints in one order, with one sense of turning; a model has its own
order and signs, and may hold more than the robot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from handlers.mission.world.anatomy import Anatomy
from handlers.mission.world.body import Body
from handlers.mission.world.leg import LEGS
from handlers.mission.world.sense import Sense


@dataclass(frozen=True, slots=True)
class Wiring:
    """Addresses in qpos, qvel, ctrl and sensordata, and how angles are turned around.

    `plain`: the model is laid out as the controller has it, nothing has to be turned.
    """

    body: Body
    root: int
    root_dof: int
    joints: list[int]
    actuators: list[int]
    touch: list[int]
    trunk_touch: int
    signs: list[float]
    zeros: list[float]
    plain: bool
    rest: list[float]
    """ctrl of a robot that does nothing: what holds joints which are not the controller's."""
    posture: list[float]
    """qpos with everything where the model has it (its first keyframe, if there is one)."""
    ranges: list[tuple[float, float]]
    """Of the controller's joints, rad."""
    torques: list[tuple[int, float]]
    """Actuator and the most it gives, Nm; only those that have a limit."""

    def sense(
        self, qpos: list[float], qvel: list[float], sensors: Sequence[float], previous_yaw: float
    ) -> Sense:
        """The robot's state, from the simulator's arrays as lists."""
        a, b, c, d = self.touch
        forces = (sensors[a], sensors[b], sensors[c], sensors[d])
        if self.plain:
            return Sense(self.body, qpos[:7], qvel[:6], qpos[7:19], forces, previous_yaw)
        root, dof = self.root, self.root_dof
        joints = [
            sign * (qpos[at] - zero)
            for at, sign, zero in zip(self.joints, self.signs, self.zeros, strict=True)
        ]
        return Sense(
            self.body, qpos[root : root + 7], qvel[dof : dof + 6], joints, forces, previous_yaw
        )

    def controls(self, targets: list[float]) -> list[float]:
        """ctrl for joint targets (12)."""
        if self.plain:
            return targets
        ctrl = list(self.rest)
        for at, target, sign, zero in zip(
            self.actuators, targets, self.signs, self.zeros, strict=True
        ):
            ctrl[at] = sign * target + zero
        return ctrl

    def stand(self, root: Sequence[float]) -> list[float]:
        """qpos of standing straight with the trunk at a place and quaternion (7 numbers)."""
        qpos = list(self.posture)
        qpos[self.root : self.root + 7] = root
        angles = self.body.straight_legs(self.body.stand_height)
        for at, angle, sign, zero in zip(self.joints, angles, self.signs, self.zeros, strict=True):
            qpos[at] = sign * angle + zero
        return qpos


def wire(mj: Any, model: Any, anatomy: Anatomy) -> Wiring:
    """The wiring of a model that was fitted; ids of bodies and joints are the robot's own."""
    ids = list(anatomy.joints)
    kinds = (int(mj.mjtTrn.mjTRN_JOINT), int(mj.mjtTrn.mjTRN_JOINTINPARENT))
    driver = {
        int(model.actuator_trnid[index][0]): index
        for index in range(model.nu)
        if int(model.actuator_trntype[index]) in kinds
    }
    legs = anatomy.body.legs
    signs = [sign for leg in legs for sign in leg.signs]
    zeros = [zero for leg in legs for zero in leg.zeros]
    joints = [int(model.jnt_qposadr[j]) for j in ids]
    actuators = [driver[j] for j in ids]
    free = int(model.body_jntadr[anatomy.trunk])
    root = int(model.jnt_qposadr[free])
    posture = (model.key_qpos[0] if model.nkey else model.qpos0).tolist()
    plain = (
        root == 0
        and joints == list(range(7, 19))
        and actuators == list(range(model.nu))
        and signs == [1.0] * 12
        and zeros == [0.0] * 12
    )
    return Wiring(
        body=anatomy.body,
        root=root,
        root_dof=int(model.jnt_dofadr[free]),
        joints=joints,
        actuators=actuators,
        touch=[int(model.sensor(f"cadenza_{leg}").adr[0]) for leg in LEGS],
        trunk_touch=int(model.sensor("cadenza_trunk").adr[0]),
        signs=signs,
        zeros=zeros,
        plain=plain,
        rest=_rest(model, driver, posture),
        posture=posture,
        ranges=[_range(model, *each) for each in zip(ids, signs, zeros, strict=True)],
        torques=[
            (index, most)
            for index, joint in zip(actuators, ids, strict=True)
            if (most := _most(model, index, joint)) < inf
        ],
    )


def _rest(model: Any, driver: dict[int, int], posture: list[float]) -> list[float]:
    rest = [0.0] * int(model.nu)
    for joint, index in driver.items():
        rest[index] = posture[int(model.jnt_qposadr[joint])]
    return rest


def _range(model: Any, joint: int, sign: float, zero: float) -> tuple[float, float]:
    if not model.jnt_limited[joint]:
        return -inf, inf
    low, high = sorted(sign * (float(end) - zero) for end in model.jnt_range[joint])
    return low, high


def _most(model: Any, index: int, joint: int) -> float:
    """The greatest torque of a servo, Nm."""
    most = inf
    if model.actuator_forcelimited[index]:
        most = float(model.actuator_forcerange[index][1])
    if model.jnt_actfrclimited[joint]:
        most = min(most, float(model.jnt_actfrcrange[joint][1]))
    return most
