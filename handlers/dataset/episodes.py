"""What is known only at an episode's end: how it went, and what that says of each of its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from handlers.dataset import returns
from handlers.dataset.reading import Step
from handlers.dataset.wire import Record
from store.events.files import EpisodeFact


class Numbers:
    """What the second pass computes with: a few numbers a step."""

    _GETTERS: Mapping[str, Callable[[Record], float | None]] = {
        "reward": attrgetter("reward"),
        "severity": attrgetter("judgment.severity"),
        "lost_m": attrgetter("judgment.progress_lost_m"),
        "lost_rad": attrgetter("judgment.heading_lost_rad"),
        "after": attrgetter("motion.distance_to_goal_m"),
    }

    def __init__(self) -> None:
        self._parts: list[dict[str, np.ndarray[Any, Any]]] = []
        self._episode, self._step = -1, -1

    def add(self, steps: Sequence[Step], usable: np.ndarray[Any, Any]) -> list[int]:
        """Take in steps, and which of them offline RL can use but for the reward.

        Returns each one's number within its episode.
        """
        records = [step.record for step in steps]
        part: dict[str, np.ndarray[Any, Any]] = {
            name: np.array([get(r) for r in records], dtype=np.float64)
            for name, get in self._GETTERS.items()
        }
        remaining = [record.judgment.remaining_m for record in records]
        known = [value if isinstance(value, float | int) else None for value in remaining]
        part["before"] = np.array(known, dtype=np.float64)
        part["foreign"] = np.array([not r.judgment.is_of_before for r in records])
        part["phase"] = np.array([-1 if (i := r.phase_idx) is None else i for r in records])
        part["terminated"] = np.array([r.terminated is True for r in records])
        part["truncated"] = np.array([r.truncated is True for r in records])
        part["success"] = np.array([r.mission_success is True for r in records])
        part["complete"] = usable & ~np.isnan(part["reward"])
        part["episode"] = np.array([step.episode for step in steps])
        self._parts.append(part)
        numbers = []
        for step in steps:
            self._step = self._step + 1 if step.episode == self._episode else 0
            self._episode = step.episode
            numbers.append(self._step)
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
