"""The planner, asked for the way to a phase's target: whether there is one, and how long it takes.

The one place of the check that knows the planner (policies/route.py) and the targets of the
scripted policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, ceil, hypot

from handlers.mission.policies.route import GRID, GroundMap, Leg, Spot, cell_of, plan
from handlers.mission.policies.scripted import CRAWL_MAX_M, LEG_MAX_M, Target
from handlers.mission.world.sense import wrapped
from handlers.mission.world.terrain import HeightMap
from handlers.mission.world.vision import place_of
from handlers.project.spec import Condition, ProjectSpec

BRISK_RAD = 0.06
"""A turn of less is not made before a leg (scripted.AIM_RAD)."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the robot is (m) and faces (rad, in the world)."""

    x: float
    y: float
    yaw: float


@dataclass(frozen=True, slots=True)
class Way:
    """The way to a target: its straight pieces, whether it gets there, its end and its ticks."""

    legs: tuple[Leg, ...]
    arrives: bool
    end: Pose
    left_m: float
    ticks: int


def ground_of(spec: ProjectSpec, terrain: HeightMap, fail: str | None) -> GroundMap:
    """What the robot may stand on in a phase; `fail`: the zone that fails it."""
    return GroundMap(terrain, [spec.scene.zone(fail)] if fail else [])


def target_of(spec: ProjectSpec, wanted: Condition) -> Target | None:
    """Where a condition wants the robot; None where it wants it nowhere."""
    if wanted.enter_zone is not None:
        return Target.zone(spec.scene.zone(wanted.enter_zone))
    if wanted.near_object is not None:
        near = wanted.near_object
        places = [place_of(item)[:2] for item in spec.scene.tagged(near.tag)]
        return Target.tag(places, near.max_distance_m)
    return None


def is_closed(ground: GroundMap, spot: Spot) -> bool:
    """Whether the robot cannot stand at a place."""
    return ground.at(cell_of(*spot)) == "closed"


def way_to(ground: GroundMap, start: Pose, target: Target) -> Way:
    """The way from a pose to a target, or as near as one gets."""
    here = (start.x, start.y)
    if target.inside(*here):
        return Way((), True, start, 0.0, 1)
    legs = plan(ground, here, target.inside, lambda x, y: target.way((x, y)))
    at, yaw, ticks = here, start.yaw, 0
    for leg in legs:
        dx, dy = leg.x - at[0], leg.y - at[1]
        heading = atan2(dy, dx)
        longest = CRAWL_MAX_M if leg.ground in ("rough", "closed") else LEG_MAX_M
        ticks += (abs(wrapped(heading - yaw)) > BRISK_RAD) + max(1, ceil(hypot(dx, dy) / longest))
        at, yaw = (leg.x, leg.y), heading
    left = target.way(at)
    # A target may lie between the middles of two cells: the last step is taken without a plan.
    return Way(tuple(legs), left <= GRID, Pose(*at, yaw), left, max(ticks, 1))
