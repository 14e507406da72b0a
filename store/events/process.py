"""What the process did: the daemon, its watches, its jobs, its reactions and the view."""

from __future__ import annotations

from typing import Any

from msgspec import field

from store.events.base import Event


class DaemonStarted(Event):
    """The daemon took the writer lock and began to watch."""

    pid: int
    version: str
    workspaces: tuple[str, ...]


class DaemonStopped(Event):
    """The daemon gave up the writer lock in good order."""

    pid: int
    reason: str


class WatchDegraded(Event):
    """Watching is incomplete; until restored, the periodic reconcile finds what a watch misses."""

    code: str
    detail: str


class WatchRestored(Event):
    """What `WatchDegraded` with the same code reported has been put right."""

    code: str


class JobQueued(Event):
    """Slow work was asked for. The event's position is the job's id from here on.

    `project` is empty for work that concerns none. `spec` is what the job's function gets. It does
    not start before `not_before_us` (microseconds since the epoch; 0: at once).
    """

    kind: str
    project: str = ""
    spec: dict[str, Any] = field(default_factory=dict)
    reason: str
    not_before_us: int = 0


class JobPostponed(Event):
    """More of what the job is about keeps coming: it waits for a quieter moment."""

    job: int
    not_before_us: int


class JobStarted(Event):
    """A child process took the job. `attempt` counts from 1 and is the lease's fencing token."""

    job: int
    attempt: int
    pid: int


class JobSucceeded(Event):
    """The job's child ended well while its lease was valid; its events came with this one."""

    job: int
    attempt: int
    summary: str = ""


class JobFailed(Event):
    """An attempt failed. `retry_at_us` None: no further attempt, somebody has to look at it."""

    job: int
    attempt: int
    error: str
    retry_at_us: int | None = None


class JobRequeued(Event):
    """A running job went back into the queue through no fault of its own."""

    job: int
    attempt: int
    reason: str


class JobCancelled(Event):
    """Somebody does not want the job any more; a running child is ended."""

    job: int
    by: str


class JobRetried(Event):
    """Somebody put a failed or cancelled job back into the queue, with all its attempts."""

    job: int
    by: str


class ReactionFailed(Event):
    """A reaction raised. The event that caused it is the causation position."""

    reaction: str
    event_type: str
    error: str
    message: str


class RebuildRequested(Event):
    """Somebody wants the view folded anew from the log."""

    requested_by: str


class ViewRebuilt(Event):
    """The view was folded anew; `same` says whether it hashed to what it was before."""

    events: int
    previous_hash: str
    new_hash: str
    same: bool
