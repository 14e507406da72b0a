"""The height map: what stands where, and where a foot can go."""

from math import inf

import pytest

pytest.importorskip("mujoco")

from handlers.mission.episode.sim import Simulator
from handlers.mission.locomotion.skill import Call
from handlers.mission.world.model import compile_scene
from handlers.mission.world.terrain import CALF_CLEARANCE, CRAWL_UNDER, WALK_UNDER
from handlers.project.scene import Box, Incline, Marker, Slope, Sphere


def test_a_box_is_as_high_as_it_is() -> None:
    terrain = compile_scene(
        [Box(type="box", position=(-1.0, 0.5, 0.04), size=(0.2, 0.3, 0.04))]
    ).terrain
    assert terrain.height(-1.0, 0.5) == pytest.approx(0.08)
    assert terrain.height(-1.17, 0.75) == pytest.approx(0.08)
    assert terrain.height(-1.23, 0.5) == 0.0
    assert terrain.height(50.0, 50.0) == 0.0


def test_a_marker_is_not_in_the_way() -> None:
    assert compile_scene([Marker(type="marker", position=(-1, 0, 0.02))]).terrain.flat


def test_a_slope_rises_away_from_its_near_edge() -> None:
    slope = Incline(near_x=-0.6, hx=0.8, hy=0.8, hz=0.05, angle_deg=12)
    terrain = compile_scene([Slope(type="slope", slope=slope)]).terrain
    assert terrain.height(-0.5, 0.0) == 0.0
    assert terrain.height(-1.11, 0.0) == pytest.approx(0.51 * 0.21256, abs=0.006)
    assert terrain.height(-2.05, 0.7) == pytest.approx(1.45 * 0.21256, abs=0.006)


def test_a_ball_is_round_on_top() -> None:
    terrain = compile_scene([Sphere(type="sphere", position=(0, -1, 0.1), radius=0.1)]).terrain
    assert terrain.height(0.0, -1.0) == pytest.approx(0.2, abs=0.003)
    assert 0.1 < terrain.height(0.07, -1.0) < 0.19


def test_a_foothold_keeps_off_edges_and_clear_of_what_is_behind() -> None:
    # given a step of 8 cm whose far edge is at x = -1.2
    terrain = compile_scene(
        [Box(type="box", position=(-1.0, 0, 0.04), size=(0.2, 0.5, 0.04))]
    ).terrain
    # when a foot wants to land on the edge, or just below it, looking toward -X
    on_edge = terrain.foothold(-0.81, 0.0, (1.0, 0.0), 0.0)
    below = terrain.foothold(-1.25, 0.0, (1.0, 0.0), 0.08)
    # then it goes where it stands flat, and the calf has room
    assert terrain.roughness(on_edge[0], on_edge[1]) == 0.0
    assert below[2] == 0.0
    assert below[0] <= -1.2 - CALF_CLEARANCE + 0.02 or below[0] > -0.8


def _board(bottom: float, x: float = -1.0, hx: float = 0.5) -> Box:
    """A level board of 4 cm, so much above the ground."""
    return Box(type="box", position=(x, 0, bottom + 0.02), size=(hx, 0.6, 0.02))


# -- ceilings --------------------------------------------------------------------------------------


def test_a_table_is_a_ceiling_and_its_legs_are_obstacles() -> None:
    # given a table with a leg
    leg = Box(type="box", position=(-0.55, 0.55, 0.35), size=(0.04, 0.04, 0.35))
    terrain = compile_scene([_board(0.7), leg]).terrain
    # then the ground goes on under it, and the room there is known
    assert terrain.height(-1.0, 0.0) == 0.0
    assert terrain.roughness(-0.5, 0.0) == 0.0
    assert terrain.clearance(-1.0, 0.0) == pytest.approx(0.7)
    assert terrain.clearance(-2.0, 0.0) == inf
    # and where the leg stands, the ground is as high as the table
    assert terrain.height(-0.55, 0.55) == pytest.approx(0.74)


