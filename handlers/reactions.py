"""What a reaction is: a fast, deterministic step from one event to the events it leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from handlers.jobs import AT_ONCE, Debounce
from store.events.base import Event
from store.events.envelope import Recorded
from store.reads.state import State


class Stopping(Exception):
    """Raised by `Tools.checkpoint` when the process is about to end: drop the work, redo it."""


@dataclass(frozen=True)
class ReactionPolicy:
    """What is done for a project when runs or examples arrive, and how long that waits.

    `prompt`: the setting judge.prompt. `export`: a file of records is made of each run, which
    hold `keys`; `dataset`: the folder of Parquet is kept. `notify`: the kinds of news that are told
    to somebody, `notify_by`: the ways in which. `track`: MLflow is told of trainings and prompts.
    """

    check: bool = False
    judge: bool = False
    judge_wait: Debounce = AT_ONCE
    prompt: str = ""
    export: bool = True
    keys: Literal["reference", "extended"] = "reference"
    dataset: bool = False
    dataset_wait: Debounce = AT_ONCE
    retrain: bool = False
    retrain_wait: Debounce = AT_ONCE
    notify: tuple[str, ...] = ()
    notify_by: tuple[Literal["url", "argv"], ...] = ()
    track: bool = False


@dataclass(frozen=True)
class Tools:
    """What a reaction may use besides its event and the state.

    `checkpoint()` is called now and then during longer work and raises Stopping when there is no
    time left; the reaction then runs again at the next start, so its effects must be idempotent.
    `policy(project)`: by the project's path. `now_us()`: microseconds since the epoch; a reaction
    that catches up with old events must not take them for the quiet of today.
    """

    checkpoint: Callable[[], None] = lambda: None
    policy: Callable[[str], ReactionPolicy] = lambda _project: ReactionPolicy()
    now_us: Callable[[], int] = lambda: 0


class React(Protocol):
    """The step itself. It may run again after a crash: its effects must be idempotent."""

    def __call__(self, event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
        """The events that follow, for the same stream and caused by `event`."""


class ReactTogether(Protocol):
    """The step for several events in a row, for effects that cost less together.

    The same as `react` for each in turn. It may stop before an event that rests on what an earlier
    one of them leads to: that one begins the next call.
    """

    def __call__(
        self, events: Sequence[Recorded], state: State, tools: Tools
    ) -> Sequence[Sequence[Event]]:
        """For each of the first events, one at least, the events that follow it."""


@dataclass(frozen=True)
class Reaction:
    """A named reaction. The name keys its cursor in the log: never rename one."""

    name: str
    react: React
    together: ReactTogether | None = None
