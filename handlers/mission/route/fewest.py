"""The way with the fewest actions: straight on, back and sideways, without turning.

It is longer than the planned way and slower, for phases that have not the ticks to turn at each
corner.
"""

from __future__ import annotations

from collections import deque
from math import cos, hypot, sin

from handlers.mission.route.footing import Spot
from handlers.mission.route.ground import ORDER, GroundMap
from handlers.mission.route.target import Target

STEP_M = 0.15
"""Distance of the places that are looked at, m: half as wide as the robot."""

AROUND_M = 2.0
"""How much further away than the target such a way may lead, m."""

LONGEST = int(20.0 / STEP_M)
"""Places on the longest move that the library allows."""

MAX_PLACES = 6000
"""Places that are looked at, at most: 135 m2."""

Node = tuple[int, int]

UNKNOWN = (1_000_000, (0, 0))
"""What is not reached yet is as many moves away."""

_WAYS: tuple[Node, ...] = ((1, 0), (-1, 0), (0, 1), (0, -1))


class _Lattice:
    """Places ahead of and beside the robot, and which of them it gets to without a turn."""

    def __init__(self, ground: GroundMap, start: Spot, yaw: float, reach: float) -> None:
        self.ground, self.start = ground, start
        self.c, self.s = cos(yaw), sin(yaw)
        self.most = reach / STEP_M
        self._free: dict[tuple[Node, Node], bool] = {}

    def place(self, node: Node) -> Spot:
        along, left = node[0] * STEP_M, node[1] * STEP_M
        x, y = self.start
        return x + self.c * along - self.s * left, y + self.s * along + self.c * left

    def free(self, a: Node, b: Node) -> bool:
        edge = (a, b) if a < b else (b, a)
        known = self._free.get(edge)
        if known is None:
            ground = self.ground.line(self.place(a), self.place(b))
            known = hypot(*b) <= self.most and ORDER[ground] < ORDER["rough"]
            self._free[edge] = known
        return known


def fewest(
    ground: GroundMap, start: Spot, yaw: float, target: Target, moves: int
) -> tuple[float, float] | None:
    """The first move of the way, (metres ahead, metres to the left); one of the two is 0.

    None when `moves` moves do not lead to the target.
    """
    far = min(hypot(x - start[0], y - start[1]) for x, y in target.middles)
    lattice = _Lattice(ground, start, yaw, far + AROUND_M)
    origin = (0, 0)
    reached: dict[Node, tuple[int, Node]] = {origin: (0, origin)}  # moves, end of the first one
    queue = deque([origin])
    while queue and len(reached) < MAX_PLACES:
        node = queue.popleft()
        count, first = reached[node]
        if count == moves:
            return None
        for i, j in _WAYS:
            at, following = node, (node[0] + i, node[1] + j)
            # What as few moves lead to goes on from there by itself.
            for _ in range(LONGEST):
                if not lattice.free(at, following) or reached.get(following, UNKNOWN)[0] <= count:
                    break
                at, following = following, (following[0] + i, following[1] + j)
                if at not in reached:
                    reached[at] = (count + 1, first if count else at)
                    queue.append(at)
                if target.holds(*lattice.place(at)):
                    end = reached[at][1]
                    return end[0] * STEP_M, end[1] * STEP_M
    return None
