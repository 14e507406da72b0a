"""The planner, asked for the way through a phase: whether there is one, and how long it takes.

The one place of the check that knows the planner (handlers/mission/route/) and the scripted
policy's habits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, ceil, hypot

from handlers.mission.locomotion.actions import MOST_M
from handlers.mission.policies.guide import AIM_RAD
from handlers.mission.route.fewest import fewest
from handlers.mission.route.footing import Footing, Spot, cell_of
from handlers.mission.route.route import Leg, Route
from handlers.mission.world.body import STAND_HEIGHT
from handlers.mission.world.sense import wrapped
from handlers.project.spec import Phase, ProjectSpec


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the robot is (m) and faces (rad, in the world)."""

    x: float
    y: float
    yaw: float


@dataclass(frozen=True, slots=True)
class Way:
    """The way to a target: its straight pieces, whether it gets there, its end and its ticks.

    `ticks`: as few as the driver takes when it has to.
    """

    legs: tuple[Leg, ...]
    arrives: bool
    end: Pose
    left_m: float
    ticks: int


def is_closed(footing: Footing, spot: Spot) -> bool:
    """Whether the robot cannot stand at a place."""
    return footing.at(cell_of(*spot)) in ("closed", "solid")


def way_through(spec: ProjectSpec, footing: Footing, phase: Phase, start: Pose) -> Way | None:
    """The way from a pose through a phase, or as near to its end as one gets.

    None for a phase that wants the robot nowhere.
    """
    route = Route(spec, phase, footing)
    if route.target is None:
        return None
    legs: list[Leg] = []
    at, yaw, ticks = (start.x, start.y), start.yaw, 0
    for _ in range(2):  # a zone that is to be left may have to be entered first
        route.note(*at, footing.terrain.height(*at) + STAND_HEIGHT)
        for leg in route.legs(*at):
            dx, dy = leg.x - at[0], leg.y - at[1]
            turn = abs(wrapped(atan2(dy, dx) - yaw)) > AIM_RAD
            ticks += turn + max(1, ceil(hypot(dx, dy) / MOST_M))
            at, yaw = (leg.x, leg.y), atan2(dy, dx)
            legs.append(leg)
    end = Pose(*at, yaw)
    if ticks > phase.max_ticks and route.there(*at):  # then the driver goes without turning, too
        here = (start.x, start.y)
        move = fewest(route.ground, here, start.yaw, route.target, phase.max_ticks)
        ticks = ticks if move is None else phase.max_ticks
    return Way(tuple(legs), route.there(*at), end, route.left(*at), max(ticks, 1))
