"""Ways around obstacles."""

import heapq
import json
from math import hypot, inf
from random import Random
from typing import Any

import pytest
from scenes import box, phase, zone

pytest.importorskip("mujoco")

from handlers.mission.route.field import Field
from handlers.mission.route.footing import BODY_M, GRID, Footing, cell_of, centre
from handlers.mission.route.ground import COST, GroundMap
from handlers.mission.route.route import Leg, Route
from handlers.mission.world.model import compile_scene
from handlers.project.scene import Zone
from handlers.project.spec import ProjectSpec, parse_spec

BEYOND = zone("beyond", -3.0, 0.0, 1.0, 3.0)


def _spec(objects: list[Any], zones: list[Any], **wanted: Any) -> ProjectSpec:
    env = {"name": "way", "scene": {"objects": objects, "zones": zones}}
    spec = {**env, "phases": [phase("go", "", **wanted)]}
    return parse_spec(json.dumps(spec).encode(), "env.json")


def _route(objects: list[Any], zones: list[Any], **wanted: Any) -> Route:
    spec = _spec(objects, zones, **wanted)
    route = Route(spec, spec.phases[0], Footing(compile_scene(spec.scene.objects).terrain))
    route.note(0.0, 0.0, 0.28)
    return route


def _wall(top: float) -> list[Any]:
    return [box(-1.0, 0.3, 0.1, 0.8, top)]


def _legs(objects: list[Any]) -> list[Leg]:
    return _route(objects, [BEYOND], enter_zone="beyond").legs(0.0, 0.0)


def test_open_ground_is_one_straight_leg() -> None:
    assert len(_legs([])) == 1


def test_a_wall_is_passed_with_room_for_the_robot() -> None:
    # given a wall that leaves a way past on the left (y < -0.5), when a way is planned
    legs = _legs(_wall(0.3))
    # then it goes around, and never nearer to the wall than the robot reaches
    assert len(legs) >= 2
    assert all(leg.ground in ("open", "tight") for leg in legs)
    at = (0.0, 0.0)
    for leg in legs:
        for k in range(21):
            px, py = at[0] + (leg.x - at[0]) * k / 20, at[1] + (leg.y - at[1]) * k / 20
            gap = hypot(max(0.0, abs(px + 1.0) - 0.1), max(0.0, abs(py - 0.3) - 0.8))
            assert gap > BODY_M - 0.05
        at = (leg.x, leg.y)


def test_a_low_step_is_crawled_over() -> None:
    assert "rough" in {leg.ground for leg in _legs([box(-1.0, 0.0, 0.1, 4.0, 0.05)])}


def test_a_door_is_walked_through_straight_and_a_mouse_hole_is_not() -> None:
    def door(width: float) -> list[Any]:
        return [box(-1.2, side * (width / 2 + 1.5), 0.05, 1.5, 0.5) for side in (-1.0, 1.0)]

    through = _legs(door(0.6))
    assert "narrow" in {leg.ground for leg in through}
    assert all(abs(leg.y) < 0.1 for leg in through[:-1])
    around = _legs(door(0.3))
    assert max(abs(leg.y) for leg in around) > 3.0


def test_what_hangs_low_is_crawled_under_and_what_hangs_high_walked_under() -> None:
    def under(top: float) -> set[str]:
        slab = {
            "type": "box",
            "tag": "t",
            "position": [-1.2, 0, top + 0.03],
            "size": [0.4, 5, 0.03],
        }
        return {leg.ground for leg in _legs([slab])}

    assert under(0.6) == {"open"}
    assert "rough" in under(0.36)


def test_a_forbidden_zone_is_walked_around() -> None:
    lava = Zone(name="lava", aabb=((-1.5, -0.5, 0.0), (-0.8, 0.5, 1.0)))
    ground = GroundMap(Footing(compile_scene().terrain), [lava])
    assert ground.line((0.0, 0.0), (-2.0, 0.0)) == "closed"
    assert ground.line((0.0, 1.0), (-2.0, 1.0)) == "open"


