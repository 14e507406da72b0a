"""The MuJoCo model of a mission: the robot (ours, or the user's own XML) in the scene of env.json.

Needs the extra `sim`. Everything a user can get wrong here is one line: a missing package, XML that
does not parse, a model that lacks a joint or an actuator the controller drives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from importlib import import_module, resources
from math import cos, radians, sin
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlers.mission.world.leg import JOINTS, LEGS, LINK
from handlers.mission.world.loads import KP, KV
from handlers.mission.world.look import FLOOR, dress
from handlers.mission.world.survey import survey
from handlers.mission.world.terrain import HeightMap
from handlers.project.scene import Box, Marker, Slope, Sphere
from store import interpreter
from store.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from types import ModuleType

TIMESTEP = 0.002
"""Of the simulator, s: what go1.xml says, and set in a model of the user's own."""

ROBOTS = ("go1", "go2")
COLLIDES = 3
"""contype and conaffinity of what both the robot (1) and the world (2) collide with."""

OBSTACLE_M = 0.03
"""Ground this much higher than the robot's own is an obstacle, m."""

_COLOURS = {
    Box: (0.45, 0.36, 0.30, 1.0),
    Marker: (1.0, 0.25, 0.2, 1.0),
    Sphere: (0.2, 0.55, 0.9, 1.0),
    Slope: (0.5, 0.5, 0.45, 1.0),
}


def mujoco() -> ModuleType:
    """The simulator. Raises MissingExtraError when it is not installed."""
    try:
        # Its window library looks for itself, and starts a Python, where this process stands: in
        # a project's folder that would run what lies there.
        with chdir(interpreter.FOLDER):
            return import_module("mujoco")
    except ImportError:
        raise MissingExtraError(
            "missions need MuJoCo, which is not installed", hint="pip install 'cadenzad[sim]'"
        ) from None


@dataclass(frozen=True, slots=True)
class SceneModel:
    """A compiled model and where in it things are; shared by every run of a scene.

    `joints`, `joint_dofs` and `actuators` are in the controller's order (FR, FL, RR, RL; hip,
    thigh, calf). `solids` maps a geom that stands in the way to the tag of its object; `persons`
    are those of them that must not be touched.
    """

    model: Any
    terrain: HeightMap
    root: int
    root_dof: int
    trunk: int
    joints: list[int]
    joint_dofs: list[int]
    actuators: list[int]
    touch: list[int]
    trunk_touch: int
    feet: list[int]
    solids: dict[int, str] = field(default_factory=dict)
    persons: frozenset[int] = frozenset()
    tidy: bool = True


def compile_scene(
    objects: Iterable[Box | Marker | Sphere | Slope] = (), xml: Path | None = None
) -> SceneModel:
    """Robot and scene as one model. `xml`: the user's own model in place of ours.

    Raises MissingExtraError, or InputError naming the file and what is wrong with it.
    """
    mj = mujoco()
    spec = _load(mj, xml)
    where = str(xml) if xml else "go1.xml"
    _require_robot(mj, spec, where)
    _add_touch(mj, spec)
    dress(mj, spec)
    spec.option.timestep = TIMESTEP
    # A diverged run has to be seen as one: by default MuJoCo would put the robot back at the start.
    spec.option.disableflags |= mj.mjtDisableBit.mjDSBL_AUTORESET
    if not any(geom.type == mj.mjtGeom.mjGEOM_PLANE for geom in spec.worldbody.geoms):
        _add_floor(mj, spec)
    objects = list(objects)
    names = [_add_object(mj, spec, index, item) for index, item in enumerate(objects)]
    try:
        model = spec.compile()
    except ValueError as error:
        raise InputError(f"{where}: not a usable model: {_one_line(error)}") from None
    try:
        persons = [
            name
            for name, item in zip(names, objects, strict=True)
            if name and isinstance(item, Box | Sphere) and item.person
        ]
        return _indexed(mj, model, [name for name in names if name], persons)
    except (ValueError, OverflowError) as error:  # a scene that no map of heights can hold
        furthest = max(range(len(objects)), key=lambda at: _reach(objects[at]), default=None)
        place = where if furthest is None else f"env.json: scene.objects[{furthest}]"
        hint = "positions and half extents are in meters"
        raise InputError(f"{place}: too large or too far away: {error}", hint=hint) from None


