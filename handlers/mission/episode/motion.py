"""How the robot got on lately, in one word and a few numbers."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import atan2, degrees, dist, hypot
from typing import Any, NamedTuple

from handlers.mission.world.sense import wrapped

WINDOW = 5
STUCK_M = 0.05
STUCK_DEG = 10.0
CLOSE_M = 0.5
CHANGE_DEG = 45.0
STRAIGHT = 0.8

Point = tuple[float, float, float]


class Mark(NamedTuple):
    """Where the robot was at the end of a tick."""

    time_s: float
    place: Point
    yaw: float


class Motion:
    """The last five ticks of a phase. Its labels:

    stuck          moved less than 5 cm and turned less than 10 degrees
    reaching_goal  within 0.5 m of the goal, or inside half a metre's reach, and closing in
    navigating     turned, changed direction, or did not go straight
    moving         anything else

    Before the first tick there is none: None.
    """

    def __init__(self, start: Mark) -> None:
        self.marks: deque[Mark] = deque([start], maxlen=WINDOW + 1)

    def add(self, mark: Mark) -> None:
        """Note where a tick ended."""
        self.marks.append(mark)

    def describe(self, goal: Point | None) -> dict[str, Any]:
        """The `motion` of a record; lengths in m, speed in m/s over the window."""
        marks = list(self.marks)
        first, last = marks[0], marks[-1]
        legs = [(b.place[0] - a.place[0], b.place[1] - a.place[1]) for a, b in pairwise(marks)]
        moved = hypot(last.place[0] - first.place[0], last.place[1] - first.place[1])
        path = sum(hypot(*leg) for leg in legs)
        seconds = last.time_s - first.time_s
        to_goal = dist(last.place, goal) if goal is not None else None
        return {
            "label": self._label(moved, path, _changes(legs), goal),
            "speed_ms": moved / seconds if seconds > 0 else 0.0,
            "displacement_m": moved,
            "path_length_m": path,
            "direction_changes": _changes(legs),
            "height_change_m": abs(last.place[2] - first.place[2]),
            "distance_to_goal_m": to_goal,
            "goal_xyz": list(goal) if goal is not None else None,
        }

    def _label(self, moved: float, path: float, changes: int, goal: Point | None) -> str | None:
        if len(self.marks) < 2:
            return None  # whoever has not tried to move is not stuck
        turned = abs(degrees(wrapped(self.marks[-1].yaw - self.marks[0].yaw)))
        if path < STUCK_M and turned < STUCK_DEG:
            return "stuck"
        if goal is not None:
            before, now = (
                hypot(goal[0] - m.place[0], goal[1] - m.place[1])
                for m in (self.marks[-2], self.marks[-1])
            )
            if now < CLOSE_M and now < before:
                return "reaching_goal"
        if changes or turned >= STUCK_DEG or moved < STRAIGHT * path:
            return "navigating"
        return "moving"


def _changes(legs: list[tuple[float, float]]) -> int:
    """How often the direction of travel changed by more than 45 degrees."""
    headings = [atan2(y, x) for x, y in legs if hypot(x, y) > 0.02]
    return sum(abs(degrees(wrapped(b - a))) > CHANGE_DEG for a, b in pairwise(headings))
