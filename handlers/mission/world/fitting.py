"""What the controller brings along to a model: joint servos, touch sensors, feet that grip.

The servos are part of the controller, not of the model: whatever drives a leg's joints there
becomes a position servo with the controller's gains, and keeps the torque that the model gives it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from handlers.mission.world.anatomy import Anatomy
from handlers.mission.world.leg import LEGS
from store.errors import InputError

TOUCH_REACH = 1.6
"""Radius of a foot's touch sensor, in that of the foot: what presses on the ball is within."""

TRUNK_REACH_M = 2.0
"""Half width of the trunk's touch sensor, m: all of it, whatever its shape."""

ARMATURE = 0.01
"""Inertia of a servo's rotor, seen at the joint, kg m2, of a robot of Go1's size: go1.xml has it,
and a joint gets it that has none at all. Without, half of all crawls fall."""

FRICTION_DIM = 3
"""condim of a contact with friction: a foot without slides on everything."""

ONE = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
"""A gear of one."""


def fit(mj: Any, spec: Any, model: Any, anatomy: Anatomy, where: str) -> list[Any]:
    """Change `spec`, of which `model` was compiled and `anatomy` read; its geoms of the four feet.

    Raises InputError naming a joint that nothing drives.
    """
    fitting = _Fitting(mj, spec, model, anatomy)
    fitting.drive(where)
    fitting.hold_others()
    feet = fitting.grip()
    fitting.feel()
    return feet


class _Fitting:
    """A spec's parts by their number in the model: they have none any more once it is changed."""

    def __init__(self, mj: Any, spec: Any, model: Any, anatomy: Anatomy) -> None:
        self.mj, self.spec, self.model, self.anatomy = mj, spec, model, anatomy
        self.bodies, self.geoms = _numbered(spec.bodies), _numbered(spec.geoms)
        self.joints, self.actuators = _numbered(spec.joints), _numbered(spec.actuators)
        kinds = (int(mj.mjtTrn.mjTRN_JOINT), int(mj.mjtTrn.mjTRN_JOINTINPARENT))
        self.driving: dict[int, list[int]] = {}
        for index in range(model.nu):
            if int(model.actuator_trntype[index]) in kinds:
                self.driving.setdefault(int(model.actuator_trnid[index][0]), []).append(index)

    def drive(self, where: str) -> None:
        """Servos for the legs. Raises InputError naming a joint that nothing drives."""
        model, body = self.model, self.anatomy.body
        idle = [
            model.joint(j).name or f"number {j}"
            for j in self.anatomy.joints
            if j not in self.driving
        ]
        if idle:
            raise InputError(
                f"{where}: no actuator on {_few(idle)}",
                hint=f'add them, as <actuator><motor joint="{idle[0]}"/></actuator>',
            )
        for joint in self.anatomy.joints:
            if not model.dof_armature[model.jnt_dofadr[joint]]:
                self.joints[joint].armature = ARMATURE * body.load * body.size**2
            first, *spare = self.driving[joint]
            self._servo(first)
            for extra in spare:  # as a velocity servo beside a position servo
                self.spec.delete(self.actuators[extra])

    def hold_others(self) -> None:
        """Motors of other joints (an arm, a head) are servos, too, and hold them in place."""
        for joint, indices in self.driving.items():
            if joint not in self.anatomy.joints:
                for index in indices:
                    if not self._follows(index):
                        self._servo(index)

    def _servo(self, index: int) -> None:
        """Make an actuator a position servo that gives as much torque as it did."""
        model, actuator = self.model, self.actuators[index]
        gear = abs(float(model.actuator_gear[index][0])) or 1.0
        motor = not model.actuator_biastype[index]
        if model.actuator_forcelimited[index]:
            actuator.forcerange = (model.actuator_forcerange[index] * gear).tolist()
            actuator.forcelimited = 1
        elif model.actuator_ctrllimited[index] and motor:  # what it can be told to give
            actuator.forcerange = (model.actuator_ctrlrange[index] * gear).tolist()
            actuator.forcelimited = 1
        if not self._follows(index) or gear != 1.0:
            actuator.ctrllimited = 0
        actuator.gear = ONE
        actuator.dyntype = self.mj.mjtDyn.mjDYN_NONE
        actuator.set_to_position(kp=self.anatomy.body.kp, kv=self.anatomy.body.kv)

    def _follows(self, index: int) -> bool:
        """Whether an actuator is a position servo: its force has a share of minus the angle."""
        model = self.model
        return bool(model.actuator_biastype[index]) and model.actuator_biasprm[index][1] < 0.0

    def grip(self) -> list[Any]:
        """Give the feet the say in their contacts, so that a seed's friction is what they have.

        Contacts go by the geom of the higher priority, in friction and in whether there is any.
        """
        highest = max(int(geom.priority) for geom in self.geoms.values())
        feet = [self.geoms[foot.geom] for foot in self.anatomy.feet]
        if min(int(geom.priority) for geom in feet) < max(highest, 1):
            for geom in feet:
                geom.priority = highest + 1
                geom.condim = max(int(geom.condim), FRICTION_DIM)
        return feet

    def feel(self) -> None:
        """Touch sensors on the feet and the trunk, under names of ours."""
        box = self.mj.mjtGeom.mjGEOM_BOX
        for name, foot in zip(LEGS, self.anatomy.feet, strict=True):
            reach = [TOUCH_REACH * foot.radius] * 3
            self._touch(f"cadenza_{name}", foot.body, pos=list(foot.middle), size=reach)
        self._touch("cadenza_trunk", self.anatomy.trunk, type=box, size=[TRUNK_REACH_M] * 3)

    def _touch(self, name: str, body: int, **site: Any) -> None:
        self.bodies[body].add_site(name=name, **site)
        kind, on = self.mj.mjtSensor.mjSENS_TOUCH, self.mj.mjtObj.mjOBJ_SITE
        self.spec.add_sensor(name=name, type=kind, objtype=on, objname=name)


def _numbered(elements: Iterable[Any]) -> dict[int, Any]:
    return {int(element.id): element for element in elements}


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
