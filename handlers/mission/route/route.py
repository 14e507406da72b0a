"""The way through one phase of a mission, from where the robot is to where the phase wants it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, hypot, inf

from handlers.mission.route.field import Field, nearest_to
from handlers.mission.route.footing import (
    BODY_M,
    GRID,
    ROOM_M,
    Cell,
    Footing,
    Ground,
    Spot,
    cell_of,
    centre,
)
from handlers.mission.route.ground import COST, CRAWLED, ORDER, ZONE_MARGIN, GroundMap
from handlers.mission.route.target import NEAR, inside, targets_of, together
from handlers.mission.world.vision import place_of
from handlers.project.scene import Box, Sphere
from handlers.project.spec import Phase, ProjectSpec

KEEP_M = 0.42
"""How far the trunk's middle stays from the middle of what a phase wants it near to, m: its head
reaches 0.25 m ahead, and it is pushed off its way by centimetres."""

ROOM_FOR_IT_M = 0.06
"""How much less that is than the distance the phase asks for, at least, m: a planning cell."""

SAME_M = 2 * GRID
"""Bumps that are nearer to each other, m, are into one and the same thing."""

STRAIGHT_M = 20.0
"""The longest straight leg, m: the longest walk that the library allows."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A straight piece of way to a place (m)."""

    x: float
    y: float
    ground: Ground


@dataclass(frozen=True, slots=True)
class Stroll:
    """Where a straight move gets to, and what it costs, in metres of open ground (ground.COST).

    short_m: what it lacks of its length, since something is in the way, `forbidden` a zone that
    fails the phase. rough_m: how much of it has to be crawled over.
    """

    end: Spot
    cost: float
    short_m: float = 0.0
    rough_m: float = 0.0
    forbidden: bool = False


class Route:
    """Where a phase leads. What was worked out once is kept, for whoever asks next.

    target: None for a phase that wants no place, as long as that is so. blocked: there is no way to
    the target, and the way is to the nearest place that there is one to.
    """

    def __init__(self, spec: ProjectSpec, phase: Phase, footing: Footing) -> None:
        self.phase = phase
        fail, leave = phase.fail_when.enter_zone, phase.success_when.exit_zone
        self.ground = GroundMap(footing, [spec.scene.zone(fail)] if fail else [], _kept(spec))
        self._final = together(list(targets_of(spec, phase.success_when)))
        self._first = spec.scene.zone(leave) if leave is not None else None
        self.target = self._final if self._first is None else inside(self._first)
        self._bumped: list[Spot] = []
        self._forget()

    def _forget(self) -> None:
        self._whole: Field | None = None
        self._field: Field | None = None
        self._out: tuple[Cell | None, Field] = (None, Field(self.ground, ()))
        self._beyond = 0.0
        self.blocked = False

    def note(self, x: float, y: float, z: float) -> None:
        """The robot is here (m): plan from there, if that has not been done.

        A zone that is to be left has to be entered first.
        """
        if self._first is not None and self._first.contains((x, y, z)):
            self._first, self.target = None, self._final
            self._forget()
        if self.target is None or self.target.holds(x, y):
            return
        here = cell_of(x, y)
        if self._whole is None:
            self._whole = Field(self.ground, self.target.cells(self.ground))
        if self._whole.reach(here):
            self._field, self._beyond, self.blocked = self._whole, 0.0, False
        elif self._gets_out(here):
            self._field, self._beyond, self.blocked = self._out[1], 0.0, False
        elif not self.blocked or self._field is None or not self._field.reach(here):
            self.blocked = True
            middle = min(self.target.middles, key=lambda at: hypot(at[0] - x, at[1] - y))
            nearest = nearest_to(self.ground, here, middle)
            cx, cy = centre(nearest)
            self._beyond = hypot(middle[0] - cx, middle[1] - cy)
            self._field = Field(self.ground, [nearest])

    def _gets_out(self, here: Cell) -> bool:
        """Whether there is a way for a robot that stands across a narrow place, once it is out."""
        if self.target is None or self.ground.at(here) != "narrow":
            return False
        if self._out[0] != here:
            ground = self.ground.out_of(here)
            self._out = here, Field(ground, self.target.cells(ground))
        return self._out[1].reach(here)

    def bumped(self, x: float, y: float) -> None:
        """Something is in the way near a place, though the map does not show it: avoid it.

        What is avoided already changes no way: a robot that runs into it again plans nothing anew.
        """
        if any(hypot(x - px, y - py) < SAME_M for px, py in self._bumped):
            return
        self._bumped.append((x, y))
        self.ground = self.ground.avoiding(x, y, BODY_M)
        self._forget()

    def there(self, x: float, y: float) -> bool:
        """Whether a place is one the phase wants the robot in."""
        return self.target is not None and self.target.holds(x, y)

    def left(self, x: float, y: float) -> float:
        """Metres of open ground from a place to the target (see ground.COST): 0 there, and for a
        phase without one; inf where no way leads on from."""
        if self._field is None or self.there(x, y):
            return 0.0
        return self._field.way(x, y) + self._beyond

    def legs(self, x: float, y: float) -> list[Leg]:
        """The straight legs from a place to the target, or as near to it as one gets."""
        here = cell_of(x, y)
        if self.target is None or self.target.holds(x, y) or self._field is None:
            return []
        if not self._field.reach(here):
            return []
        spots = self._field.path(here)
        if not self.blocked:
            last = cell_of(*spots[-1]) if spots else here
            spots = [*spots[:-1], self.target.nearest(last)]
        return straightened(self.ground, (x, y), spots)

    def stroll(self, start: Spot, end: Spot) -> Stroll:
        """Follow a straight move on the map, up to where something is in the way."""
        length = hypot(end[0] - start[0], end[1] - start[1])
        ground = self.ground
        if ground.plain or length < 1e-6:
            return Stroll(end, length)
        steps = ceil(length / (GRID / 2))
        ux, uy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
        piece = length / steps
        cost = rough = 0.0
        stuck = ORDER[ground.line(start, (start[0] + ux * 1e-3, start[1] + uy * 1e-3))]
        # what it is in already may be walked out of
        for k in range(steps):
            x, y = start[0] + ux * piece * (k + 0.5), start[1] + uy * piece * (k + 0.5)
            kind = ground.at(cell_of(x, y))
            if kind == "narrow" and not ground.footing.fits(x, y, ux, uy):
                kind = "closed"
            if ORDER[kind] >= ORDER["closed"] and ORDER[kind] > stuck:
                at = (start[0] + ux * piece * k, start[1] + uy * piece * k)
                return Stroll(
                    at, cost, length - piece * k, rough, ground.off_limits(x, y, ZONE_MARGIN)
                )
            stuck = min(stuck, ORDER[kind]) if ORDER[kind] < ORDER["closed"] else stuck
            cost += COST[kind] * piece
            rough += piece if kind in CRAWLED else 0.0
        return Stroll(end, cost, 0.0, rough)


