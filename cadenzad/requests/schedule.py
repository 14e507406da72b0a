"""Pruning by a schedule: what `[retention]` asks for, a few files at a time, by way of the inbox.

A round goes from project to project. Each turn of it plans so few files that the main loop is soon
back, and leaves them in the inbox as a request like any other: a kill at any point loses none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cadenzad.config.settings import Retention
from cadenzad.maintenance.retention import Policy, make_plan
from cadenzad.maintenance.sorts import WHAT
from cadenzad.requests import inbox
from cadenzad.requests.commands import new_request
from cadenzad.requests.prune import batches
from store.reads.state import State
from store.writer import Writer

LAST_ROUND = "retention"
"""The progress key that says when the last round began: {"at": Unix seconds}."""

FILES = 200
"""So many are planned in one turn."""


class Schedule:
    """The rounds of pruning. Use from the main loop."""

    def __init__(
        self,
        state_dir: Path,
        state: State,
        writer: Writer,
        watched: Callable[[Path], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`watched`: whether a project is one of ours to prune."""
        self._state_dir = state_dir
        self._state = state
        self._writer = writer
        self._watched = watched
        self._clock = clock
        self._left: Iterator[str] = iter(())

    def begin(self, settings: Retention) -> bool:
        """Begin a round if one is due; whether `turn` has something to do."""
        if not settings.prune:
            self._left = iter(())
            return False
        now = self._clock()
        last = (self._state.progress(LAST_ROUND) or {}).get("at", 0.0)
        # A clock that was set back is no reason to wait for years.
        if last <= now < last + settings.every:
            return False
        self._writer.run(lambda unit: unit.set_progress(LAST_ROUND, {"at": now}))
        known = (row.path for row in self._state.projects() if row.state != "removed")
        ready = [path for path in known if self._watched(Path(path))]
        self._left = iter(ready)
        return bool(ready)

    def turn(self, settings: Retention) -> bool:
        """Ask for the next few files of a project; whether there is more to do."""
        project = next(self._left, None)
        if project is None:
            return False
        what = frozenset(sort for sort in WHAT if getattr(settings, sort))
        policy = Policy(what, settings.keep_last, settings.older_than)
        plan = make_plan(self._state, project, policy, self._clock(), limit=FILES)
        for command in batches(plan.to_go, force=False):
            inbox.send(self._state_dir, new_request(command))
        if len(plan.to_go) >= FILES:
            self._left = _again(project, self._left)
        return True


def _again(project: str, rest: Iterator[str]) -> Iterator[str]:
    yield project
    yield from rest
