"""What the live view shows, read at one moment."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.output import damaged
from cadenzad.cli.shown.standing import notes_of_jobs
from cadenzad.config.paths import lies_in
from store.errors import NoEventLog, StoreError
from store.history import StoredHistory
from store.lock import is_held
from store.reads.live import daemon_status, job_key, trouble_of, unknown
from store.reads.names import Names
from store.reads.state import JobRow, State
from store.reads.status import check_view, daemon_jobs, first_projects, project_statuses
from store.schema import connect_reader

if TYPE_CHECKING:
    from store.history import StoredEvent
    from store.reads.shapes import DaemonStatus, ProjectStatus

MOST = 500
"""Projects that can be gone through; those to look at come first."""
EVENTS = 30
"""Of the opened project, the newest."""


@dataclass(frozen=True)
class Snapshot:
    """`paths`: the projects that can be selected, `more`: how many beyond those.

    `projects`: those that are on the screen; `names`: what a project is called, by its path. `jobs`
    run or wait; `progress` by the job's id. `given_up`: what the daemon's own jobs came to nothing
    for, a line each. `trouble`: why nothing can be read.
    """

    daemon: DaemonStatus
    at: float
    paths: Sequence[str] = ()
    more: int = 0
    projects: Sequence[ProjectStatus] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    jobs: Sequence[JobRow] = ()
    progress: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    events: Sequence[StoredEvent] = ()
    given_up: Sequence[str] = ()
    trouble: str = ""


def take(
    directory: str, shown: Callable[[Sequence[str]], Sequence[str]], opened: str = ""
) -> Snapshot:
    """Read it; `shown` picks of the projects' paths those that are on the screen.

    `opened`: the path of a project whose events are asked for. Raises nothing of a log that cannot
    be read: that is what is shown then.
    """
    holder = is_held(directory)
    try:
        with closing(connect_reader(directory)) as reader:
            check_view(reader)
            reader.execute("BEGIN")  # all of it of one moment
            return _read(reader, holder, shown, opened)
    except NoEventLog:
        trouble = f"{directory} holds no event log yet: cadenzad --workspace DIR"
    except StoreError as error:
        trouble = error.with_hint
    except sqlite3.Error as error:
        trouble = damaged(error).with_hint
    daemon = unknown()
    daemon["degraded"] = trouble_of(holder)
    return Snapshot(daemon, time.time(), trouble=trouble)


def _read(
    reader: sqlite3.Connection,
    holder: dict[str, object] | None,
    shown: Callable[[Sequence[str]], Sequence[str]],
    opened: str,
) -> Snapshot:
    state, names = State(reader), Names(reader)
    first = first_projects(reader, MOST)
    projects = project_statuses(reader, shown(first.paths), history=reader)
    daemon = daemon_status(reader, holder)
    if daemon["state"] != "stopped":
        for project in projects:
            project["watched"] = lies_in(project["path"], daemon["workspaces"])
    jobs = [*state.jobs(state="running"), *reversed(state.jobs(state="queued"))]
    progress = {job.id: state.progress(job_key(job.id)) or {} for job in jobs}
    called = [*(item["path"] for item in projects), *(job.project for job in jobs), opened]
    return Snapshot(
        daemon,
        time.time(),
        first.paths,
        first.more,
        projects,
        {path: names.shown(path) for path in called},
        jobs,
        progress,
        _last_events(reader, opened) if opened else (),
        notes_of_jobs([job for job in daemon_jobs(reader) if job["state"] == "failed"]),
    )


def _last_events(reader: sqlite3.Connection, project: str) -> list[StoredEvent]:
    """The newest events of a project, the newest first."""
    from store.events.envelope import project_stream

    query = "SELECT position FROM events WHERE stream = ? ORDER BY version DESC LIMIT 1 OFFSET ?"
    stream = project_stream(project)
    row = reader.execute(query, (stream, EVENTS)).fetchone()
    return list(StoredHistory(reader).read(row[0] if row else 0, stream=stream))[::-1]
