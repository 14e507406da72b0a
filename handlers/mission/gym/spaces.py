"""What is observed of a mission, and what an action is: Gymnasium spaces, with names and units.

An action is three indices: which action of the robot's library, how much of it, how fast. Of `how
much`, a gait takes metres and a turn takes degrees; a pose and a signal take none. All three are
discrete because few learners take mixed spaces, and steps of 10 cm are finer than what a mission
asks for.

Observations are those of a run log's record, and where the phase's target is. What is unknown, or
not in view, is -1 as a distance and 0 as a direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import radians
from typing import Any

import numpy as np
from gymnasium import spaces

from handlers.mission.episode.environment import Mission
from handlers.mission.locomotion.actions import NAMES
from handlers.mission.locomotion.skill import Call
from handlers.mission.world.vision import bearing
from handlers.project.formats.runlog import FAR_M, TALL_M
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec
from store.errors import InputError

DISTANCES_M = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0)
TURNS_DEG = (5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 180.0)
SPEEDS = (0.6, 1.0, 1.5)
"""Factors of the gait's own speed."""

Observation = dict[str, Any]

_BODY: Mapping[str, tuple[float, float]] = {
    "body_height": (-TALL_M, TALL_M),
    "roll_deg": (-180.0, 180.0),
    "pitch_deg": (-180.0, 180.0),
    "feet_grounded": (0.0, 4.0),
    "nearest_m": (-1.0, FAR_M),
    "pos_x": (-FAR_M, FAR_M),
    "pos_y": (-FAR_M, FAR_M),
}
"""The `obs` of a record, in this order: m, degrees, a count."""


@dataclass(frozen=True, slots=True)
class Actions:
    """The robot's actions in the order of their indices: the library's, then the signals."""

    library: ActionLibrary
    names: tuple[str, ...]

    @classmethod
    def of(cls, library: ActionLibrary) -> Actions:
        known = library.actions.items()
        return cls(library, tuple(n for n, s in known if n in NAMES or s.kind == "signal"))

    @property
    def space(self) -> spaces.MultiDiscrete:
        return spaces.MultiDiscrete([len(self.names), len(DISTANCES_M), len(SPEEDS)])

    def meaning(self) -> dict[str, list[str] | list[float]]:
        """What each of the three indices stands for."""
        return {
            "action": list(self.names),
            "distance_m": list(DISTANCES_M),
            "rotation_deg": list(TURNS_DEG),
            "speed": list(SPEEDS),
        }

    def call(self, action: Any) -> Call:
        """What an action of the space asks for. Raises InputError for none of it."""
        try:
            index, amount, pace = (int(value) for value in action)
            name, metres = self.names[index], DISTANCES_M[amount]
            degrees_, speed = TURNS_DEG[amount], SPEEDS[pace]
            if min(index, amount, pace) < 0:
                raise IndexError
        except (TypeError, ValueError, IndexError):
            raise InputError(
                f"action {action!r}: not three indices within {self.space.nvec.tolist()}",
                hint="env.action_space.sample() is an example",
            ) from None
        match self.library.spec(name).kind:
            case "gait":
                return Call(name, speed=speed, distance_m=metres)
            case "turn":
                return Call(name, speed=speed, rotation_rad=round(radians(degrees_), 6))
            case "signal":
                return Call(name)
            case "pose":
                return Call(name, speed=speed)


class Observations:
    """The observation space of a mission, and what of it is observed now."""

    def __init__(self, spec: ProjectSpec) -> None:
        self.spec = spec
        self.tags = tuple(sorted({item.tag for item in spec.scene.objects if item.tag}))
        self.longest = max(phase.max_ticks for phase in spec.phases)
        sight, many = spec.vision.max_distance_m, len(self.tags)
        parts: dict[str, spaces.Space[Any]] = {
            "body": _box([low for low, _ in _BODY.values()], [high for _, high in _BODY.values()]),
            "yaw": _box([-180.0], [180.0]),
            "goal": _box([-1.0, -180.0], [2 * FAR_M, 180.0]),
            "phase": spaces.Discrete(len(spec.phases)),
            "phase_tick": spaces.Discrete(self.longest + 1),
        }
        if many:
            parts["seen"] = _box([-1.0] * many, [sight] * many)
            parts["bearing"] = _box([-180.0] * many, [180.0] * many)
        self.space = spaces.Dict(parts)

    def meaning(self) -> dict[str, str]:
        """Each part of the space: what it is, and in which unit."""
        tags = ", ".join(self.tags)
        said = {
            "body": f"{', '.join(_BODY)}: m, degrees, feet on the ground, as in a run log's obs",
            "yaw": "where the robot faces, degrees: 0 looks along -X, left is positive",
            "goal": "to the middle of what the phase is after: m (-1: it names no place), degrees",
            "phase": f"index of the phase: {', '.join(self.spec.phase_names)}",
            "phase_tick": "actions taken in this phase",
            "seen": f"distance in m to the nearest in view, -1 for none: {tags}",
            "bearing": f"direction to it in degrees, left is positive: {tags}",
        }
        return {name: said[name] for name in self.space.spaces}

    def now(self, mission: Mission) -> Observation:
        """What is observed of a mission whose physics has not diverged."""
        view, sense = mission.view(), mission.sim.sense
        goal = mission.senses.goal(view.phase, sense)
        to_goal = (-1.0, 0.0)
        if goal is not None:
            way = float(np.hypot(goal[0] - view.x, goal[1] - view.y))
            to_goal = way, float(np.degrees(bearing(view.x, view.y, view.yaw, goal[0], goal[1])))
        values = {
            "body": [view.obs[name] for name in _BODY],
            "yaw": [(sense.heading_deg + 180.0) % 360.0 - 180.0],
            "goal": to_goal,
            "seen": [view.visible.get(tag, -1.0) for tag in self.tags],
            "bearing": [np.degrees(view.visible_bearings.get(tag, 0.0)) for tag in self.tags],
        }
        found: Observation = {
            "phase": np.int64(view.phase_idx),
            "phase_tick": np.int64(min(view.phase_tick, self.longest)),
        }
        for name, part in self.space.spaces.items():
            if isinstance(part, spaces.Box):
                found[name] = np.clip(np.array(values[name], part.dtype), part.low, part.high)
        return {name: found[name] for name in self.space.spaces}


def _box(low: list[float], high: list[float]) -> spaces.Box:
    return spaces.Box(np.array(low, np.float32), np.array(high, np.float32), dtype=np.float32)
