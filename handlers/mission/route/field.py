"""How far it still is: the way that is left from any place to a target, by a search from its end.

The search is A* from the target's cells toward the robot. What it has settled stays: from there the
way left is a look-up, and a place further off only lets the search go on from where it stopped. So
a phase is planned about once, however many ticks it takes and whoever asks.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from math import hypot, inf

from handlers.mission.route.footing import GRID, Cell, Spot, cell_of, centre
from handlers.mission.route.ground import COST, MOVES, GroundMap

MAX_CELLS = 400_000
"""Cells that are settled before a place counts as out of reach: 1,400 m2, about 4 s."""

FEW = 2048
"""Cells that are settled before it is asked whether the robot is shut in: from then on the cells
around the robot are looked through as well, as many at a time, so that the search is over when the
smaller room of the two has been."""

NEARER = 20_000
"""Cells that are looked at for one that is nearer to a place out of reach, before the nearest is
taken: 70 m2."""

_DIAGONAL = 2**0.5


class Field:
    """The way left to the nearest of some cells, in metres of open ground (see ground.COST)."""

    def __init__(self, ground: GroundMap, goals: Iterable[Cell]) -> None:
        self.ground = ground
        self.left: dict[Cell, float] = {}
        self.next: dict[Cell, Cell] = {}
        self._reached: dict[Cell, float] = dict.fromkeys(goals, 0.0)
        self._goals = frozenset(self._reached)
        self._open = [(0.0, 0.0, cell) for cell in self._goals]
        self._toward: Cell | None = None
        self._lost: set[Cell] = set()

    def way(self, x: float, y: float) -> float:
        """Metres of open ground from a place to the target; inf where there is no way."""
        cell = cell_of(x, y)
        if not self.reach(cell):
            return inf
        here = COST[self.ground.at(cell)]
        cx, cy = centre(cell)
        best = self.left[cell] + here * hypot(cx - x, cy - y)
        for i, j, _ in MOVES:
            beside = (cell[0] + i, cell[1] + j)
            if beside in self.left and self.ground.passable(cell, beside):
                bx, by = centre(beside)
                step = max(here, COST[self.ground.at(beside)]) * hypot(bx - x, by - y)
                best = min(best, self.left[beside] + step)
        return best

    def path(self, start: Cell) -> list[Spot]:
        """The middles of the cells from the one after `start` to the target."""
        found: list[Spot] = []
        cell = start
        while cell in self.next:
            cell = self.next[cell]
            found.append(centre(cell))
        return found

    def reach(self, cell: Cell) -> bool:
        """Go on with the search until a cell is settled. False when there is no way from it."""
        if cell in self.left:
            return True
        if cell in self._lost or not self._open:
            return False
        self._aim(cell)
        flood = _Flood(self.ground, cell)
        settled = 0
        while self._open and len(self.left) < MAX_CELLS:
            if self._settle() == cell:
                return True
            settled += 1
            if settled % FEW == 0 and flood.look(FEW) and self._goals.isdisjoint(flood.seen):
                break
        self._lost |= flood.seen if not flood.edge else {cell}
        return False

    def _aim(self, cell: Cell) -> None:
        """Order what is open by the way over it to another cell."""
        if cell == self._toward:
            return
        self._toward = cell
        self._open = [
            (cost + _between(cell, at), cost, at)
            for _, cost, at in self._open
            if at not in self.left
        ]
        heapq.heapify(self._open)

    def _settle(self) -> Cell | None:
        """Settle the next cell, and say which."""
        _, cost, cell = heapq.heappop(self._open)
        if cell in self.left:
            return None
        assert self._toward is not None
        self.left[cell] = cost
        here = COST[self.ground.at(cell)]
        for before, length in self.ground.ways_in(cell):
            far = cost + length * here
            if far < self._reached.get(before, inf):
                self._reached[before] = far
                self.next[before] = cell
                heapq.heappush(self._open, (far + _between(self._toward, before), far, before))
        return cell


class _Flood:
    """The cells that the robot gets to at all, looked through a few at a time."""

    def __init__(self, ground: GroundMap, start: Cell) -> None:
        self.ground = ground
        self.seen = {start}
        self.edge = deque([start])

    def look(self, count: int) -> bool:
        """Look through `count` more. True when there were no more."""
        for _ in range(count):
            if not self.edge:
                return True
            cell = self.edge.popleft()
            for near in self.ground.ways_out(cell):
                if near not in self.seen:
                    self.seen.add(near)
                    self.edge.append(near)
        return False


def nearest_to(ground: GroundMap, start: Cell, place: Spot) -> Cell:
    """Of the cells that the robot gets to, the one nearest to a place that it does not get to."""

    def far(cell: Cell) -> float:
        x, y = centre(cell)
        return hypot(x - place[0], y - place[1])

    best, since = (far(start), start), 0
    seen, queue = {start}, [best]
    while queue and since < NEARER:
        at = heapq.heappop(queue)
        since += 1
        if at < best and ground.at(at[1]) != "closed":
            best, since = at, 0
        for near in ground.ways_out(at[1]):
            if near not in seen:
                seen.add(near)
                heapq.heappush(queue, (far(near), near))
    return best[1]


def _between(a: Cell, b: Cell) -> float:
    """The shortest way over the grid between two cells on open ground, m."""
    i, j = abs(a[0] - b[0]), abs(a[1] - b[1])
    return GRID * (max(i, j) + (_DIAGONAL - 1.0) * min(i, j))
