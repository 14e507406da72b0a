"""Ways around obstacles: A* over the height map, and straight lines between its corners.

A cell is *open* (walk), *tight* (walk, but something is near), *rough* (crawl: steps of up to
8.5 cm, slopes) or *closed*. Obstacles are widened by the robot's reach, so a way through the cells
is a way for the robot, however it turns.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil, cos, floor, hypot, sin
from typing import Literal

from handlers.mission.world.terrain import CELL, HeightMap
from handlers.project.scene import Zone

GRID = 0.06
"""Width of a planning cell, m: three of the height map's. Half is four times the cells to
search."""

BODY_M, ROOM_M = 0.27, 0.38
"""The robot's reach around its middle, m (the feet stand at 0.23, the head ends at 0.25), and what
it had better keep clear of as well, since it sways and is pushed."""

WALKABLE, STEP_M = 0.012, 0.088
"""Height range under the robot, m: up to which it walks, and up to which it crawls, which is a step
of 8.5 cm with the height map's rounding."""

ZONE_MARGIN = 0.12
"""How far it keeps out of a zone that fails the phase, m."""

COST = {"open": 1.0, "tight": 2.0, "rough": 2.5, "closed": 12.0}
"""A metre of each ground in metres of open ground: a crawl is half as fast as a walk (0.18 to 0.35
m/s) and falls more easily; out of closed ground the nearest way is the best."""

MAX_NODES = 60_000
"""Cells that are looked at before it settles for the nearest place so far: 200 m2."""

Ground = Literal["open", "tight", "rough", "closed"]
Cell = tuple[int, int]
Spot = tuple[float, float]

_MOVES = tuple((i, j, hypot(i, j)) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)


_ORDER = {"open": 0, "tight": 1, "rough": 2, "closed": 3}


@dataclass(frozen=True, slots=True)
class Leg:
    """A straight piece of way to a place (m)."""

    x: float
    y: float
    ground: Ground


class GroundMap:
    """What kind of ground the robot would stand on, anywhere; cells are classified when asked."""

    def __init__(self, terrain: HeightMap, forbidden: Iterable[Zone] = ()) -> None:
        self.terrain = terrain
        self.forbidden = [zone.aabb for zone in forbidden]
        self._known: dict[Cell, Ground] = {}
        self._reach = _disc(0.0, BODY_M)
        self._room = _disc(BODY_M, ROOM_M)

    def at(self, cell: Cell) -> Ground:
        kind = self._known.get(cell)
        if kind is None:
            kind = self._known[cell] = self._classify(cell)
        return kind

    def _classify(self, cell: Cell) -> Ground:
        x, y = centre(cell)
        for (ax, ay, _), (bx, by, _) in self.forbidden:
            if (
                ax - ZONE_MARGIN <= x <= bx + ZONE_MARGIN
                and ay - ZONE_MARGIN <= y <= by + ZONE_MARGIN
            ):
                return "closed"
        terrain = self.terrain
        if terrain.flat:
            return "open"
        worst = max(terrain.roughness(x + dx, y + dy) for dx, dy in self._reach)
        if worst > STEP_M:
            return "closed"
        if worst > WALKABLE:
            return "rough"
        near = max(terrain.roughness(x + dx, y + dy) for dx, dy in self._room)
        return "open" if near <= STEP_M else "tight"

    def line(self, a: Spot, b: Spot) -> Ground:
        """The worst ground along a straight line."""
        steps = max(1, ceil(hypot(b[0] - a[0], b[1] - a[1]) / (GRID / 2)))
        worst: Ground = "open"
        for k in range(steps + 1):
            x, y = a[0] + (b[0] - a[0]) * k / steps, a[1] + (b[1] - a[1]) * k / steps
            kind = self.at(cell_of(x, y))
            if kind == "closed":
                return kind
            if _ORDER[kind] > _ORDER[worst]:
                worst = kind
        return worst


def cell_of(x: float, y: float) -> Cell:
    """The planning cell a place lies in."""
    return floor(x / GRID), floor(y / GRID)


def centre(cell: Cell) -> Spot:
    """The middle of a cell."""
    return (cell[0] + 0.5) * GRID, (cell[1] + 0.5) * GRID


def _disc(inner: float, outer: float) -> list[Spot]:
    """Offsets that cover a ring as densely as footprints of a foothold do."""
    step = 3 * CELL
    n = ceil(outer / step)
    return [
        (i * step, j * step)
        for i in range(-n, n + 1)
        for j in range(-n, n + 1)
        if inner <= hypot(i * step, j * step) <= outer
    ]


def plan(
    ground: GroundMap,
    start: Spot,
    goal: Callable[[float, float], bool],
    distance: Callable[[float, float], float],
) -> list[Leg]:
    """Straight legs from `start` to where `goal` holds, or as near as one can get to it.

    `distance` is a lower bound of the way left (m). Empty when already there.
    """
    cells = _search(ground, cell_of(*start), goal, distance)
    return _straightened(ground, start, [centre(cell) for cell in cells])


def _search(
    ground: GroundMap,
    start: Cell,
    goal: Callable[[float, float], bool],
    distance: Callable[[float, float], float],
) -> list[Cell]:
    came: dict[Cell, Cell] = {}
    cost = {start: 0.0}
    queue = [(distance(*centre(start)), start)]
    closed: set[Cell] = set()
    best, nearest = start, distance(*centre(start))
    while queue and len(closed) < MAX_NODES:
        _, cell = heapq.heappop(queue)
        if cell in closed:
            continue
        closed.add(cell)
        x, y = centre(cell)
        left = distance(x, y)
        if left < nearest - 1e-9:
            best, nearest = cell, left
        if goal(x, y):
            best = cell
            break
        for i, j, length in _MOVES:
            following = (cell[0] + i, cell[1] + j)
            kind = ground.at(following)
            # Out of a tight spot any way is allowed: the robot is there already.
            if kind == "closed" and ground.at(cell) != "closed":
                continue
            reached = cost[cell] + GRID * length * COST[kind]
            if reached < cost.get(following, 1e18):
                cost[following] = reached
                came[following] = cell
                fx, fy = centre(following)
                heapq.heappush(queue, (reached + distance(fx, fy), following))
    path = [best]
    while path[-1] in came:
        path.append(came[path[-1]])
    return path[::-1][1:]


def _straightened(ground: GroundMap, start: Spot, spots: list[Spot]) -> list[Leg]:
    """The fewest straight legs along a path, none over worse ground than the path itself."""
    legs: list[Leg] = []
    at, index = start, 0
    while index < len(spots):
        reach, kind = index, ground.line(at, spots[index])
        worst = _ORDER[ground.at(cell_of(*spots[index]))]
        for further in range(index + 1, len(spots)):
            worst = max(worst, _ORDER[ground.at(cell_of(*spots[further]))])
            seen = ground.line(at, spots[further])
            if _ORDER[seen] > max(worst, _ORDER[kind]):
                break
            if _ORDER[seen] > _ORDER[kind] and further - index > 2:
                break
            reach, kind = further, seen
        at, index = spots[reach], reach + 1
        legs.append(Leg(at[0], at[1], kind))
    return legs


def swept(x: float, y: float, yaw: float, along: float, left: float) -> tuple[Spot, Spot]:
    """Where a straight move in the robot's own frame begins and ends."""
    c, s = cos(yaw), sin(yaw)
    return (x, y), (x + c * along - s * left, y + s * along + c * left)
