"""What each library action does: from an action's name and parameters to a skill.

    walk_forward, walk_backward   a walking trot: two or four feet on the ground
    trot_forward                  diagonal pairs, little overlap
    pace_forward, bound_forward   pairs of one side, pairs of front and rear
    crawl_forward, climb_step     one foot at a time, footholds picked on the terrain
    side_step_*, turn_*           the walking trot, sideways and on the spot
    precision_turn_*              the crawl, on the spot
    stand .. rear_kick            poses, see poses.py

`speed` scales the gait's speed (each gait has a top speed), a pose's tempo; `extension` the height
of a swinging foot, a pose's reach; `repeat` the distance or angle, or how often a pose is done.
`duration_s` ends a gait early, and holds a pose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import pi

from handlers.mission.locomotion import poses
from handlers.mission.locomotion.gait import Walker
from handlers.mission.locomotion.moves import Upright
from handlers.mission.locomotion.rhythm import BOUND, CRAWL, PACE, TROT, WALK, Gait
from handlers.mission.locomotion.skill import Call, Skill
from handlers.mission.locomotion.travel import Travel, clipped_speed, turn_rate
from handlers.project.library import PARAMETERS
from store.errors import InputError


@dataclass(frozen=True, slots=True)
class Line:
    """A gait along a straight line: direction in the trunk's frame and default distance (m).

    pace: part of the gait's speed. Backward, sideways and up a step it is less: there the feet
    reach less far, or have a longer way.
    """

    gait: Gait
    distance: float
    along: float = 1.0
    left: float = 0.0
    pace: float = 1.0


MOST_M = PARAMETERS["distance_m"].high
"""How far a gait goes that is given a duration and no distance, m: the most that the library
allows."""

LINES: Mapping[str, Line] = {
    "walk_forward": Line(WALK, 1.0),
    "walk_backward": Line(WALK, 0.5, along=-1.0, pace=0.8),
    "trot_forward": Line(TROT, 1.0),
    "crawl_forward": Line(CRAWL, 0.5),
    "climb_step": Line(CRAWL, 0.3, pace=0.8),
    "side_step_left": Line(WALK, 0.3, along=0.0, left=1.0, pace=0.6),
    "side_step_right": Line(WALK, 0.3, along=0.0, left=-1.0, pace=0.6),
    "pace_forward": Line(PACE, 1.0),
    "bound_forward": Line(BOUND, 1.0),
}

TURNS: Mapping[str, tuple[Gait, float]] = {
    "turn_left": (WALK, 1.0),
    "turn_right": (WALK, -1.0),
    "precision_turn_left": (CRAWL, 1.0),
    "precision_turn_right": (CRAWL, -1.0),
}

POSES: Mapping[str, Callable[[Walker, Call], Skill]] = poses.TABLE

NAMES = (*LINES, *TURNS, *POSES)
"""Every action the simulated robot executes."""

__all__ = ["LINES", "NAMES", "POSES", "TURNS", "Call", "Line", "check", "skill_for"]


def skill_for(call: Call, walker: Walker) -> Skill:
    """The skill that executes a call. Raises InputError for an action the robot does not know."""
    name = call.action
    limit = call.duration_s or None
    if name in LINES:
        line = LINES[name]
        distance = call.distance_m
        if not distance:
            distance = MOST_M if limit else line.distance
        distance *= call.repeat
        gait = line.gait.of(walker.body)
        travel = Travel(
            walker,
            gait,
            along=distance * line.along,
            left=distance * line.left,
            speed=clipped_speed(gait, call.speed * line.pace),
            extension=call.extension,
            limit_s=limit,
        )
        return Upright(walker, travel)
    if name in TURNS:
        rhythm, sign = TURNS[name]
        gait = rhythm.of(walker.body)
        angle = (call.rotation_rad or pi / 2) * call.repeat
        travel = Travel(
            walker,
            gait,
            turn=sign * angle,
            speed=turn_rate(gait, call.speed),
            extension=call.extension,
            limit_s=limit,
        )
        return Upright(walker, travel)
    if name in POSES:
        return POSES[name](walker, call)
    raise _unknown(name)


def check(call: Call) -> None:
    """Raises InputError for an action the robot does not know."""
    if call.action not in NAMES:
        raise _unknown(call.action)


def _unknown(name: str) -> InputError:
    return InputError(f"the simulated robot has no action {name!r}")
