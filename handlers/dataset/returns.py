"""What an episode's rewards and ways come to: returns, advantages, progress, quality weights.

Arrays hold one value a step, NaN where it is unknown. All of it is of the episode alone, so that a
shard never changes because other runs arrive; and of the whole episode, before any filter.

The weights are those of Reward-Aligned Behaviour Cloning (RA-BC; Chen et al., "SARM: Stage-Aware
Reward Modeling for Long Horizon Robot Manipulation", arXiv 2509.25358): 1 for progress above KAPPA,
0 for going back, in between by where the step lies among the episode's own.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Reals: TypeAlias = NDArray[np.float64]

KAPPA = 0.01
"""Progress (m) above which a step is as good an example as there is; SARM's own, of 0 to 1 there,
is as large. A gait's shortest step in simulation goes ten times as far."""


class Ways(NamedTuple):
    """What a log says of the way (m) to a phase's target: before each action, and after it."""

    before: Reals
    after: Reals
    phase: NDArray[np.int64]


def returns_to_go(rewards: Reals) -> Reals:
    """The sum of rewards from each step on, undiscounted; unknown where one of them is."""
    return np.cumsum(rewards[::-1])[::-1]


def advantages(rewards: Reals) -> Reals:
    """Return-to-go less what the episode's mean reward comes to over the steps that are left.

    The average-reward baseline (Sutton and Barto, 2nd ed., 10.3) needs no value function, which a
    log does not have.
    """
    left = np.arange(len(rewards), 0, -1)
    return np.asarray(returns_to_go(rewards) - rewards.mean() * left, dtype=np.float64)


def progress(ways: Ways) -> Reals:
    """By how much (m) each action shortened the way to its phase's target.

    By the way over open ground before it and before the next action of the phase, where the log
    has that (`remaining_m`); else by the straight distance after the action before it and after it.
    """
    same = ways.phase[1:] == ways.phase[:-1]
    by_way = np.full(len(ways.phase), np.nan)
    by_way[:-1][same] = (ways.before[:-1] - ways.before[1:])[same]
    by_distance = np.full(len(ways.phase), np.nan)
    by_distance[1:][same] = (ways.after[:-1] - ways.after[1:])[same]
    return np.where(np.isnan(by_way), by_distance, by_way)


def weights(made: Reals, severity: Reals, measured_by_judge: NDArray[np.bool_]) -> Reals:
    """How good an example each step is, 0 to 1.

    `made`: progress, m. Where the judge measured the action by its facing, and where no progress is
    known, 1 - severity; unknown where that is unknown too.
    """
    by_severity = 1.0 - np.clip(severity, 0.0, 1.0)
    known = made[~np.isnan(made)]
    if not len(known):
        return by_severity
    mean, spread = known.mean(), known.std()
    soft = np.clip((made - (mean - 2 * spread)) / (4 * spread + 1e-9), 0.0, 1.0)
    by_progress = np.where(made > KAPPA, 1.0, np.where(made < 0, 0.0, soft))
    use = np.isnan(made) | (measured_by_judge & ~np.isnan(severity))
    return np.where(use, by_severity, by_progress)
