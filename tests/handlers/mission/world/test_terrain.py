"""The height map: what stands where, and where a foot can go."""

import pytest

pytest.importorskip("mujoco")

from handlers.mission.world.model import compile_scene
from handlers.mission.world.terrain import CALF_CLEARANCE
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
