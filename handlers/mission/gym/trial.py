"""Is a project's environment sound, and how does a random episode go?"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from gymnasium.utils.env_checker import check_env

from handlers.mission.gym.env import MissionEnv


@dataclass(frozen=True, slots=True)
class Trial:
    """One episode of random actions. `steps` actions; `end` as the run log has it."""

    seed: int
    steps: int
    reward: float
    terminated: bool
    truncated: bool
    end: str


def check(env: MissionEnv) -> list[str]:
    """Gymnasium's own checks of an environment; what they complain about, empty when nothing."""
    said = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            check_env(env, skip_render_check=env.render_mode is None)
        except (AssertionError, TypeError, ValueError) as problem:
            said.append(str(problem))
    return [*said, *(str(warning.message) for warning in caught)]


def random_episode(env: MissionEnv, seed: int) -> Trial:
    """An episode of actions drawn from the action space; the same seed draws the same."""
    env.action_space.seed(seed)
    _, info = env.reset(seed=seed)
    steps, total, terminated, truncated = 0, 0.0, False, False
    while not (terminated or truncated):
        action = env.action_space.sample()
        _, reward, terminated, truncated, info = env.step(action)
        steps, total = steps + 1, total + reward
    end = str(info["record"]["end_reason"])
    return Trial(seed, steps, round(total, 6), terminated, truncated, end)


def described(env: MissionEnv) -> dict[str, Any]:
    """The spaces in words: parts of an observation, and what an action's three indices mean."""
    meaning, parts = env.observations.meaning(), env.observation_space.spaces
    return {
        "observation": {name: {"space": str(parts[name]), "is": meaning[name]} for name in parts},
        "action": {"space": str(env.action_space), "indices": env.actions.meaning()},
    }
