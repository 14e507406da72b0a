"""What a mission's run log says, episode by episode.

A log can hold several runs, because it is opened for append. A record starts a new episode when its
tick is not above the lowest tick of the current episode, and either

- the current episode has ended (terminated, truncated or mission_success), or
- ticks had moved on since, the record is in phase 0, and it repeats that lowest tick or is a reset
  observation (tick 0).

A stamp is on a run's first record alone: where one comes after ticks had moved on, and they go
back, an episode starts too.

So a duplicate, a straggler or a swapped pair of lines does not split a run. Tick 0 is what the
robot saw before it acted: it belongs to the episode it opens and is not counted in `ticks`.

A field that is missing or of the wrong type is unknown, which is neither 0 nor false. Physics has
diverged when a pose is not finite, a position is over 1 km, or the body over 100 m up or down;
such an episode has failed whatever `step_ok` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite
from typing import Any, BinaryIO

from handlers.project.formats.logsummary import Episode, Fold, LogSummary, one_line, summarise
from handlers.project.formats.stamp import stamp_of
from store.events.files import Outcome
from store.identity import Prefix

FAR_M = 1e3
TALL_M = 1e2
_LIMITS = (
    ("pos_x", FAR_M),
    ("pos_y", FAR_M),
    ("body_height", TALL_M),
    ("roll_deg", inf),
    ("pitch_deg", inf),
)
_TELLING = frozenset({"tick", "action", "phase", "obs"})
INTERRUPTED, ERROR = "interrupted", "error"
"""What the `end_reason` of our own logs begins with where a run was cut off: by somebody, or
because whoever decides could not."""
UNSAID = "ended without a result"
"""The `end_reason` of a run that was taken in from elsewhere, where nobody says how it went."""


def read_run_log(stream: BinaryIO, *, prior: Prefix | None = None) -> LogSummary:
    """Read a mission's run log once, to its end. No content makes it raise; OSError does."""
    return summarise(stream, MissionFold(), "mission", prior)


def cut_off(record: Mapping[str, Any]) -> str | None:
    """INTERRUPTED or ERROR where a record only closes a run that was cut off; else None.

    Such a record tells of no step: the action it names, if any, was not carried out to its end.
    """
    reason = record.get("end_reason")
    if reason == INTERRUPTED:
        return INTERRUPTED
    return ERROR if isinstance(reason, str) and reason.startswith(f"{ERROR}: ") else None


class MissionFold(Fold["_Run"]):
    """Folds tick records into episodes."""

    @property
    def index(self) -> int:
        """Which episode the last record belongs to, from 0; -1 before the first."""
        return self.current.index if self.current is not None else -1

    def add(self, line: int, record: dict[str, Any]) -> str | None:
        if _TELLING.isdisjoint(record):
            return "not a run record: no tick, action, phase or obs"
        tick = _whole(record.get("tick"))
        run = self.current
        if run is None or (tick is not None and run.is_over_at(tick, record)):
            self.finish()
            run = self.current = _Run(self.next_index, line)
            run.stamp = stamp_of(record)
        run.add(tick, record)
        return None


class _Run(Episode):
    """One run in the making."""

    def __init__(self, index: int, first_line: int) -> None:
        super().__init__(index, first_line)
        self.lowest: int | None = None
        self.previous: int | None = None
        self.last_done: object = None
        self.success = False
        self.ended = False
        self.unsaid = False
        self.truncated = False
        self.failed_phase: str | None = None
        self.diverged = ""
        self.cut_off: str | None = None
        self.error = ""

    def is_over_at(self, tick: int, record: dict[str, Any]) -> bool:
        """Whether the record with this tick opens the next episode (see the module's docstring)."""
        if self.lowest is None or self.previous is None:
            return False
        moved_on = self.previous > self.lowest
        if moved_on and tick < self.previous and type(record.get("stamp")) is dict:
            return True
        if tick > self.lowest:
            return False
        if self.ended:
            return True
        return moved_on and (tick in (self.lowest, 0)) and _whole(record.get("phase_idx")) == 0

    def add(self, tick: int | None, record: dict[str, Any]) -> None:
        if tick is not None:
            self.previous = tick
            if self.lowest is None or tick < self.lowest:
                self.lowest = tick
        if tick != 0:
            self.ticks += 1
        phase = record.get("phase")
        if type(phase) is str:
            self.phase = phase
        reward = _number(record.get("reward"))
        if reward is not None and isfinite(reward):
            self.reward = reward if self.reward is None else self.reward + reward
        obs = record.get("obs")
        if type(obs) is dict and not _is_ordinary(obs) and not self.diverged:
            self._check_pose(tick, obs)
        if record.get("finite") is False and not self.diverged:
            self.diverged = _diverged(tick, "the simulation was not finite")
        if record.get("phase_done") is True:
            self._count_phase((record.get("phase_idx"), phase))
        self._note_end(record)

    def _note_end(self, record: dict[str, Any]) -> None:
        if record.get("mission_success") is True:
            self.success = self.ended = True
        if record.get("phase_failed") is True:
            self.failed_phase = self.phase or "?"
        if record.get("truncated") is True:
            self.truncated = self.ended = True
        if record.get("terminated") is True:
            self.ended = True
        if record.get("end_reason") == UNSAID:
            self.unsaid = True
        if (how := cut_off(record)) is not None:
            self.cut_off, self.ended = how, True
            self.error = str(record["end_reason"]) if how == ERROR else ""

    def _count_phase(self, done: object) -> None:
        """A phase reported done on several ticks in a row is done once."""
        if done != self.last_done:
            self.last_done = done
            self.phases_done += 1

    def _check_pose(self, tick: int | None, obs: dict[str, Any]) -> None:
        for name, limit in _LIMITS:
            value = _number(obs.get(name))
            if value is not None and not abs(value) < limit:  # NaN is not below anything
                self.diverged = _diverged(tick, f"{name} = {value:g}")
                return

    def verdict(self) -> tuple[Outcome, str]:
        if self.success:
            return "succeeded", self.diverged
        if self.diverged:
            return "failed", self.diverged
        if not self.ended:
            return "unfinished", ""
        if self.cut_off == INTERRUPTED:
            return "interrupted", ""
        if self.cut_off == ERROR:
            return "failed", self.error
        if self.failed_phase is not None:
            return "failed", f"phase {one_line(self.failed_phase, 80)!r} failed"
        if self.unsaid:
            return "unknown", UNSAID
        return "failed", "timeout" if self.truncated else "terminated"


def _is_ordinary(obs: dict[str, Any]) -> bool:
    """Whether a pose is complete and within the limits: the quick way past nearly all ticks."""
    try:
        return bool(
            abs(obs["pos_x"]) < FAR_M
            and abs(obs["pos_y"]) < FAR_M
            and abs(obs["body_height"]) < TALL_M
            and abs(obs["roll_deg"]) < inf
            and abs(obs["pitch_deg"]) < inf
        )
    except (KeyError, TypeError):
        return False


def _diverged(tick: int | None, what: str) -> str:
    return f"diverged{'' if tick is None else f' at tick {tick}'}: {what}"


def _number(value: object) -> float | None:
    """A number, finite or not; true and false are none."""
    return value if type(value) is float or type(value) is int else None


def _whole(value: object) -> int | None:
    """A whole number as an int; anything else is unknown."""
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    return None
