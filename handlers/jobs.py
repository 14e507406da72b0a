"""What a job is: slow work in a child process of its own, from a JSON spec to events.

A job's function runs in that child only. It is named here as "module:function", so that the daemon
never imports what it needs (torch, groq, mujoco).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlers.settings import Settings
from handlers.spread import Spread
from store.errors import CadenzaError
from store.events.base import Event
from store.events.process import JobPostponed, JobQueued
from store.reads.state import State
from store.schema import connect_reader

if TYPE_CHECKING:
    from store.schema import Connection


@dataclass(frozen=True)
class JobContext:
    """What a job's function gets. `project` is None for a job that concerns no project.

    `report(values)` shows live progress (epoch, loss, tick ...); it is no history. `settings`: as
    they are for this project. `key` (Groq's) and `openai_key`: for KEYED kinds alone.
    `attempt` counts from 1; `job`: the job's id, None when no log queued it. `past`: what the event
    log knows that this job asks of it, where the log itself is not here (handlers.away). `spread`:
    who else computes parts of it; None: nobody.
    """

    spec: Mapping[str, Any]
    project: Path | None
    state_dir: Path
    report: Callable[[Mapping[str, Any]], None]
    settings: Settings = field(default_factory=Settings)
    key: str | None = field(default=None, repr=False)
    attempt: int = 1
    job: int | None = None
    openai_key: str | None = field(default=None, repr=False)
    past: Mapping[str, Any] | None = None
    spread: Spread | None = None


@dataclass(frozen=True)
class JobResult:
    """What a job gives back: events for its project's stream, and one line for people.

    `once`: a daemon logs that line a single time in its life; the same is found in the status.
    """

    events: tuple[Event, ...] = ()
    summary: str = ""
    once: bool = False


def with_history(
    function: Callable[[JobContext, Connection], JobResult],
) -> Callable[[JobContext], JobResult]:
    """A job's function of one that also reads the event log, which is open while that runs.

    Raises StoreError where there is no log.
    """

    @functools.wraps(function)
    def opened(context: JobContext) -> JobResult:
        with closing(connect_reader(context.state_dir)) as history:
            return function(context, history)

    return opened


class PermanentFailure(CadenzaError):
    """Trying again would not help: the job goes straight to where somebody has to look.

    `events`: what was found all the same; they are stored with the failure.
    """

    def __init__(self, message: str, *, hint: str = "", events: tuple[Event, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.events = events


class TryLater(CadenzaError):
    """Not now: the job is tried again in `after_s` seconds, as whoever refused it asked for.

    `events`: what was found all the same; they are stored with the failure.
    """

    def __init__(
        self, message: str, after_s: float, *, hint: str = "", events: tuple[Event, ...] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.after_s = after_s
        self.events = events


@dataclass(frozen=True)
class Debounce:
    """Seconds without news after which a job begins, and after how many it begins all the same."""

    debounce: float = 0.0
    max_wait: float = 0.0


AT_ONCE = Debounce()


def queue_job(
    state: State,
    kind: str,
    project: str,
    reason: str,
    spec: Mapping[str, Any] | None = None,
    *,
    now_us: int = 0,
    wait: Debounce = AT_ONCE,
) -> list[Event]:
    """The events that have a job done, `wait` after `now_us`.

    One of its kind that waits already covers it: that one is postponed when its time is near, and
    not by every event, so that a thousand of them make few.
    """
    due_us = now_us + int(wait.debounce * 1e6) if wait.debounce else 0
    waiting = next((job for job in state.jobs(project, "queued") if job.kind == kind), None)
    if waiting is None:
        body = dict(spec or {})
        return [
            JobQueued(kind=kind, project=project, spec=body, reason=reason, not_before_us=due_us)
        ]
    latest_us = min(due_us, waiting.queued_us + int(wait.max_wait * 1e6))
    near = latest_us - waiting.not_before_us > wait.debounce * 5e5
    if waiting.attempt == 0 and wait.debounce and near:
        return [JobPostponed(job=waiting.id, not_before_us=latest_us)]
    return []