def test_what_hangs_too_low_to_crawl_under_is_an_obstacle() -> None:
    terrain = compile_scene([_board(CRAWL_UNDER - 0.01)]).terrain
    assert terrain.height(-1.0, 0.0) == pytest.approx(CRAWL_UNDER + 0.03)
    assert terrain.clearance(-1.0, 0.0) == inf


def test_a_step_under_a_board_takes_its_room() -> None:
    # given a board with room enough, and a step under half of it that leaves too little
    step = Box(type="box", position=(-1.25, 0, 0.05), size=(0.25, 0.6, 0.05))
    terrain = compile_scene([_board(CRAWL_UNDER + 0.05), step]).terrain
    # then one half is a way through and the other is not
    assert terrain.clearance(-0.7, 0.0) == pytest.approx(CRAWL_UNDER + 0.05)
    assert terrain.height(-1.25, 0.0) == pytest.approx(CRAWL_UNDER + 0.09)


def test_a_bridge_that_a_ramp_leads_to_is_ground() -> None:
    # given a ramp to 0.52 m, a thin bridge at its end, and a board of its own beside them
    shape = Incline(near_x=-0.6, hx=1.0, hy=0.6, hz=0.02, angle_deg=15)
    ramp, top = Slope(type="slope", slope=shape), 2.0 * 0.258819
    terrain = compile_scene([_board(top - 0.04, x=-3.0), ramp, _board(0.5, x=-9.0)]).terrain
    # then the ramp's free end and the bridge are stood on, and the board is crawled under
    assert terrain.height(-2.4, 0.0) == pytest.approx(1.8 * 0.26795, abs=0.01)
    assert terrain.height(-3.0, 0.0) == pytest.approx(top, abs=0.001)
    assert terrain.height(-9.0, 0.0) == 0.0


@pytest.mark.parametrize(
    ("action", "room"), [("crawl_forward", CRAWL_UNDER), ("trot_forward", WALK_UNDER)]
)
def test_the_robot_passes_under_what_leaves_the_room(action: str, room: float) -> None:
    # given a board that leaves just the room a gait is said to need, when it goes under it
    sim = Simulator(compile_scene([_board(room, x=-0.6, hx=0.2)]), seed=1)
    result = sim.execute(Call(action, distance_m=1.2))
    # then it comes out at the other side, and has touched nothing
    assert result.outcome == "done"
    assert not result.touched


# -- size ------------------------------------------------------------------------------------------


def test_a_wide_scene_costs_what_stands_in_it() -> None:
    # given a fence around 64 x 64 m, and a course of 60 m
    fence = [
        Box(type="box", position=(x, y, 0.5), size=(hx, hy, 0.5))
        for x, y, hx, hy in (
            (32, 0, 0.1, 32),
            (-32, 0, 0.1, 32),
            (0, 32, 32, 0.1),
            (0, -32, 32, 0.1),
        )
    ]
    course = [_board(0.0, x=-2.0 * k, hx=0.1) for k in range(1, 30)]
    terrain = compile_scene([*fence, *course]).terrain
    # then the map holds a part of it: it has 2,600 tiles
    assert len(terrain.tiles) < 600
    assert terrain.height(-31.95, 12.3) == pytest.approx(1.0)
    assert terrain.height(-20.0, 0.3) == pytest.approx(0.04)
    assert terrain.height(-21.0, 0.3) == 0.0


def test_a_wide_floor_of_one_height_takes_no_more_memory_than_its_rim() -> None:
    slab = Box(type="box", position=(0, 0, 0.02), size=(12, 12, 0.02))
    terrain = compile_scene([slab]).terrain
    assert len({id(tile.heights) for tile in terrain.tiles.values()}) < 100 < len(terrain.tiles)
    assert terrain.height(11.5, -11.5) == pytest.approx(0.04)
    assert terrain.roughness(0.0, 0.0) == 0.0
