"""Whether the controller can drive a model at all: tried once, on flat ground, before it is used.

A model that merely parses may be too weak, too heavy or put together in a way that the controller
does not expect. Its logs would be nonsense that looks like data; so it stands, walks a metre and
turns a quarter before anything else, and is refused with figures where it cannot.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from math import degrees, hypot, pi
from pathlib import Path

import handlers.mission.world.model as world
from handlers.mission.episode.sim import Simulator
from handlers.mission.locomotion.skill import Call
from handlers.mission.world.model import SceneModel, compile_scene
from handlers.project.scene import Box, Marker, Slope, Sphere
from store.errors import InputError

WALK_M, TURN_RAD = 1.0, pi / 2

OFF_M, OFF_DEG = 0.10, 5.0
"""How far from its metre and its right angle a model may end that is driven: ten times what ours
does, and less than the scripted policy makes up for with its next action."""

SUNK = 0.8
"""Part of its standing height that a trunk has to be at, standing."""

_proven: set[str] = set()


def proven_scene(
    objects: Iterable[Box | Marker | Sphere | Slope] = (), xml: Path | None = None
) -> SceneModel:
    """`compile_scene`, with a model of the user's own tried first.

    Each model is tried once in a process. Raises InputError, also for one that cannot be driven.
    """
    if xml is not None:
        bare = compile_scene((), xml)
        key = model_sha256(bare)
        if key not in _proven:
            prove(bare, str(xml))
            _proven.add(key)
    return compile_scene(objects, xml)


def model_sha256(scene: SceneModel) -> str:
    """A hash of a compiled model: of robot and scene alike, whatever files they came from."""
    import numpy as np

    model = scene.model
    mj = world.mujoco()
    buffer = np.empty(mj.mj_sizeModel(model), np.uint8)
    mj.mj_saveModel(model, None, buffer)
    return sha256(buffer.tobytes()).hexdigest()


def prove(scene: SceneModel, where: str) -> None:
    """Stand, walk a metre, turn a quarter left. Raises InputError saying at which it failed."""
    sim = Simulator(scene)
    _stands(sim, where)
    x, y = sim.sense.x, sim.sense.y
    _done(sim, Call("walk_forward", distance_m=WALK_M), where, f"walking {WALK_M:g} m")
    gone = x - sim.sense.x  # a robot looks along -x at the start
    off = hypot(gone - WALK_M, sim.sense.y - y)
    if off > OFF_M:
        raise _refused(where, f"walked {gone:.2f} m ahead of {WALK_M:g} m, ending {off:.2f} m off")
    yaw = sim.sense.yaw
    _done(sim, Call("turn_left", rotation_rad=TURN_RAD), where, "turning 90 degrees")
    turned = degrees(sim.sense.yaw - yaw)
    if abs(turned - degrees(TURN_RAD)) > OFF_DEG:
        raise _refused(where, f"turned {turned:.0f} of 90 degrees")


def _stands(sim: Simulator, where: str) -> None:
    outcome = sim.execute(Call("stand")).outcome
    if outcome in ("fell", "diverged"):
        raise _refused(where, f"{outcome} after {sim.time_s:.1f} s of standing")
    wanted, height = sim.scene.body.stand_height, sim.sense.z
    if height < SUNK * wanted:
        strong = ", ".join(f"{most:.3g}" for _, most in sim.scene.wiring.torques[:3]) or "no limit"
        raise _refused(
            where,
            f"sank to {height:.2f} m of {wanted:.2f} m, standing: it weighs"
            f" {sim.scene.body.mass:.3g} kg, and its motors give {strong} Nm (hip, thigh, calf)",
        )
    if not sim.sense.feet_grounded:
        raise _refused(where, "stands with no force on its feet")


def _done(sim: Simulator, call: Call, where: str, doing: str) -> None:
    """Carry out a call that has to end well."""
    result = sim.execute(call)
    if result.outcome in ("fell", "diverged"):
        raise _refused(where, f"{result.outcome} after {result.seconds:.1f} s of {doing}")
    if result.outcome != "done":
        far = hypot(sim.sense.x, sim.sense.y)
        raise _refused(
            where,
            f"was at its end ({result.outcome}) after {result.seconds:.1f} s of {doing},"
            f" {far:.2f} m from its start",
        )


def _refused(where: str, what: str) -> InputError:
    return InputError(
        f"{where}: cannot be driven: this model {what}",
        hint="docs/mission.md says what a model needs; without --xml and xml_path the built-in go1"
        " is driven",
    )
