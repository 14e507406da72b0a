"""Every action of the library is executed and does what it says."""

from math import cos, degrees, hypot, pi, radians, sin
from typing import Any

import pytest

pytest.importorskip("mujoco")

from handlers.mission.episode.sim import Simulator, Variation
from handlers.mission.locomotion.actions import LINES, NAMES, TURNS, Call
from handlers.mission.locomotion.limits import CLIMB_STEP_M, SLOPE_RAD
from handlers.mission.world.model import SceneModel, compile_scene
from handlers.project.library import library_for
from handlers.project.scene import Box, Slope
from store.errors import InputError

UNPUSHED = Variation(push_n=(0.0, 0.0))


@pytest.fixture(scope="module")
def flat() -> SceneModel:
    return compile_scene()


def test_the_simulated_robot_knows_the_whole_go1_library() -> None:
    assert set(NAMES) == set(library_for("go1", None).names)


@pytest.mark.parametrize("action", sorted(LINES))
def test_a_gait_goes_its_distance_in_its_direction(flat: SceneModel, action: str) -> None:
    # given a robot on a floor of its own friction, looking somewhere
    sim = Simulator(flat, seed=5, variation=UNPUSHED, yaw=0.7)
    start = sim.sense
    # when it goes 30 cm
    result = sim.execute(Call(action, distance_m=0.3))
    # then it stands 30 cm further along the way the action names
    line = LINES[action]
    c, s = cos(start.yaw), sin(start.yaw)
    x = start.x + 0.3 * (c * line.along - s * line.left)
    y = start.y + 0.3 * (s * line.along + c * line.left)
    assert result.outcome == "done"
    assert hypot(sim.sense.x - x, sim.sense.y - y) < 0.02
    assert abs(degrees(sim.sense.yaw - start.yaw)) < 1.0
    assert sim.sense.feet_grounded == 4


@pytest.mark.parametrize("action", sorted(TURNS))
def test_a_turn_turns_its_angle_on_the_spot(flat: SceneModel, action: str) -> None:
    sim = Simulator(flat, seed=6, variation=UNPUSHED)
    result = sim.execute(Call(action, rotation_rad=radians(30)))
    assert result.outcome == "done"
    assert sim.sense.heading_deg == pytest.approx(30 if "left" in action else -30, abs=1.0)
    assert hypot(sim.sense.x, sim.sense.y) < 0.05


def _watch(sim: Simulator) -> list[Any]:
    seen: list[Any] = []
    sim.on_tick = lambda running: seen.append(running.sense)
    return seen


def test_a_jump_leaves_the_ground_and_lands_on_its_feet(flat: SceneModel) -> None:
    sim = Simulator(flat)
    seen = _watch(sim)
    result = sim.execute(Call("jump"))
    assert result.outcome == "done"
    assert result.airborne >= 5
    assert max(sense.z for sense in seen) > 0.36
    assert sim.sense.feet_grounded == 4
    assert not sim.sense.flipped


def test_lying_down_lowers_the_trunk_and_standing_up_raises_it(flat: SceneModel) -> None:
    sim = Simulator(flat)
    assert sim.execute(Call("lie_down")).ok
    assert sim.sense.z < 0.12
    assert sim.execute(Call("stand_up")).ok
    assert sim.sense.z > 0.26


def test_a_gait_gets_up_first_when_the_robot_lies(flat: SceneModel) -> None:
    sim = Simulator(flat)
    sim.execute(Call("lie_down"))
    assert sim.execute(Call("walk_forward", distance_m=0.2)).ok
    assert sim.sense.x == pytest.approx(-0.2, abs=0.05)


def test_sitting_lifts_the_front(flat: SceneModel) -> None:
    sim = Simulator(flat)
    assert sim.execute(Call("sit")).ok
    assert degrees(sim.sense.pitch) < -15


@pytest.mark.parametrize(
    ("action", "in_the_air"), [("rear_up", (0, 1)), ("shake_hand", (0,)), ("rear_kick", (2,))]
)
def test_a_pose_lifts_the_feet_it_is_about(
    flat: SceneModel, action: str, in_the_air: tuple[int, ...]
) -> None:
    sim = Simulator(flat)
    seen = _watch(sim)
    assert sim.execute(Call(action)).ok
    lifted = [s for s in seen if all(s.forces[leg] == 0.0 for leg in in_the_air)]
    assert len(lifted) * 0.02 > 0.4
    assert sim.sense.feet_grounded == 4


