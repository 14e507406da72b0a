"""Arrays for offline RL, as d3rlpy's `MDPDataset` takes them (2.8):

with np.load("runs.npz") as a:
    MDPDataset(*(a[k] for k in ("observations", "actions", "rewards", "terminals", "timeouts")))
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlers.dataset.formats.source import Sources
from handlers.dataset.formats.trajectories import Trajectory
from handlers.dataset.schema import PARAMS, STATE


def write(sources: Sources, target: Path) -> int:
    """All trajectories, one after another; returns the number of steps.

    `observations` float32 [N, 7], `actions` int64 [N, 1] (ids of the library: a discrete space),
    `rewards` float32 [N, 1], `terminals` and `timeouts` float32 [N]: every trajectory ends with one
    of them. Besides: `params` float32 [N, 6], `next_observations`, `episodes` (each step's number),
    and the names of the columns and of the actions.
    """
    found = list(sources.trajectories())
    if not found:
        return 0

    def stacked(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(item, name) for item in found])

    arrays: dict[str, Any] = {
        "observations": _seen(found, slice(None, -1)),
        "actions": stacked("actions")[:, None],
        "rewards": stacked("rewards").astype(np.float32)[:, None],
        "terminals": stacked("ended").astype(np.float32),
        "timeouts": stacked("cut_off").astype(np.float32),
        "next_observations": _seen(found, slice(1, None)),
        "params": stacked("params").astype(np.float32),
        "episodes": np.repeat(np.arange(len(found)), [len(item) for item in found]),
        "episode_ids": np.array([item.episode_id for item in found]),
        "observation_names": np.array(STATE),
        "action_names": np.array(list(sources.mission.actions)),
        "param_names": np.array(PARAMS),
    }
    with target.open("wb") as stream:  # by its name, numpy would change that
        np.savez_compressed(stream, **arrays)
    return sum(map(len, found))


def _seen(found: Sequence[Trajectory], part: slice) -> NDArray[np.float32]:
    """Of each trajectory's T+1 observations those before, or those after, its actions."""
    return np.concatenate([item.observations[part] for item in found]).astype(np.float32)
