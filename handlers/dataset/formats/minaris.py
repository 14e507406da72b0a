"""Minari (0.5), written by Minari's own storage: what `minari.load_dataset(ID)` reads.

    cadenza env finetune PROJECT --all -o datasets/rescue-v0 --format minari
    MINARI_DATASETS_PATH=datasets python -c 'import minari; minari.load_dataset("rescue-v0")'

Observations are STATE, float64 [T+1, 7]; actions are ids of the robot's library, a discrete space.
Each step's parameters, phase and goal (its number in the episode's `goals`) are in `infos`, as long
as the observations: those of the action that led to one, and zeros for the first. An episode's
metadata says how it went: `outcome`, and `mission_success` where that is known.
"""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from handlers.dataset.formats.source import Sources
from handlers.dataset.formats.trajectories import Trajectory
from handlers.dataset.schema import PARAMS, STATE
from store.errors import InputError

_ID = re.compile(r"[A-Za-z0-9_-]+-v[0-9]+")


def write(sources: Sources, folder: Path, name: str, kind: Literal["hdf5", "arrow"]) -> int:
    """A dataset folder of all trajectories; returns the number of steps.

    `name`: what the folder will be called, which is the dataset's id. Raises InputError for one
    that Minari does not take.
    """
    from gymnasium.spaces import Box, Discrete
    from minari.data_collector import EpisodeBuffer
    from minari.dataset.minari_storage import MinariStorage

    if not _ID.fullmatch(name):
        raise InputError(
            f"{name}: a Minari dataset is called as its folder, and ends with a version",
            hint="-o datasets/rescue-v0",
        )
    storage = MinariStorage.new(
        folder / "data",
        observation_space=Box(-np.inf, np.inf, (len(STATE),), np.float64),
        action_space=Discrete(max(1, len(sources.mission.actions))),
        data_format=kind,
    )
    steps = 0
    episodes: list[dict[str, str | bool]] = []
    for run in sources.trajectories():
        storage.update_episodes(
            [
                EpisodeBuffer(
                    id=len(episodes),
                    observations=run.observations,
                    actions=run.actions,
                    rewards=run.rewards,
                    terminations=run.ended,
                    truncations=run.cut_off,
                    infos=_infos(run),
                )
            ]
        )
        episodes.append(_told(run))
        steps += len(run)
    storage.update_episode_metadata(episodes)
    storage.update_metadata(
        {
            "dataset_id": name,
            "minari_version": version("minari"),
            "algorithm_name": "recorded runs",
            "description": f"{sources.mission.name}: {sources.mission.task}",
            "observation_names": list(STATE),
            "action_names": list(sources.mission.actions),
            "param_names": list(PARAMS),
        }
    )
    return steps


def _infos(run: Trajectory) -> dict[str, Any]:
    """What `infos` holds of a trajectory, as long as its observations."""
    numbers = {goal: at for at, goal in enumerate(dict.fromkeys(run.goals))}
    return {
        "params": np.vstack([np.zeros(len(PARAMS)), run.params]),
        # Lists: of an array of one dimension Minari's Arrow storage cannot read what it wrote.
        "phase_idx": [0, *run.phases.tolist()],
        "goal": [0, *(numbers[goal] for goal in run.goals)],
    }


def _told(run: Trajectory) -> dict[str, str | bool]:
    """An episode's metadata. HDF5's attributes hold no null: what is unknown is left out."""
    told: dict[str, str | bool] = {
        "run_id": run.run_id,
        "outcome": run.outcome,
        "cause": run.cause or "",
        "goals": json.dumps(list(dict.fromkeys(run.goals)), ensure_ascii=False),
    }
    if run.success is not None:
        told["mission_success"] = run.success
    return told