def test_what_a_phase_wants_it_near_to_is_not_stepped_on() -> None:
    mark = {"type": "marker", "tag": "mark", "position": [-1.5, 0.0, 0.02]}
    near = {"tag": "mark", "max_distance_m": 0.5}
    route = _route([mark], [], near_object=near)
    end = route.legs(0.0, 0.0)[-1]
    assert 0.35 < hypot(end.x + 1.5, end.y) < 0.5
    assert route.ground.line((0.0, 0.0), (-3.0, 0.0)) == "kept"


def test_a_zone_that_is_smaller_than_a_planning_cell_is_a_target() -> None:
    for x in (-1.20, -1.23, -1.26):
        route = _route([], [zone("spot", x, 0.51, 0.02, 0.02)], enter_zone="spot")
        end = route.legs(0.0, 0.0)[-1]
        assert route.there(end.x, end.y)
        assert hypot(end.x - x, end.y - 0.51) < 0.011


def test_a_zone_to_leave_is_entered_first_and_left_on_the_side_that_is_open() -> None:
    inside = _route(
        [box(-1.0, 0.0, 0.1, 1.5, 0.3)], [zone("room", -0.2, 0, 0.5, 2)], exit_zone="room"
    )
    assert inside.legs(0.0, 0.0)[-1].x > 0.4
    away = _route([], [zone("room", -2.0, 0.0, 0.5, 0.5)], exit_zone="room")
    assert away.there(-2.0, 0.0)
    away.note(-2.0, 0.0, 0.28)
    assert not away.there(-2.0, 0.0)


def test_what_cannot_be_reached_is_approached() -> None:
    # given a ring wall around the robot
    walls = [box(x, y, hx, hy, 0.6) for x, y, hx, hy in (
        (-1.2, 0, 0.1, 1.3), (1.2, 0, 0.1, 1.3), (0, 1.2, 1.3, 0.1), (0, -1.2, 1.3, 0.1)
    )]  # fmt: skip
    # when it wants out, then it goes as near to the way out as it can, and stays inside
    route = _route(walls, [BEYOND], enter_zone="beyond")
    assert route.blocked
    assert -1.1 < route.legs(0.0, 0.0)[-1].x < -0.5
    # and what is left is not nothing
    assert 1.0 < route.left(0.0, 0.0) < inf


def test_the_way_that_is_left_is_the_shortest_however_it_is_asked_for() -> None:
    """Against a plain Dijkstra over the same cells, from places asked for in any order."""
    draw = Random(3)
    heaps = [box(draw.uniform(-2, 1), draw.uniform(-1.5, 1.5), 0.15, 0.15, 0.3) for _ in range(6)]
    spec = _spec(heaps, [BEYOND], enter_zone="beyond")
    ground = GroundMap(Footing(compile_scene(spec.scene.objects).terrain))
    goal = cell_of(-2.5, 0.0)
    field = Field(ground, [goal])
    truth = _dijkstra(ground, goal)
    cells = [cell for cell in truth if ground.at(cell) == "open"]
    for cell in draw.sample(cells, 40):
        assert field.reach(cell)
        assert field.left[cell] == pytest.approx(truth[cell])
        assert field.way(*centre(cell)) <= truth[cell] + 1e-9


def _dijkstra(ground: GroundMap, goal: tuple[int, int]) -> dict[tuple[int, int], float]:
    found: dict[tuple[int, int], float] = {}
    queue = [(0.0, goal)]
    while queue:
        cost, cell = heapq.heappop(queue)
        if cell in found or abs(cell[0]) > 60 or abs(cell[1]) > 40:
            continue
        found[cell] = cost
        for i in (-1, 0, 1):
            for j in (-1, 0, 1):
                near = (cell[0] + i, cell[1] + j)
                if near != cell and ground.passable(near, cell):
                    step = GRID * hypot(i, j) * COST[ground.at(cell)]
                    heapq.heappush(queue, (cost + step, near))
    return found