def test_a_crawl_steps_over_a_box(flat: SceneModel) -> None:
    # given a box of 5 cm across the way
    scene = compile_scene([Box(type="box", position=(-0.6, 0, 0.025), size=(0.1, 0.8, 0.025))])
    sim = Simulator(scene, seed=1)
    # when the robot crawls on, then it comes down on the other side
    assert sim.execute(Call("crawl_forward", distance_m=1.2)).ok
    assert sim.sense.x < -1.1


def _ramp(degrees: float) -> list[Box | Slope]:
    """A ramp of 1.2 m that begins at x = -0.6, and a platform of 1.2 m on top."""
    angle = radians(degrees)
    shape = {"near_x": -0.6, "near_y": 0.0, "hx": 0.6, "hy": 1.0, "hz": 0.02, "angle_deg": degrees}
    top, end = 1.2 * sin(angle), -0.6 - 1.2 * cos(angle)
    platform = Box(type="box", position=(end - 0.6, 0, top / 2), size=(0.6, 1.0, top / 2))
    return [Slope.model_validate({"type": "slope", "slope": shape}), platform]


def _stairs(height: float) -> list[Box | Slope]:
    """Two steps that begin at x = -0.6, the first 35 cm deep and the second 1.6 m."""
    upper = Box(type="box", position=(-1.75, 0, height), size=(0.8, 1.0, height))
    return [Box(type="box", position=(-1.2, 0, height / 2), size=(0.6, 1.0, height / 2)), upper]


@pytest.mark.parametrize("down", [False, True], ids=["up", "down"])
@pytest.mark.parametrize(
    "course", [_ramp(degrees(SLOPE_RAD)), _stairs(CLIMB_STEP_M)], ids=["ramp", "stairs"]
)
def test_a_crawl_goes_up_and_down_what_the_limits_say(
    course: list[Box | Slope], down: bool
) -> None:
    # given a robot before a ramp or stairs, or on top of them, on a slippery floor
    slippery = Variation(friction=(0.55, 0.55), push_n=(0.0, 0.0))
    start, goal = (-2.2, 0.2) if down else (0.0, -2.1)
    sim = Simulator(
        compile_scene(course), seed=2, variation=slippery, spawn=(start, 0.1, 0.0),
        yaw=pi if down else 0.0,
    )  # fmt: skip
    before = sim.sense.z
    # when it crawls on, then it arrives, on another height
    result = sim.execute(Call("crawl_forward", distance_m=abs(goal - start)))
    assert result.outcome == "done"
    assert sim.sense.x == pytest.approx(goal, abs=0.1)
    assert abs(sim.sense.z - before) > 0.15


@pytest.mark.parametrize("friction", [0.12, 0.2])
def test_feet_that_slip_are_not_run_after(flat: SceneModel, friction: float) -> None:
    # given a floor on which feet slip, when the robot turns one foot at a time
    ice = Variation(friction=(friction, friction), push_n=(0.0, 0.0))
    sim = Simulator(flat, seed=1, variation=ice)
    result = sim.execute(Call("precision_turn_left"))
    # then it gets around, on its feet
    assert result.outcome == "done"
    assert sim.sense.heading_deg == pytest.approx(90.0, abs=1.0)


def test_a_wall_ends_a_walk(flat: SceneModel) -> None:
    scene = compile_scene([Box(type="box", position=(-0.5, 0, 0.3), size=(0.05, 1.0, 0.3))])
    sim = Simulator(scene)
    result = sim.execute(Call("walk_forward", distance_m=1.0))
    assert result.outcome == "blocked"
    assert sim.sense.x > -0.4


def test_a_duration_ends_a_gait(flat: SceneModel) -> None:
    sim = Simulator(flat)
    result = sim.execute(Call("walk_forward", duration_s=1.0))
    assert 1.0 <= result.seconds < 2.0
    assert -0.5 < sim.sense.x < -0.1


def test_an_unknown_action_is_named(flat: SceneModel) -> None:
    with pytest.raises(InputError, match="moonwalk"):
        Simulator(flat).execute(Call("moonwalk"))


def test_the_same_seed_gives_the_same_floats_and_another_seed_others(flat: SceneModel) -> None:
    def end(seed: int) -> tuple[float, ...]:
        sim = Simulator(flat, seed=seed)
        sim.execute(Call("trot_forward", distance_m=0.5))
        return (*sim.data.qpos.tolist(), *sim.data.qvel.tolist())

    assert end(3) == end(3)
    assert end(3) != end(4)
