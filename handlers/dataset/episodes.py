"""What is known only at an episode's end: how it went, and what that says of each of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from msgspec import UNSET
from numpy.typing import NDArray

from handlers.dataset import returns
from handlers.dataset.chunk import numbers, true
from handlers.dataset.reading import Steps
from store.events.files import EpisodeFact


class Numbers:
    """What the second pass computes with: a few numbers a step."""

    def __init__(self) -> None:
        self._parts: list[dict[str, np.ndarray[Any, Any]]] = []
        self._episode, self._steps = -1, 0

    def add(
        self, steps: Steps, columns: Mapping[str, pa.Array], usable: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Take in steps and their columns, and which of them offline RL can use but for the reward.

        Returns each one's number within its episode.
        """
        chunk, rows = steps.chunk, steps.rows
        remaining = chunk.of_part("judgment", "remaining_m")
        known = [None if value is UNSET else value for value in remaining]
        part: dict[str, np.ndarray[Any, Any]] = {
            "reward": numbers(columns["reward"]),
            "severity": numbers(columns["severity"]),
            "lost_m": numbers(chunk.reals("judgment", "progress_lost_m"))[rows],
            "lost_rad": numbers(columns["lost_rad"]),
            "after": numbers(chunk.reals("motion", "distance_to_goal_m"))[rows],
            "before": np.array(known, dtype=np.float64)[rows],
            "foreign": np.array([value is UNSET for value in remaining], dtype=np.bool_)[rows],
            "phase": columns["phase_idx"].fill_null(-1).to_numpy().astype(np.int64),
            "success": true(columns["mission_success"]),
            "episode": steps.episodes,
        }
        for name in ("terminated", "truncated"):
            part[name] = true(pa.array(chunk.values(name), pa.bool_()))[rows]
        part["complete"] = usable & ~np.isnan(part["reward"])
        self._parts.append(part)
        return self._numbered(steps.episodes)

    def _numbered(self, episodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Each step's number within its episode; those of one come in a row."""
        begins = np.flatnonzero(np.diff(episodes, prepend=self._episode))
        places = np.arange(len(episodes))
        numbers = places + self._steps
        for first in begins.tolist():
            numbers[first:] = places[: len(places) - first]
        if len(episodes):
            self._episode, self._steps = int(episodes[-1]), int(numbers[-1]) + 1
        return numbers

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Each number of all steps, in order."""
        if not self._parts:
            return {"episode": np.array([], dtype=np.int64)}
        return {name: np.concatenate([p[name] for p in self._parts]) for name in self._parts[0]}


class End(NamedTuple):
    """An episode: its id, how it ended, its steps, the sum of its rewards (None: unknown), and the
    failure modes it shows (None: nobody looked)."""

    id: str
    outcome: str
    steps: int
    total: float | None
    causes: tuple[str, ...] | None


class Episodes:
    """What episodes come to. `places`: for each step, its episode among those that have steps."""

    def __init__(self, n: dict[str, np.ndarray[Any, Any]], facts: Sequence[EpisodeFact]) -> None:
        self._indices, self.places = np.unique(n["episode"], return_inverse=True)
        self._facts = facts
        bounds = np.searchsorted(n["episode"], self._indices)
        ends = [*bounds[1:], len(n["episode"])] if len(bounds) else []
        self.spans = [slice(int(a), int(b)) for a, b in zip(bounds, ends, strict=True)]
        self.by_step: dict[str, np.ndarray[Any, Any]] = {}
        self.returns: list[float | None] = []
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite counts as unknown
            parts = [self._of_one({k: values[s] for k, values in n.items()}) for s in self.spans]
        for name in parts[0] if parts else ():
            self.by_step[name] = np.concatenate([part[name] for part in parts])

    @cached_property
    def outcomes(self) -> list[str]:
        return [self._facts[index].outcome for index in self._indices]

    @property
    def lengths(self) -> list[int]:
        return [span.stop - span.start for span in self.spans]

    def names(self, run_id: str) -> list[str]:
        """Each episode's id, as citations name it."""
        return [run_id if at == 0 else f"{run_id}#{at + 1}" for at in self._indices]

    def _of_one(self, n: dict[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
        rewards = n["reward"]
        to_go = returns.returns_to_go(rewards)
        self.returns.append(float(to_go[0]) if np.isfinite(to_go[0]) else None)
        made = returns.progress(returns.Ways(n["before"], n["after"], n["phase"]))
        lost = np.where(n["foreign"], np.maximum(0.0, -made), n["lost_m"])
        truncated = n["truncated"].copy()
        terminated = (n["terminated"] | n["success"]) & ~truncated
        if not (terminated[-1] or truncated[-1]):
            truncated[-1] = True  # somebody stopped it, or the log stops: the episode went on
        return {
            "progress_m": made,
            "lost_m": lost,
            "terminated": terminated,
            "truncated": truncated,
            "return_to_go": to_go,
            "advantage": returns.advantages(rewards),
            "complete": np.logical_and.accumulate(n["complete"][::-1])[::-1],
            "weight": returns.weights(made, n["severity"], ~np.isnan(n["lost_rad"])),
        }
