"""Ways around obstacles."""

from math import hypot

import pytest

pytest.importorskip("mujoco")

from handlers.mission.policies.route import BODY_M, GroundMap, plan
from handlers.mission.world.model import compile_scene
from handlers.project.scene import Box, Zone


def _wall(top: float) -> list[Box]:
    return [Box(type="box", position=(-1.0, 0.3, top / 2), size=(0.1, 0.8, top / 2))]


def _plan(ground: GroundMap) -> list[tuple[float, float, str]]:
    legs = plan(ground, (0.0, 0.0), lambda x, y: x < -2, lambda x, y: max(0.0, x + 2))
    return [(leg.x, leg.y, leg.ground) for leg in legs]


def test_open_ground_is_one_straight_leg() -> None:
    assert len(_plan(GroundMap(compile_scene().terrain))) == 1


def test_a_wall_is_passed_with_room_for_the_robot() -> None:
    # given a wall that leaves a way past on the left (y < -0.5)
    ground = GroundMap(compile_scene(_wall(0.3)).terrain)
    # when a way is planned
    legs = _plan(ground)
    # then it goes around, and never nearer to the wall than the robot reaches
    assert len(legs) >= 2
    assert all(kind in ("open", "tight") for *_, kind in legs)
    at = (0.0, 0.0)
    for x, y, _ in legs:
        for k in range(21):
            px, py = at[0] + (x - at[0]) * k / 20, at[1] + (y - at[1]) * k / 20
            gap = hypot(max(0.0, abs(px + 1.0) - 0.1), max(0.0, abs(py - 0.3) - 0.8))
            assert gap > BODY_M - 0.08
        at = (x, y)


def test_a_low_step_is_crawled_over() -> None:
    legs = _plan(GroundMap(compile_scene(_wall(0.05)).terrain))
    assert {kind for *_, kind in legs} & {"rough"} or len(legs) >= 2


def test_a_forbidden_zone_is_walked_around() -> None:
    lava = Zone(name="lava", aabb=((-1.5, -0.5, 0.0), (-0.8, 0.5, 1.0)))
    ground = GroundMap(compile_scene().terrain, [lava])
    legs = _plan(ground)
    assert len(legs) >= 2
    assert ground.line((0.0, 0.0), (-2.0, 0.0)) == "closed"


def test_what_cannot_be_reached_is_approached() -> None:
    # given a ring wall around the robot
    walls = [
        Box(type="box", position=(x, y, 0.3), size=(hx, hy, 0.3))
        for x, y, hx, hy in (
            (-1.2, 0, 0.1, 1.3),
            (1.2, 0, 0.1, 1.3),
            (0, 1.2, 1.3, 0.1),
            (0, -1.2, 1.3, 0.1),
        )
    ]
    ground = GroundMap(compile_scene(walls).terrain)
    # when it wants out, then it goes as near to the way out as it can, and stays inside
    legs = _plan(ground)
    assert legs
    assert -1.1 < legs[-1][0] < -0.5
