"""What a reaction is: a fast, deterministic step from one event to the events it leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from store.events import Event, Recorded
from store.queries import State


class Stopping(Exception):
    """Raised by `Tools.checkpoint` when the process is about to end: drop the work, redo it."""


@dataclass(frozen=True)
class Tools:
    """What a reaction may use besides its event and the state.

    `checkpoint()` is called now and then during longer work and raises Stopping when there is no
    time left; the reaction then runs again at the next start, so its effects must be idempotent.
    """

    checkpoint: Callable[[], None] = lambda: None


class React(Protocol):
    def __call__(self, event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
        """The events that follow, for the same stream and caused by `event`."""


@dataclass(frozen=True)
class Reaction:
    """A named reaction. The name keys its cursor in the log: never rename one."""

    name: str
    react: React