def _reach(item: Box | Marker | Sphere | Slope) -> float:
    """How far from the start an object reaches, at most, in meters."""
    if isinstance(item, Slope):
        shape = item.slope
        return max(abs(shape.near_x), abs(shape.near_y)) + max(shape.hx, shape.hy)
    size = item.radius if isinstance(item, Sphere) else max(item.size[:2])
    return max(map(abs, item.position[:2])) + size


def _load(mj: Any, xml: Path | None) -> Any:
    if xml is None:
        text = resources.files("handlers.mission.world").joinpath("go1.xml").read_text("utf-8")
        return mj.MjSpec.from_string(text)
    if not xml.is_file():
        raise InputError(f"{xml}: no such file", hint="xml_path is relative to the project")
    try:
        return mj.MjSpec.from_file(str(xml))
    except ValueError as error:
        raise InputError(f"{xml}: not a usable model: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _require_robot(mj: Any, spec: Any, where: str) -> None:
    """The joints and actuators the controller drives must be there, under their usual names."""
    joints = {joint.name for joint in spec.joints}
    driven = {actuator.target: actuator for actuator in spec.actuators}
    missing = [f"joint {name}" for name in JOINTS if name not in joints]
    missing += [f"an actuator on {name}" for name in JOINTS if name not in driven]
    if "FR_hip_joint" in joints and _trunk(mj, spec) is None:
        missing.insert(0, "a free joint for the trunk")
    if missing:
        raise InputError(f"{where}: the model lacks {', '.join(missing)}")
    for name in JOINTS:  # the joint servo is part of the controller, not of the model
        driven[name].set_to_position(kp=KP, kv=KV)


def _trunk(mj: Any, spec: Any) -> Any:
    """The body with the free joint that the legs hang on; None when there is none."""
    body = spec.joint("FR_hip_joint").parent
    while body is not None:
        if any(joint.type == mj.mjtJoint.mjJNT_FREE for joint in body.joints):
            return body
        body = body.parent
    return None


def _add_touch(mj: Any, spec: Any) -> None:
    """Touch sensors on the feet and the trunk, under names of ours."""
    site, touch = mj.mjtObj.mjOBJ_SITE, mj.mjtSensor.mjSENS_TOUCH
    for leg in LEGS:
        calf = spec.joint(f"{leg}_calf_joint").parent
        calf.add_site(name=f"cadenza_{leg}", pos=[0, 0, -LINK], size=[0.035, 0.035, 0.035])
        spec.add_sensor(name=f"cadenza_{leg}", type=touch, objtype=site, objname=f"cadenza_{leg}")
    _trunk(mj, spec).add_site(
        name="cadenza_trunk", type=mj.mjtGeom.mjGEOM_BOX, size=[0.26, 0.08, 0.09]
    )
    spec.add_sensor(name="cadenza_trunk", type=touch, objtype=site, objname="cadenza_trunk")


def _add_floor(mj: Any, spec: Any) -> None:
    spec.worldbody.add_geom(
        name="cadenza_floor",
        type=mj.mjtGeom.mjGEOM_PLANE,
        size=[0, 0, 0.05],
        material=FLOOR,
        contype=COLLIDES,
        conaffinity=COLLIDES,
    )


def _add_object(mj: Any, spec: Any, index: int, item: Box | Marker | Sphere | Slope) -> str | None:
    """One object of the scene; the geom's name when it can be bumped into."""
    name = f"cadenza_object_{index}"
    solid = not isinstance(item, Marker)
    common: dict[str, Any] = {
        "name": name,
        "rgba": list(item.rgba or _COLOURS[type(item)]),
        "contype": COLLIDES if solid else 0,
        "conaffinity": COLLIDES if solid else 0,
    }
    if isinstance(item, Slope):
        centre, quat, size = incline(item)
        common |= {"pos": centre, "quat": quat, "size": size}
    else:
        common["pos"] = list(item.position)
        common["size"] = [item.radius, 0, 0] if isinstance(item, Sphere) else list(item.size)
    box = mj.mjtGeom.mjGEOM_SPHERE if isinstance(item, Sphere) else mj.mjtGeom.mjGEOM_BOX
    geom = spec.worldbody.add_geom(type=box, **common)
    geom.info = item.tag
    return name if solid else None


def incline(item: Slope) -> tuple[list[float], list[float], list[float]]:
    """Centre, quaternion and half extents of a ramp whose upper near edge lies on the ground.

    The edge is at near_x; from there the surface rises toward -X by angle_deg over 2 hx.
    """
    s = item.slope
    angle = radians(s.angle_deg)
    c, t = cos(angle), sin(angle)
    centre = [s.near_x - s.hx * c - s.hz * t, s.near_y, s.hx * t - s.hz * c]
    return centre, [cos(angle / 2), 0.0, sin(angle / 2), 0.0], [s.hx, s.hy, s.hz]


def _indexed(mj: Any, model: Any, solids: Sequence[str], persons: Sequence[str]) -> SceneModel:
    data = mj.MjData(model)
    mj.mj_forward(model, data)
    joints = [model.joint(name).id for name in JOINTS]
    trunk = int(model.body_rootid[model.jnt_bodyid[joints[0]]])
    free = int(model.body_jntadr[trunk])
    by_joint = {int(model.actuator_trnid[i][0]): i for i in range(model.nu)}
    calves = {int(model.jnt_bodyid[joints[3 * leg + 2]]) for leg in range(4)}
    fixed = fixed_geoms(mj, model)
    terrain = survey(model, data, fixed)
    qpos = [int(model.jnt_qposadr[j]) for j in joints]
    actuators = [by_joint[j] for j in joints]
    root = int(model.jnt_qposadr[free])
    return SceneModel(
        model=model,
        terrain=terrain,
        root=root,
        root_dof=int(model.jnt_dofadr[free]),
        trunk=trunk,
        joints=qpos,
        joint_dofs=[int(model.jnt_dofadr[j]) for j in joints],
        actuators=actuators,
        touch=[int(model.sensor(f"cadenza_{leg}").adr[0]) for leg in LEGS],
        trunk_touch=int(model.sensor("cadenza_trunk").adr[0]),
        feet=_foot_geoms(mj, model, calves),
        solids={model.geom(name).id: name for name in solids},
        persons=frozenset(model.geom(name).id for name in persons),
        tidy=root == 0
        and qpos == list(range(7, 19))
        and actuators == list(range(12))
        and model.nu == 12,
    )


def fixed_geoms(mj: Any, model: Any) -> list[int]:
    """Geoms of the world that can be stood on or bumped into, other than the floor."""
    return [
        i
        for i in range(model.ngeom)
        if model.body_weldid[model.geom_bodyid[i]] == 0
        and model.geom_type[i] != mj.mjtGeom.mjGEOM_PLANE
        and (model.geom_contype[i] or model.geom_conaffinity[i])
    ]


def _foot_geoms(mj: Any, model: Any, calves: set[int]) -> list[int]:
    """The spheres at the lower ends of the calves."""
    return [
        i
        for i in range(model.ngeom)
        if int(model.geom_bodyid[i]) in calves
        and model.geom_type[i] == mj.mjtGeom.mjGEOM_SPHERE
        and abs(model.geom_pos[i][2] + LINK) < 0.02
    ]
