"""What a job is: slow work in a child process of its own, from a JSON spec to events.

A job's function runs in that child only. It is named here as "module:function", so that the daemon
never imports what it needs (torch, groq, mujoco).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.errors import CadenzaError
from store.events import Event, JobQueued
from store.queries import State

JOBS: Mapping[str, str] = {
    "selftest": "handlers.selftest.run:run",
}
"""Kind -> the function that does it. The other half of the table of contents."""


@dataclass(frozen=True)
class JobContext:
    """What a job's function gets. `project` is None for a job that concerns no project.

    `report(values)` shows live progress (epoch, loss, tick ...); it is no history.
    """

    spec: Mapping[str, Any]
    project: Path | None
    state_dir: Path
    report: Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class JobResult:
    """What a job gives back: events for its project's stream, and one line for people."""

    events: tuple[Event, ...] = ()
    summary: str = ""


class PermanentFailure(CadenzaError):
    """Trying again would not help: the job goes straight to where somebody has to look."""


def queue_job(
    state: State, kind: str, project: str, reason: str, spec: Mapping[str, Any] | None = None
) -> Iterable[Event]:
    """The event that queues a job; none when one of its kind waits already and will cover it."""
    if any(job.kind == kind for job in state.jobs(project, "queued")):
        return []
    return [JobQueued(kind=kind, project=project, spec=dict(spec or {}), reason=reason)]
