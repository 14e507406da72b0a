"""What is in view, what hides it, and what is near."""

from math import inf, pi

import pytest

pytest.importorskip("mujoco")

from handlers.mission.world.model import compile_scene
from handlers.mission.world.vision import SceneThing, Sight, clear_sides, nearest_obstacle
from handlers.project.scene import Box, Incline, Marker, Slope, Sphere
from handlers.project.spec import Vision

STANDING_M = 0.285


def _seen(*objects: SceneThing, yaw: float = pi, x: float = 0.0) -> dict[str, float]:
    """Tag -> distance of what a robot sees that stands at x on the middle line."""
    sight = Sight(objects, Vision(), compile_scene(objects))
    found = sight.look(x, 0.0, STANDING_M, yaw)
    return {tag: seen.distance for tag, seen in found.items()}


def _ball(x: float, y: float = 0.0, radius: float = 0.15) -> Sphere:
    return Sphere(type="sphere", tag="ball", position=(x, y, radius), radius=radius)


def _wall(x: float, y: float = 0.0, half: float = 1.0, height: float = 1.2) -> Box:
    size = (0.05, half, height / 2)
    return Box(type="box", tag="wall", position=(x, y, height / 2), size=size)


def test_the_cone_of_view_is_ahead_and_ends() -> None:
    marks = [
        Marker(type="marker", tag=tag, position=place)
        for tag, place in (
            ("ahead", (-2.0, 0.0, 0.0)), ("ahead", (-1.0, 0.1, 0.0)), ("far", (-4.0, 0.0, 0.0)),
            ("edge", (-1.0, -0.6, 0.0)), ("side", (-1.0, -0.8, 0.0)), ("behind", (1.0, 0.0, 0.0)),
        )
    ]  # fmt: skip
    seen = _seen(*marks)
    assert seen == {"ahead": pytest.approx(1.005, abs=1e-3), "edge": pytest.approx(1.166, abs=1e-3)}
    assert set(_seen(*marks, yaw=0.0)) == {"behind"}


def test_a_wall_hides_what_is_behind_it_and_not_what_is_before_it() -> None:
    assert set(_seen(_wall(-1.5), _ball(-2.5))) == {"wall"}
    assert set(_seen(_wall(-2.9), _ball(-2.5))) == {"wall", "ball"}


def test_what_shows_at_an_edge_or_over_one_is_seen() -> None:
    # given a ball half behind a wall's end, and one behind a low wall
    assert "ball" in _seen(_wall(-1.5, y=-1.0), _ball(-2.5, radius=0.2))
    assert "ball" in _seen(_wall(-1.5, height=0.15), _ball(-3.0, radius=0.25))
    # and one of the same size that is wholly behind the low one, because it is near
    assert "ball" not in _seen(_wall(-0.5, height=0.3), _ball(-0.75, radius=0.1))


def test_markers_hide_nothing_and_things_hide_each_other() -> None:
    curtain = Marker(type="marker", tag="curtain", position=(-1, 0, 0.5), size=(0.05, 1.0, 0.5))
    ramp = Incline(near_x=-1.0, hx=0.8, hy=1.0, hz=0.05, angle_deg=35)
    assert "ball" in _seen(curtain, _ball(-2.0))
    assert "ball" not in _seen(Slope(type="slope", slope=ramp), _ball(-3.0))
    assert set(_seen(_ball(-1.0, radius=0.3), _wall(-1.6, half=0.05, height=0.2))) == {"ball"}


def test_the_nearest_of_a_tag_that_is_in_view_counts() -> None:
    # given a ball behind a wall and another farther off beside it
    seen = _seen(_wall(-0.8, y=0.6, half=0.5), _ball(-1.5, 0.6), _ball(-2.5, -1.0))
    assert seen["ball"] == pytest.approx(2.693, abs=1e-3)


def test_one_looks_under_a_table() -> None:
    table = Box(type="box", tag="table", position=(-1.5, 0, 0.72), size=(0.4, 1.0, 0.02))
    assert set(_seen(table, _ball(-2.5))) == {"table", "ball"}


def test_the_nearest_obstacle_is_measured_to_its_near_side() -> None:
    table = Box(type="box", position=(-0.9, 0, 0.72), size=(0.4, 1.0, 0.02))
    terrain = compile_scene([_wall(-1.5), table]).terrain
    assert nearest_obstacle(terrain, 0.0, 0.0, 3.5) == pytest.approx(1.45, abs=0.02)
    assert nearest_obstacle(terrain, 0.0, 0.0, 1.4) == -1.0
    assert nearest_obstacle(terrain, -9.0, 3.0, 3.5) == -1.0
    assert nearest_obstacle(compile_scene().terrain, 0.0, 0.0, inf) == -1.0


def test_what_is_free_to_the_left_ahead_and_to_the_right_turns_with_the_robot() -> None:
    # given a wall along -X, seen from the origin, and nothing anywhere else
    terrain = compile_scene([_wall(-1.5)]).terrain
    facing = clear_sides(terrain, 0.0, 0.0, pi, 3.5)
    assert facing == {"left": -1.0, "ahead": pytest.approx(1.45, abs=0.02), "right": -1.0}
    # then on its left when the robot has turned right, and behind it, where nobody looks
    assert clear_sides(terrain, 0.0, 0.0, pi / 2, 3.5)["left"] == facing["ahead"]
    assert clear_sides(terrain, 0.0, 0.0, 3 * pi / 2, 3.5)["right"] == facing["ahead"]
    assert set(clear_sides(terrain, 0.0, 0.0, 0.0, 3.5).values()) == {-1.0}
    assert clear_sides(terrain, 0.0, 0.0, pi, 1.4)["ahead"] == -1.0