def _kept(spec: ProjectSpec) -> list[tuple[float, float, float]]:
    """What to stay clear of: persons, and whatever any phase wants the robot near to, not on."""
    reach: dict[str, float] = {}
    for phase in spec.phases:
        near = phase.success_when.near_object
        if near is not None:
            reach[near.tag] = min(near.max_distance_m, reach.get(near.tag, inf))
    found = []
    for item in spec.scene.objects:
        if item.tag in reach or (isinstance(item, Box | Sphere) and item.person):
            most = NEAR * reach.get(item.tag, inf) - ROOM_FOR_IT_M
            found.append((*place_of(item)[:2], min(KEEP_M, most)))
    return found


def legs_to(ground: GroundMap, start: Spot, end: Spot) -> list[Leg]:
    """The straight legs from a place to another; none when nobody can stand there, or get there."""
    if ground.at(cell_of(*end)) in ("closed", "solid"):
        return []
    field = Field(ground, [cell_of(*end)])
    if not field.reach(cell_of(*start)):
        return []
    return straightened(ground, start, [*field.path(cell_of(*start))[:-1], end])


def straightened(ground: GroundMap, start: Spot, spots: list[Spot]) -> list[Leg]:
    """The fewest straight legs along a path, none over worse ground than the path itself.

    Where there is no room to turn no leg ends, as far as that can be.
    """
    legs: list[Leg] = []
    at, index = start, 0
    while index < len(spots):
        reach = _furthest(ground, at, spots, index)
        legs.append(Leg(*spots[reach], ground.line(at, spots[reach])))
        at, index = spots[reach], reach + 1
    return legs


def _furthest(ground: GroundMap, at: Spot, spots: list[Spot], index: int) -> int:
    """The furthest of some spots that a straight leg from `at` may end in."""
    kind = ground.line(at, spots[index])
    worst = ORDER[ground.at(cell_of(*spots[index]))]
    reach = turning = index
    most = STRAIGHT_M if ORDER[kind] < ORDER["closed"] else ROOM_M  # out of it, and look again
    for further in range(index + 1, len(spots)):
        if hypot(spots[further][0] - at[0], spots[further][1] - at[1]) > most:
            break
        here = ground.at(cell_of(*spots[further]))
        worst = max(worst, ORDER[here])
        seen = ground.line(at, spots[further])
        if ORDER[seen] > max(worst, ORDER[kind]):
            break
        if ORDER[seen] > ORDER[kind] and further - index > 2:
            break
        reach, kind = further, seen
        if here != "narrow":
            turning = further
    return reach if reach == len(spots) - 1 or turning == index else turning
