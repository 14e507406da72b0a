"""The MuJoCo model of a mission: the robot (ours, or the user's own XML) in the scene of env.json.

Needs the extra `sim`. Everything a user can get wrong here is one line: a missing package, XML that
does not parse, a model that lacks a joint or an actuator the controller drives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import chdir
from dataclasses import dataclass
from importlib import import_module, resources
from math import cos, radians, sin
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlers.mission.world.anatomy import Anatomy, read
from handlers.mission.world.body import Body
from handlers.mission.world.fitting import fit
from handlers.mission.world.look import FLOOR, dress
from handlers.mission.world.survey import survey
from handlers.mission.world.terrain import HeightMap
from handlers.mission.world.wiring import Wiring, wire
from handlers.project.scene import Box, Marker, Slope, Sphere
from store import interpreter
from store.errors import InputError, MissingExtraError, ProjectError

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


def require_built_in(robot: str) -> None:
    """Raises ProjectError for a robot that has no model here. Names count in any case."""
    if robot.lower() not in ROBOTS:
        raise ProjectError(
            f"robot {robot!r} cannot be simulated: there is no model of it here (built in:"
            f" {', '.join(ROBOTS)})",
            hint="only four-legged robots are driven; give a model of one as xml_path in env.json"
            " or with --xml",
        )


@dataclass(frozen=True, slots=True)
class SceneModel:
    """A compiled model and where in it things are; shared by every run of a scene.

    `feet` are the geoms of FR, FL, RR, RL and `robot` those of the robot that are no feet; `solids`
    maps a geom that stands in the way to the tag of its object; `persons` are those of them that
    must not be touched.
    """

    model: Any
    terrain: HeightMap
    wiring: Wiring
    trunk: int
    feet: list[int]
    robot: frozenset[int]
    solids: dict[int, str]
    persons: frozenset[int]

    @property
    def body(self) -> Body:
        """The robot as the controller knows it."""
        return self.wiring.body


def compile_scene(
    objects: Iterable[Box | Marker | Sphere | Slope] = (), xml: Path | None = None
) -> SceneModel:
    """Robot and scene as one model. `xml`: the user's own model in place of ours.

    Raises MissingExtraError, or InputError naming the file and what is wrong with it.
    """
    mj = mujoco()
    spec = _load(mj, xml)
    where = str(xml) if xml else "go1.xml"
    robot = _compiled(spec, where)
    parts = read(mj, robot, where)
    feet = fit(mj, spec, robot, parts, where)
    dress(mj, spec)
    spec.option.timestep = TIMESTEP
    spec.option.integrator = mj.mjtIntegrator.mjINT_IMPLICITFAST  # stiff servos on light legs
    # A diverged run has to be seen as one: by default MuJoCo would put the robot back at the start.
    spec.option.disableflags |= mj.mjtDisableBit.mjDSBL_AUTORESET
    if not any(geom.type == mj.mjtGeom.mjGEOM_PLANE for geom in spec.worldbody.geoms):
        _add_floor(mj, spec)
    objects = list(objects)
    names = [_add_object(mj, spec, index, item) for index, item in enumerate(objects)]
    model = _compiled(spec, where)
    try:
        persons = [
            name
            for name, item in zip(names, objects, strict=True)
            if name and isinstance(item, Box | Sphere) and item.person
        ]
        return _indexed(mj, model, parts, [geom.id for geom in feet], names, persons)
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


def _compiled(spec: Any, where: str) -> Any:
    try:
        return spec.compile()
    except ValueError as error:
        raise InputError(f"{where}: not a usable model: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


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


def _indexed(
    mj: Any,
    model: Any,
    parts: Anatomy,
    feet: list[int],
    names: Sequence[str | None],
    persons: Sequence[str],
) -> SceneModel:
    data = mj.MjData(model)
    mj.mj_forward(model, data)
    trunk = parts.trunk
    own = {g for g in range(model.ngeom) if model.body_rootid[model.geom_bodyid[g]] == trunk}
    return SceneModel(
        model=model,
        terrain=survey(model, data, fixed_geoms(mj, model)),
        wiring=wire(mj, model, parts),
        trunk=trunk,
        feet=feet,
        robot=frozenset(own - set(feet)),
        solids={model.geom(name).id: name for name in names if name},
        persons=frozenset(model.geom(name).id for name in persons),
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
