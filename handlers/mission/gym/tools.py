"""MissionTools: a project's mission for language models that act by calling tools.

For TRL's GRPOTrainer, as `environment_factory=partial(MissionTools, "robots/rescue")`: it makes one
for each rollout, calls `reset` with the columns of the example, offers every other public method as
a tool by its signature and docstring, and asks `get_reward` at the end. So nothing else may be
public here. MissionEnv cannot be handed to it for that reason: all methods of a Gymnasium
environment would be tools, and its `reset` answers in numbers.
"""

from __future__ import annotations

from math import hypot, radians
from pathlib import Path

from handlers.mission.episode.environment import Mission, Record
from handlers.mission.episode.setting import scene_of
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.protocol import Decision
from handlers.project.project import Project
from store.errors import InputError


class MissionTools:
    """One robot in one mission, told in words. Errors are for the model to read: they say what
    there is instead."""

    def __init__(self, project: str | Path, max_ticks: int | None = None) -> None:
        """Open a project's folder; `max_ticks`: actions a rollout may take."""
        self._project = Project.open(Path(project), actions=True)
        self._scene = scene_of(self._project)
        self._max_ticks = max_ticks
        self._mission: Mission | None = None
        self._reward = 0.0

    def reset(self, seed: int = 0, **_columns: object) -> str:
        """Set the robot down; what is added to the prompt: the goal, the actions, what is seen.

        `seed` may be a column of the dataset; the same seed is the same run.
        """
        self._mission = Mission(
            self._project.spec,
            self._project.library,
            self._scene,
            seed=seed,
            policy="tools",
            max_ticks=self._max_ticks,
        )
        self._reward = 0.0
        record = self._mission.reset()
        names = ", ".join(self._project.library.names)
        return (
            f"Mission: {self._project.spec.name}\nActions: {names}\n{_told(self._mission, record)}"
        )

    def act(
        self, action: str, distance_m: float = 0, rotation_deg: float = 0, speed: float = 1
    ) -> str:
        """
        Let the robot carry out one action, and look at what came of it.

        Args:
            action: The name of an action, such as walk_forward or turn_left
            distance_m: How far to walk in metres; 0 for the action's own distance
            rotation_deg: How far to turn in degrees; 0 for the action's own angle
            speed: How fast, as a factor of the usual speed

        Returns:
            What happened, and what the robot sees now.
        """
        mission = self._mission
        if mission is None or mission.end is not None:
            raise InputError(f"the mission is over: {mission.end if mission else 'not begun'}")
        given = {"distance_m": distance_m, "rotation_deg": rotation_deg, "speed": speed}
        for name, value in given.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InputError(f"{name}: {value!r} is not a number")
        asked = {"distance_m": distance_m, "rotation_rad": radians(rotation_deg)}
        params = {name: value for name, value in asked.items() if value}
        if speed != 1:
            params["speed"] = speed
        problems = self._project.library.validate({"action": action, **params})
        if problems:
            raise InputError(problems[0])
        call = Call.of(action, params)
        record = mission.step(Decision(call))
        self._reward += record["reward"] or 0.0
        return _told(mission, record)

    def get_reward(self) -> float:
        """The rewards of env.json since `reset`, added up."""
        return self._reward


def _told(mission: Mission, record: Record) -> str:
    """What came of a tick as a model reads it, and the phase that is to be acted for now."""
    lines = [] if record["outcome"] is None else [f"{record['action']}: {record['outcome']}"]
    if mission.end is None:
        lines.append(f"Phase: {mission.phase.name}. Goal: {mission.phase.goal_prompt}")
    obs, heading = record["obs"], record["yaw_deg"]
    facts = [f"position ({obs['pos_x']:+.2f}, {obs['pos_y']:+.2f}) m"]
    if heading is not None:
        facts.append(f"heading {heading:+.0f} degrees")
        goal = mission.senses.goal(mission.phase, mission.sim.sense)
        if goal is not None:
            way = hypot(goal[0] - obs["pos_x"], goal[1] - obs["pos_y"])
            facts.append(f"{way:.2f} m to the goal")
    if obs["nearest_m"] >= 0:
        facts.append(f"nearest obstacle {obs['nearest_m']:.2f} m")
    seen = sorted(record["visible_tags"].items())
    facts += [f"sees {tag} at {distance:.2f} m" for tag, distance in seen]
    lines.append("; ".join(facts))
    if mission.end is not None:
        lines.append(f"The mission is over: {mission.end}")
    return "\n".join(lines)
