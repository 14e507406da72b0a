"""Figures of the daemon and its projects: what `cadenzactl metrics` and Prometheus are told.

Everything is read from the view, the bookkeeping tables and the disk; nothing scans the history.
The cost grows with the number of projects (and, for the counts of jobs that have ended, with those
along one index), never with the number of events. `cadenzad.metrics.prometheus` writes them out.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cadenzad import __version__
from cadenzad.requests import inbox
from cadenzad.waits import age_s
from store.lock import is_held
from store.reads.live import daemon_status
from store.reads.state import State
from store.schema import DATABASE, is_outdated

if TYPE_CHECKING:
    from pathlib import Path

Type = Literal["gauge", "counter"]


class Sample(NamedTuple):
    labels: Mapping[str, str]
    value: float


class Metric(NamedTuple):
    """A family: samples that share a name, a type and one line of help. Names end in their unit."""

    name: str
    type: Type
    help: str
    samples: list[Sample]


def collect(
    state_dir: Path, connection: sqlite3.Connection, now: float | None = None
) -> list[Metric]:
    """All families that have a value now (`now` in Unix seconds: default the clock's).

    `connection` reads the state directory's log and is in no transaction. A value that is not
    known is left out, it is never 0.
    """
    moment = time.time() if now is None else now
    connection.execute("BEGIN")  # all figures are of one moment
    try:
        families = list(_collect(state_dir, connection, moment))
    finally:
        connection.execute("COMMIT")
    return [family for family in families if family.samples]


def _collect(state_dir: Path, connection: sqlite3.Connection, now: float) -> Iterator[Metric]:
    yield from _process(state_dir, connection, now)
    yield from _watching(state_dir, connection, now)
    yield from _log(state_dir, connection, now)
    yield from _inbox(state_dir, now)
    # A view of another version is folded anew at the daemon's next start; until then it is not ours
    # to read.
    if not is_outdated(connection):
        yield from _jobs(connection, now)
        yield from _projects(connection)


def _gauge(name: str, help: str, value: float | None) -> Metric:
    return Metric(name, "gauge", help, [] if value is None else [Sample({}, value)])


def _counter(name: str, help: str, value: float | None) -> Metric:
    return Metric(name, "counter", help, [] if value is None else [Sample({}, value)])


# -- the daemon ------------------------------------------------------------------------------------


def _process(state_dir: Path, connection: sqlite3.Connection, now: float) -> Iterator[Metric]:
    daemon = daemon_status(connection, is_held(state_dir), now)
    up = daemon["state"] != "stopped"
    yield _gauge("cadenzad_up", "1 while a daemon runs on the state directory", float(up))
    responding = float(daemon["responding"]) if up else None
    yield _gauge("cadenzad_responding", "1 while the daemon gives signs of life", responding)
    version = daemon["version"] or __version__
    yield Metric("cadenzad_build_info", "gauge", "Always 1", [Sample({"version": version}, 1.0)])
    yield _gauge("cadenzad_collected_timestamp_seconds", "When these figures were read", now)
    started = daemon["started_at"]
    yield _gauge(
        "cadenzad_start_timestamp_seconds",
        "When the running daemon started",
        datetime.fromisoformat(started).timestamp() if started else None,
    )
    watching = daemon["watching"]
    yield _gauge(
        "cadenzad_watched_projects", "Projects watched", watching["projects"] if up else None
    )
    yield _gauge(
        "cadenzad_watched_folders", "Folders watched", watching["directories"] if up else None
    )


def _watching(state_dir: Path, connection: sqlite3.Connection, now: float) -> Iterator[Metric]:
    state = State(connection)
    counters: Mapping[str, Any] = state.progress("counters") or {}
    at = counters.get("reconciled_at")
    yield _gauge("cadenzad_reconcile_timestamp_seconds", "When everything was last scanned", at)
    stamped = counters.get("reconciled")  # a daemon of before knows only its wall clock
    age = None if at is None else age_s(stamped) if stamped else max(0.0, now - at)
    yield _gauge("cadenzad_reconcile_age_seconds", "Since everything was last scanned", age)
    yield _counter(
        "cadenzad_overflows_total",
        "Times the kernel dropped file changes, since the daemon started",
        counters.get("overflows"),
    )
    yield _counter(
        "cadenzad_reconcile_finds_total",
        "Files that only the periodic scan found, since the daemon started",
        counters.get("reconcile_finds"),
    )
    degraded = daemon_status(connection, is_held(state_dir), now)["degraded"]
    yield _gauge("cadenzad_degraded_reasons", "Ways in which watching is incomplete", len(degraded))
    # A code may go on with a path after its colon: too many values for a label.
    kinds = Counter(reason["code"].partition(":")[0] for reason in degraded)
    yield Metric(
        "cadenzad_degraded",
        "gauge",
        "Reasons why watching is incomplete, by kind",
        [Sample({"reason": kind}, count) for kind, count in sorted(kinds.items())],
    )


def _log(state_dir: Path, connection: sqlite3.Connection, now: float) -> Iterator[Metric]:
    state = State(connection)
    head = state.head()
    yield _counter("cadenzad_events_total", "Events in the log", head)
    # The view is folded by the transaction that appends: only another version's lags behind.
    yield _gauge(
        "cadenzad_projection_lag_events",
        "Events that the state view does not reflect",
        head if is_outdated(connection) else 0,
    )
    cursors = dict(connection.execute("SELECT reaction, position FROM cursors ORDER BY reaction"))
    yield Metric(
        "cadenzad_reaction_lag_events",
        "gauge",
        "Events that a reaction has not come to yet",
        [Sample({"reaction": name}, head - position) for name, position in cursors.items()],
    )
    last = min(cursors.values(), default=head)
    yield _gauge(
        "cadenzad_reaction_lag_seconds",
        "Age of the oldest event that not every reaction has come to",
        max(0.0, now - state.recorded_at(last + 1)) if last < head else 0.0,
    )
    for name, suffix in (("database", ""), ("wal", "-wal")):
        yield _gauge(
            f"cadenzad_{name}_bytes", f"Size of {DATABASE}{suffix}", _size(state_dir, suffix)
        )


def _size(state_dir: Path, suffix: str) -> int:
    try:
        return (state_dir / f"{DATABASE}{suffix}").stat().st_size
    except OSError:
        return 0


def _inbox(state_dir: Path, now: float) -> Iterator[Metric]:
    times = []
    for path in inbox.waiting(state_dir):
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    yield _gauge("cadenzad_inbox_requests", "Requests that wait for the daemon", len(times))
    yield _gauge(
        "cadenzad_inbox_oldest_seconds",
        "Age of the oldest request that waits",
        max(0.0, now - min(times, default=now)),
    )


# -- jobs ------------------------------------------------------------------------------------------


def _jobs(connection: sqlite3.Connection, now: float) -> Iterator[Metric]:
    depth, oldest_us = connection.execute(
        "SELECT count(*), min(queued_us) FROM view_jobs WHERE state = 'queued'"
    ).fetchone()
    yield _gauge("cadenzad_job_queue_depth", "Jobs that wait", depth)
    yield _gauge(
        "cadenzad_job_queue_oldest_seconds",
        "Age of the job that has waited longest",
        max(0.0, now - oldest_us / 1e6) if depth else 0.0,
    )
    counts = connection.execute(
        "SELECT kind, state, count(*) FROM view_jobs GROUP BY kind, state ORDER BY kind, state"
    ).fetchall()
    yield Metric(
        "cadenzad_jobs",
        "gauge",
        "Jobs by the state they are in: waiting, running, or how they ended",
        [Sample({"kind": kind, "state": state}, count) for kind, state, count in counts],
    )
    last = "SELECT max(ended_us) FROM view_jobs WHERE kind = ? AND state = 'succeeded'"
    succeeded = {
        kind: connection.execute(last, (kind,)).fetchone()[0]
        for kind, state, _ in counts
        if state == "succeeded"
    }
    yield Metric(
        "cadenzad_job_last_success_timestamp_seconds",
        "gauge",
        "When a job of a kind last succeeded",
        [Sample({"kind": kind}, ended_us / 1e6) for kind, ended_us in succeeded.items()],
    )


# -- projects --------------------------------------------------------------------------------------

_PROJECT_FAMILIES: tuple[tuple[str, Type, str, str, Mapping[str, str]], ...] = (
    (
        "cadenzad_runs",
        "gauge",
        "Runs recorded, by how they ended",
        "outcome",
        {
            "succeeded": "runs_succeeded",
            "failed": "runs_failed",
            "interrupted": "runs_interrupted",
            "unfinished": "runs_total - runs_succeeded - runs_failed - runs_interrupted",
        },
    ),
    (
        "cadenzad_exports",
        "gauge",
        "Exports, by state",
        "state",
        {"current": "exports_current", "stale": "exports_stale", "failed": "exports_failed"},
    ),
    (
        "cadenzad_examples",
        "gauge",
        "Examples recorded, by what they are for",
        "split",
        {"train": "examples_train", "exam": "examples_exam"},
    ),
    ("cadenzad_export_records", "gauge", "Training records", "", {"": "exports_records"}),
    ("cadenzad_files_rejected", "gauge", "Files that cannot be used", "", {"": "files_rejected"}),
    (
        "cadenzad_reactions_failed_total",
        "counter",
        "Reactions that raised",
        "",
        {"": "reactions_failed"},
    ),
    ("cadenzad_project_paused", "gauge", "1 while paused", "", {"": "paused"}),
    (
        "cadenzad_check_findings",
        "gauge",
        "What the check of a mission found, by level; none for one that was not checked",
        "level",
        {"error": "check_errors", "warning": "check_warnings", "hint": "check_hints"},
    ),
)
"""Name, type, help, the label that tells columns apart, and {its value: column}."""


def _projects(connection: sqlite3.Connection) -> Iterator[Metric]:
    states = connection.execute("SELECT state, count(*) FROM view_projects GROUP BY state")
    yield Metric(
        "cadenzad_projects",
        "gauge",
        "Projects known, by state",
        [Sample({"state": state}, count) for state, count in states],
    )
    for name, type_, help, label, columns in _PROJECT_FAMILIES:
        rows = connection.execute(
            f"SELECT name, path, {', '.join(columns.values())} FROM view_projects"
            " WHERE state != 'removed' ORDER BY path"
        )
        samples = []
        for project, path, *values in rows:
            for key, value in zip(columns, values, strict=True):
                own = {label: key} if label else {}
                # Two workspaces may hold projects of one name: the path tells them apart.
                if value is not None:
                    samples.append(Sample({"project": project, "path": path, **own}, value))
        yield Metric(name, type_, help, samples)
