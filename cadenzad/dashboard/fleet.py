"""Every project in a line: how it stands, what was decided last, and how its days went."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cadenzad.dashboard.moment import Moment
from store.lock import is_held
from store.reads.live import daemon_status
from store.reads.names import Names
from store.reads.shapes import DaemonStatus, ProjectStatus
from store.reads.state import ProjectRow, State
from store.reads.status import project_statuses

DAYS = 14
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Day:
    """The runs that were recorded on a UTC day. `start_us`: its first microsecond."""

    start_us: int
    succeeded: int
    ended: int

    @property
    def rate(self) -> float | None:
        """The share of successes; None on a day without a run that ended."""
        return self.succeeded / self.ended if self.ended else None


@dataclass(frozen=True, slots=True)
class Line:
    """A project in the overview. `key`: what its page is called in an address, quoted; `name`: what
    it is called among the others.
    """

    key: str
    name: str
    status: ProjectStatus
    days: list[Day]

    @property
    def waiting(self) -> int:
        """Jobs that wait or run."""
        return sum(job["state"] in ("queued", "running") for job in self.status["jobs"])

    @property
    def running(self) -> dict[str, Any] | None:
        """The job that runs, with its progress."""
        jobs = (dict(job) for job in self.status["jobs"] if job["state"] == "running")
        return next(jobs, None)

    @property
    def failed_jobs(self) -> list[dict[str, Any]]:
        """Jobs that were given up and no later one of their kind made good."""
        seen, failed = set[str](), []
        for job in self.status["jobs"]:  # the newest first
            if job["state"] == "failed" and job["kind"] not in seen:
                failed.append(dict(job))
            seen.add(job["kind"])
        return failed


@dataclass(frozen=True, slots=True)
class Fleet:
    """The overview. `queue`: jobs that wait or run, of all projects."""

    daemon: DaemonStatus
    lines: list[Line]

    @property
    def queue(self) -> int:
        """Jobs that wait or run, of all projects."""
        return sum(line.waiting for line in self.lines)


def fleet(moment: Moment, state: Path) -> Fleet:
    """The overview of a state directory at a moment; the daemon is as it is now."""
    rows = State(moment.view).projects()
    keys, names = keys_of(rows), Names(moment.view)
    bounds = _bounds(moment)
    lines = [
        Line(
            keys[status["path"]],
            names.shown(status["path"]),
            status,
            _days(moment, status["path"], bounds),
        )
        for status in project_statuses(moment.view, history=moment.history)
    ]
    return Fleet(daemon_status(moment.history, is_held(state)), lines)


def keys_of(rows: Sequence[ProjectRow]) -> dict[str, str]:
    """Path -> what the project is called in an address: its name, where that names it alone."""
    names = [row.name for row in rows]
    return {
        row.path: quote(row.name if names.count(row.name) == 1 else _longer(row), safe="")
        for row in rows
    }


def _longer(row: ProjectRow) -> str:
    return f"{row.name}~{hashlib.sha256(row.path.encode()).hexdigest()[:8]}"


def project_called(moment: Moment, key: str) -> ProjectRow | None:
    """The project of an address (not quoted any more)."""
    rows = State(moment.view).projects()
    wanted = quote(key, safe="")
    keys = keys_of(rows)
    return next((row for row in rows if keys[row.path] == wanted), None)


def _bounds(moment: Moment) -> list[tuple[int, int, int]]:
    """(first µs, position before it, last position) of each of the last DAYS days.

    Recorded times never go back, so a day is a range of positions.
    """
    last = moment.recorded_us(moment.position) // DAY_US * DAY_US
    starts = [last - DAY_US * ago for ago in reversed(range(DAYS + 1))]
    ends = [moment.log.position_at(start + DAY_US - 1) for start in starts]
    return [
        (start, before, min(until, moment.position))
        for start, before, until in zip(starts[1:], ends, ends[1:], strict=False)
    ]


def _days(moment: Moment, project: str, bounds: Sequence[tuple[int, int, int]]) -> list[Day]:
    query = (
        "SELECT coalesce(sum(e.outcome = 'succeeded'), 0), count(*)"
        " FROM view_episodes e JOIN view_files f ON f.project = e.project AND f.path = e.path"
        " WHERE e.project = ? AND e.first > ? AND e.first <= ? AND f.twin_of IS NULL"
        " AND e.outcome IN ('succeeded', 'failed')"
    )
    if bounds[0][1] == bounds[-1][2]:
        return [Day(start, 0, 0) for start, _, _ in bounds]
    days = []
    for start, after, until in bounds:
        won, ended = 0, 0
        if until > after:
            won, ended = moment.view.execute(query, (project, after, until)).fetchone()
        days.append(Day(start, int(won), int(ended)))
    return days
