"""What env.json says a phase is about, as plain geometry: where to, what to keep out of, what for.

Distances are horizontal, in m, from the middle of the robot; the world's -X is forward at heading
0, and left is -Y there. Nothing here needs a simulator: a real robot's log is read the same way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import atan2, cos, degrees, hypot, radians

from handlers.project.library import ActionLibrary
from handlers.project.scene import Box, Marker, Slope, Sphere, Zone
from handlers.project.spec import Phase, ProjectSpec

Place = tuple[float, float]
Area = tuple[float, float, float, float]
"""min x, min y, max x, max y."""


@dataclass(frozen=True, slots=True)
class Act:
    """What an action is for: its `kind`; on which `axis` it moves the robot and which way.

    axis: forward (sign -1: backward), side or turn (sign +1: left), "" for none. `default`: m or
    rad where the log names no amount.
    """

    kind: str
    axis: str
    sign: int
    default: float


def acts_of(library: ActionLibrary) -> dict[str | None, Act]:
    """Every action of a robot. Left and right, forth and back are told by an action's name."""
    return {name: _act(spec.kind, name, spec.default) for name, spec in library.actions.items()}


def _act(kind: str, name: str, default: float) -> Act:
    left, right = "left" in name, "right" in name
    if kind == "turn":
        return Act(kind, "turn" if left or right else "", -1 if right else 1, default)
    if kind == "gait":
        if left or right:
            return Act(kind, "side", -1 if right else 1, default)
        return Act(kind, "forward", -1 if "back" in name else 1, default)
    return Act(kind, "", 0, default)


class Aim:
    """A phase: where its success lies and what it must not do.

    `areas` and `tag_places`: where to be (all of one kind, any of its places). `looks`: the tag to
    be seen, for `dwell` ticks; `dwell` is the largest for_ticks of the phase. `signal`: whether it
    waits for one. `waits`: nothing but time is asked for. `keep_out`: zones that end it.
    """

    def __init__(self, spec: ProjectSpec, phase: Phase) -> None:
        wanted, unwanted = phase.success_when, phase.fail_when
        scene = spec.scene
        self.name, self.max_ticks = phase.name, phase.max_ticks
        self.enter = _area(scene.zone(wanted.enter_zone)) if wanted.enter_zone else None
        self.leave = _area(scene.zone(wanted.exit_zone)) if wanted.exit_zone else None
        near, see = wanted.near_object, wanted.see_object
        self.near = [_middle(item) for item in scene.tagged(near.tag)] if near else []
        self.near_m = near.max_distance_m if near else 0.0
        self.looks = see.tag if see else None
        self.look_at = [_middle(item) for item in scene.tagged(see.tag)] if see else []
        self.near_ticks = near.for_ticks if near else 1
        self.look_ticks = see.for_ticks if see else 1
        self.look_m = spec.vision.max_distance_m
        self.signal = bool(wanted.signal_emitted) and bool(spec.signals)
        self.needed = spec.control_panel.requires_visible_tag
        self.waits = wanted.elapsed_ticks is not None
        self.keep_out = [_area(scene.zone(unwanted.enter_zone))] if unwanted.enter_zone else []
        self.keep_in = _area(scene.zone(unwanted.exit_zone)) if unwanted.exit_zone else None
        off = unwanted.near_object
        self.keep_off = [_middle(item) for item in scene.tagged(off.tag)] if off else []
        self.keep_off_m = off.max_distance_m if off else 0.0

    @property
    def has_place(self) -> bool:
        """Whether the phase is about being somewhere."""
        return bool(self.enter or self.leave or self.near)

    @property
    def has_way(self) -> bool:
        """Whether it is told where the phase can be done: somewhere, or in sight of something."""
        return self.has_place or bool(self.look_at)

    def way(self, x: float, y: float) -> float:
        """How far it is (m) to where every predicate about the place holds; 0 is there.

        Where a phase is only about seeing something: to where that is within the range of vision.
        """
        way = outside(self.enter, x, y) if self.enter is not None else 0.0
        if self.leave is not None:
            way = max(way, inside(self.leave, x, y))
        if self.near:
            way = max(way, min([hypot(px - x, py - y) for px, py in self.near]) - self.near_m)
        if self.look_at and not self.has_place:
            way = max(way, min([hypot(px - x, py - y) for px, py in self.look_at]) - self.look_m)
        return way

    def bearing(self, x: float, y: float, heading: float) -> float | None:
        """Direction (degrees, left positive) to the nearest place of it; None without one."""
        if self.enter is not None:
            low_x, low_y, high_x, high_y = self.enter
            to = (min(max(x, low_x), high_x), min(max(y, low_y), high_y))
            # An edge that is grazed is no aim: half way to the middle.
            to = ((to[0] + (low_x + high_x) / 2) / 2, (to[1] + (low_y + high_y) / 2) / 2)
        else:
            places = self.near or self.look_at
            if not places:
                return None
            to = min(places, key=lambda place: hypot(place[0] - x, place[1] - y))
        if hypot(to[0] - x, to[1] - y) < 0.05:
            return None
        return wrapped(degrees(atan2(y - to[1], x - to[0])) - heading)

    def crosses(self, a: Place, b: Place) -> bool:
        """Whether a straight move from a to b goes through where to be, and ends outside of it."""
        if self.leave is not None or self.way(*a) <= 0 or self.way(*b) <= 0:
            return False
        if self.enter is not None and self.near:
            return False  # both at once: what lies between the two places says too little
        if self.enter is not None:
            return cuts(self.enter, a, b)
        return any(passes(place, self.near_m, a, b) for place in self.near)

    def trespasses(self, x: float, y: float, was_in: bool) -> bool:
        """Whether the robot is where the phase says it must not be. `was_in`: in `keep_in`."""
        if any(outside(area, x, y) <= 0 for area in self.keep_out):
            return True
        if self.keep_in is not None and was_in and outside(self.keep_in, x, y) > 0:
            return True
        return any(hypot(px - x, py - y) <= self.keep_off_m for px, py in self.keep_off)


