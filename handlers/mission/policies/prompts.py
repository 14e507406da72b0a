"""A phase's goal prompt as action calls, and what of it was not understood.

The words are read by handlers.goals; here they become what the robot executes. A phase's
success_when says where to and what for, so a prompt that leaves it open ("walk to the door", "find
the survivor") is in no doubt where success_when tells it.
"""

from __future__ import annotations

from functools import lru_cache

from handlers.goals.reading import Reading, read_goal
from handlers.mission.locomotion.skill import Call
from handlers.project.spec import Condition, Phase

_AIMS = ("enter_zone", "exit_zone", "near_object", "see_object", "signal_emitted")


def read_prompt(phase: Phase) -> Reading:
    """What a phase's goal prompt asks for."""
    return _read(phase.goal_prompt, is_aimed(phase.success_when))


@lru_cache(maxsize=64)
def _read(goal: str, aimed: bool) -> Reading:
    """The driver and the judgment ask for the same phases, episode by episode."""
    return read_goal(goal, aimed=aimed)


def is_aimed(wanted: Condition) -> bool:
    """Whether success_when tells where to, or what for."""
    return any(getattr(wanted, name, None) not in (None, False) for name in _AIMS)


def calls_of(reading: Reading) -> list[Call]:
    """The steps of a goal as calls, in order."""
    return [
        Call.of(step.action, {name: round(value, 6) for name, value in step.parameters.items()})
        for step in reading.steps
    ]
