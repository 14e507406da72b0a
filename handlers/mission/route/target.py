"""Where a phase wants the robot: the places in which its success_when can come true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import floor, hypot

from handlers.mission.route.footing import GRID, Cell, Spot, centre
from handlers.mission.route.ground import ORDER, GroundMap
from handlers.mission.world.vision import place_of
from handlers.project.scene import Zone
from handlers.project.spec import Condition, ProjectSpec

MARGIN_M = 0.12
"""How far inside a zone it wants to be, m: or a quarter of the zone, where that is less."""

LEAVE_M = 0.15
"""How far outside a zone that is to be left it wants to be, m: pushed back in, it is not."""

NEAR = 0.9
"""How near to an object it wants to be, as a part of what is asked: a push must not undo it."""

Rect = tuple[float, float, float, float]
Test = Callable[[float, float], bool]


@dataclass(frozen=True, slots=True)
class Target:
    """A region of the plane: `holds(x, y)` says whether a place is in it.

    around: a rectangle (min x, min y, max x, max y; m) that the nearest of its places are in.
    middles: what it is about, one place or more.
    """

    holds: Test
    around: Rect
    middles: tuple[Spot, ...]

    def cells(self, ground: GroundMap) -> list[Cell]:
        """The planning cells the robot can be in to be there: those with room around, if any."""
        ax, ay, bx, by = self.around
        within = [
            (i, j)
            for i in range(floor(ax / GRID), floor(bx / GRID) + 1)
            for j in range(floor(ay / GRID), floor(by / GRID) + 1)
            if self._touches((i, j))
        ]
        for worst in ("tight", "kept", "closed"):
            found = [cell for cell in within if ORDER[ground.at(cell)] <= ORDER[worst]]
            if found:
                return found
        return []

    def _touches(self, cell: Cell) -> bool:
        return self.holds(*self.nearest(cell))

    def nearest(self, cell: Cell) -> Spot:
        """The place in a cell to go to: its middle, or what is nearest to the target's."""
        x, y = centre(cell)
        if self.holds(x, y):
            return x, y
        half = GRID / 2 - 1e-6
        mx, my = min(self.middles, key=lambda at: hypot(at[0] - x, at[1] - y))
        return min(max(mx, x - half), x + half), min(max(my, y - half), y + half)


def inside(zone: Zone) -> Target:
    """In a zone, away from its border."""
    (ax, ay, _), (bx, by, _) = zone.aabb
    mx, my = min(MARGIN_M, (bx - ax) / 4), min(MARGIN_M, (by - ay) / 4)
    rect = (ax + mx, ay + my, bx - mx, by - my)
    return Target(lambda x, y: _in(rect, x, y), rect, (zone.centre[:2],))


def outside(zone: Zone) -> Target:
    """Out of a zone, a little away from it."""
    (ax, ay, _), (bx, by, _) = zone.aabb
    near = (ax - LEAVE_M, ay - LEAVE_M, bx + LEAVE_M, by + LEAVE_M)
    far = LEAVE_M + 2 * GRID
    around = (ax - far, ay - far, bx + far, by + far)
    return Target(lambda x, y: not _in(near, x, y), around, (zone.centre[:2],))


def beside(places: list[Spot], reach: float) -> Target:
    """Within `reach` metres of the nearest of some places."""
    reach *= NEAR
    xs, ys = [x for x, _ in places], [y for _, y in places]
    around = (min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach)
    return Target(
        lambda x, y: min(hypot(px - x, py - y) for px, py in places) <= reach,
        around,
        tuple(places),
    )


def _in(rect: Rect, x: float, y: float) -> bool:
    return rect[0] <= x <= rect[2] and rect[1] <= y <= rect[3]


def targets_of(spec: ProjectSpec, wanted: Condition) -> Iterator[Target]:
    """The places that each of a condition's predicates wants; together they are to hold at once.

    A zone that is to be left (exit_zone) is one to be outside of here.
    """
    if wanted.enter_zone is not None:
        yield inside(spec.scene.zone(wanted.enter_zone))
    if wanted.near_object is not None:
        near = wanted.near_object
        places = [place_of(item)[:2] for item in spec.scene.tagged(near.tag)]
        yield beside(places, near.max_distance_m)
    if wanted.exit_zone is not None:
        yield outside(spec.scene.zone(wanted.exit_zone))


def together(targets: list[Target]) -> Target | None:
    """Where all of some targets hold; None without any."""
    if len(targets) <= 1:
        return targets[0] if targets else None
    first = targets[0]
    return Target(
        lambda x, y: all(target.holds(x, y) for target in targets), first.around, first.middles
    )