class Ground:
    """The solid things of a scene, as circles around their middles' boxes."""

    def __init__(self, spec: ProjectSpec) -> None:
        self.areas = list(_solids(spec.scene.objects))

    def is_open(self, x: float, y: float, within: float) -> bool:
        """Whether nothing solid is nearer (m) than `within` to the middle of the robot."""
        return all(outside(area, x, y) > within for area in self.areas)


def _solids(objects: Iterable[Box | Marker | Sphere | Slope]) -> Iterable[Area]:
    for item in objects:
        if isinstance(item, Box):
            x, y, _ = item.position
            yield x - item.size[0], y - item.size[1], x + item.size[0], y + item.size[1]
        elif isinstance(item, Sphere):
            x, y, _ = item.position
            yield x - item.radius, y - item.radius, x + item.radius, y + item.radius
        elif isinstance(item, Slope):
            s = item.slope
            far = s.near_x - 2 * s.hx * cos(radians(s.angle_deg))
            yield far, s.near_y - s.hy, s.near_x, s.near_y + s.hy


def _area(zone: Zone) -> Area:
    low, high = zone.aabb
    return low[0], low[1], high[0], high[1]


def _middle(item: Box | Marker | Sphere | Slope) -> Place:
    if isinstance(item, Slope):
        s = item.slope
        return s.near_x - s.hx * cos(radians(s.angle_deg)), s.near_y
    return item.position[0], item.position[1]


def outside(area: Area, x: float, y: float) -> float:
    """How far (m) a place is from an area; 0 within."""
    low_x, low_y, high_x, high_y = area
    dx = low_x - x if x < low_x else x - high_x if x > high_x else 0.0
    dy = low_y - y if y < low_y else y - high_y if y > high_y else 0.0
    return hypot(dx, dy) if dx and dy else dx or dy


def inside(area: Area, x: float, y: float) -> float:
    """How far (m) it is out of an area by the nearest edge; 0 outside."""
    low_x, low_y, high_x, high_y = area
    return max(0.0, min(x - low_x, high_x - x, y - low_y, high_y - y))


def cuts(area: Area, a: Place, b: Place) -> bool:
    """Whether the straight line from a to b meets an area."""
    low_x, low_y, high_x, high_y = area
    start, end = 0.0, 1.0
    for at, by, low, high in (
        (a[0], b[0] - a[0], low_x, high_x),
        (a[1], b[1] - a[1], low_y, high_y),
    ):
        if abs(by) < 1e-9:
            if not low <= at <= high:
                return False
            continue
        one, other = (low - at) / by, (high - at) / by
        start, end = max(start, min(one, other)), min(end, max(one, other))
    return start <= end


def passes(place: Place, within: float, a: Place, b: Place) -> bool:
    """Whether the straight line from a to b comes within a distance (m) of a place."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    part = ((place[0] - a[0]) * dx + (place[1] - a[1]) * dy) / length if length else 0.0
    part = min(1.0, max(0.0, part))
    return hypot(a[0] + part * dx - place[0], a[1] + part * dy - place[1]) <= within


def wrapped(angle: float) -> float:
    """The same angle in [-180, 180) degrees."""
    return (angle + 180.0) % 360.0 - 180.0
