"""Frames -> ticks of a run log, by a mapping and the alignment that is declared.

A run log's observation is of after the tick's action. Where a recording's is of before it, tick 0
holds the first one and every tick the next frame's; the last tick's is unknown, unless a frame
without an action closes the episode. What is not recorded is left out: unknown, not 0. So is
whether the mission succeeded: what ended an episode without saying so is marked, for a log that
says nothing counts as a failure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from handlers.project.formats.runlog import INTERRUPTED, UNSAID
from handlers.takein.frames import Episode, Frame
from handlers.takein.mapping import Source
from store.events.files import Outcome

_COUNTS = ("phase_idx", "obs.feet_grounded", "action_params.repeat")


class Ticks:
    """Makes ticks. `actions`: names of the robot's library, for recordings that hold ids.

    `doubts`: frames whose action is no name and no id of one, which become no tick.
    """

    def __init__(
        self,
        fields: Mapping[str, Source],
        actions: Sequence[str],
        alignment: Literal["before", "after"],
    ) -> None:
        self._fields, self._actions, self._alignment = fields, actions, alignment
        self.doubts = 0

    def of(self, episode: Episode) -> Iterator[dict[str, Any]]:
        """An episode's ticks, numbered from 1, the reset observation as tick 0."""
        if episode.whole:
            for frame in episode.frames:
                yield dict(frame.values)
            return
        last: dict[str, Any] | None = None
        for tick in self._numbered(episode):
            if last is not None:
                yield last
            last = tick
        if last is not None:
            yield from _ended(last, episode.outcome)

    def _numbered(self, episode: Episode) -> Iterator[dict[str, Any]]:
        number, pending = 0, None
        for frame in episode.frames:
            tick = self._tick(frame)
            seen = tick.pop("obs", None)
            if self._alignment == "before":
                if pending is not None:
                    yield _with_obs(pending, seen)
                elif number == 0 and seen is not None:
                    yield _reset(tick, seen)
            if tick.get("action") is None:
                self.doubts += "action" in tick
                pending = None
                continue
            number += 1
            tick = {"tick": number, **tick}
            if self._alignment == "before":
                pending = tick
            else:
                yield _with_obs(tick, seen)
        if pending is not None:
            yield _with_obs(pending, None)

    def _tick(self, frame: Frame) -> dict[str, Any]:
        tick: dict[str, Any] = {}
        for field, source in self._fields.items():
            value = _plain(source.of(frame.values), whole=field in _COUNTS)
            if field == "action":
                if value is not None:
                    tick["action"] = self._action(value)
                continue
            if value is None:
                continue
            outer, _, inner = field.partition(".")
            if inner:
                tick.setdefault(outer, {})[inner] = value
            else:
                tick[outer] = value
        if frame.time_s is not None:
            tick["sim_time_s"] = frame.time_s
        return tick

    def _action(self, value: Any) -> str | None:
        if isinstance(value, str):
            return value or None
        if type(value) in (int, float) and float(value).is_integer():
            at = int(value)
            return self._actions[at] if 0 <= at < len(self._actions) else None
        return None


def _ended(tick: dict[str, Any], outcome: Outcome | None) -> Iterator[dict[str, Any]]:
    """The last tick, such that a log's reader finds the outcome that is known of the episode."""
    if outcome == "succeeded":
        yield {**tick, "mission_success": True}
    elif outcome == "failed":
        yield {**tick, "mission_success": False}
    elif outcome in ("interrupted", "unfinished"):
        # It went on, and was marked as cut off so that learners do not take this for an end.
        cut = {"truncated", "terminated"} if tick.get("truncated") else set()
        yield {key: tick[key] for key in tick if key not in cut | {"mission_success"}}
        if outcome == INTERRUPTED:
            yield {"tick": tick["tick"] + 1, "action": None, "end_reason": INTERRUPTED}
    elif outcome == "unknown" or ("mission_success" not in tick and _is_end(tick)):
        kept = {key: tick[key] for key in tick if key != "mission_success"}
        yield {**kept, "end_reason": UNSAID}
    else:
        yield tick


def _is_end(tick: Mapping[str, Any]) -> bool:
    return tick.get("terminated") is True or tick.get("truncated") is True


def _reset(tick: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: tick[key] for key in ("phase", "phase_idx", "goal_prompt") if key in tick}
    return {"tick": 0, **kept, "action": None, "obs": seen}


def _with_obs(tick: dict[str, Any], seen: Mapping[str, Any] | None) -> dict[str, Any]:
    return tick if seen is None else {**tick, "obs": seen}


def _plain(value: Any, *, whole: bool) -> Any:
    """A value as JSON has it; what is not finite is unknown, and numpy's scalars are numbers.

    `whole`: it is a count, also where a recording holds floats alone.
    """
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if whole and isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int | float | bool | None) else None
