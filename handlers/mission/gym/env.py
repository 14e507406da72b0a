"""MissionEnv: a project's mission as a Gymnasium environment, an action of the library a step.

Whoever trains decides everything, looking and signalling included. The reward is env.json's. An
episode is *terminated* when the mission succeeds, a phase fails or physics diverges, and
*truncated* when time runs out: `max_ticks` of the phase, or of the whole run where it is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import gymnasium

from handlers.mission.episode.environment import Mission, Record
from handlers.mission.episode.setting import scene_of
from handlers.mission.gym.picture import FPS, Camera
from handlers.mission.gym.spaces import Actions, Observation, Observations
from handlers.mission.policies.protocol import Decision
from handlers.project.project import Project
from store.errors import InputError

if TYPE_CHECKING:
    import numpy as np

ENV_ID = "cadenzad/Mission-v0"


class MissionEnv(gymnasium.Env):  # type: ignore[misc]  # optional packages are Any
    """One robot in one mission. The spaces are those of handlers.mission.gym.spaces.

    `reset(seed=S)` is the run that `cadenza env run --seed S` drives; without a seed the next one
    is drawn from the environment's own generator. `info` is {"record": the run log's record of the
    tick}, which also says why the run ended.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": FPS}

    def __init__(
        self,
        project: str | Path,
        *,
        max_ticks: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Open a project's folder. Raises what `Project.open` and `scene_of` raise, and InputError
        for a render mode that there is not."""
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise InputError(f"render_mode {render_mode!r}: only 'rgb_array' is there, or None")
        self.render_mode = render_mode
        self.camera = Camera() if render_mode else None
        self.project = Project.open(Path(project), actions=True)
        self.scene = scene_of(self.project)
        self.max_ticks = max_ticks
        self.actions = Actions.of(self.project.library)
        self.observations = Observations(self.project.spec)
        self.action_space = self.actions.space
        self.observation_space = self.observations.space
        self.mission: Mission | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Record]]:
        """Set the robot down. There are no `options`."""
        super().reset(seed=seed)
        chosen = int(self.np_random.integers(2**31)) if seed is None else seed
        self.mission = Mission(
            self.project.spec,
            self.project.library,
            self.scene,
            seed=chosen,
            policy="gym",
            max_ticks=self.max_ticks,
        )
        record = self.mission.reset()
        self.seen = self.observations.now(self.mission)
        return self._seen(), {"record": record}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Record]]:
        """Carry out one action, to its end. Raises InputError for one outside of the space."""
        mission = self.mission
        if mission is None or mission.end is not None:
            raise InputError("step: the episode has not begun or is over", hint="call reset first")
        record = mission.step(Decision(self.actions.call(action)))
        if record["finite"]:  # else what was last believable is seen again
            self.seen = self.observations.now(mission)
        over = mission.end is not None
        return (
            self._seen(),
            float(record["reward"] or 0.0),
            over and not mission.truncated,
            mission.truncated,
            {"record": record},
        )

    def render(self) -> np.ndarray | None:
        """The robot from behind and above, (480, 640, 3) uint8; None without a render mode."""
        if self.camera is None or self.mission is None:
            return None
        return self.camera.frame(self.mission.sim)

    def close(self) -> None:
        """Let go of the renderer. Safe to call twice."""
        if self.camera is not None:
            self.camera.close()

    def _seen(self) -> Observation:
        """A copy: whoever gets it may change it."""
        return {name: value.copy() for name, value in self.seen.items()}
