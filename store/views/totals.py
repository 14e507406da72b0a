"""Rows of the view whose totals are kept on the project's row: files, episodes, exports.

Every change goes through here, so that a total is the sum of its rows at any moment: a test
compares them after random histories. Reading a total costs the same however long the history is.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from store.events.envelope import Recorded
from store.events.files import EpisodeFact, FileFact

Row = tuple[Any, ...]


def project_of(record: Recorded) -> str:
    project = record.project
    if project is None:
        raise ValueError(f"{record.type} at {record.position} belongs to no project")
    return project


def put_file(
    view: sqlite3.Connection,
    record: Recorded,
    file: FileFact,
    kind: str,
    run_id: str | None,
    accepted: int,
    reason: str,
    line: int | None,
    rows: int,
    rows_rejected: int,
    twin_of: str | None,
    format: str | None = None,
) -> bool:
    """Upsert a file's row and adjust the project's totals of rejected files and of examples.

    Returns whether the file was known before.
    """
    project = project_of(record)
    before = view.execute(
        "SELECT kind, accepted, rows FROM view_files WHERE project = ? AND path = ?",
        (project, file.path),
    ).fetchone()
    view.execute(
        "INSERT OR REPLACE INTO view_files (project, path, kind, run_id, revision, dev, ino, size,"
        " mtime_ns, sha256, accepted, reason, line, rows, rows_rejected, twin_of, format, position)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            project,
            file.path,
            kind,
            run_id,
            file.revision,
            file.dev,
            file.ino,
            file.size,
            file.mtime_ns,
            file.sha256,
            accepted,
            reason,
            line,
            rows,
            rows_rejected,
            twin_of,
            format,
            record.position,
        ),
    )
    if before is not None:
        _tally_file(view, project, -1, *before)
    _tally_file(view, project, +1, kind, accepted, rows)
    return before is not None


def _tally_file(
    view: sqlite3.Connection, project: str, sign: int, kind: str, accepted: int, rows: int
) -> None:
    """Add (or with sign -1 take away) what one file contributes to its project's totals."""
    if not accepted:
        count(view, project, files_rejected=sign)
    elif kind == "exam":
        count(view, project, examples_exam=sign * rows)
    elif kind == "examples":
        count(view, project, examples_train=sign * rows)


def count(
    view: sqlite3.Connection, project: str, last_run: str | None = None, /, **changes: int
) -> None:
    """Add to counters of a project's row, and set its last run, in one statement."""
    wanted: dict[str, object] = {name: change for name, change in changes.items() if change}
    terms = [f"{name} = {name} + ?" for name in wanted]
    if last_run is not None:
        wanted["last_run"] = last_run
        terms.append("last_run = ?")
    if wanted:
        view.execute(
            f"UPDATE view_projects SET {', '.join(terms)} WHERE path = ?",
            (*wanted.values(), project),
        )


def forget(
    view: sqlite3.Connection, project: str, path: str, *, only_rejected: bool = False
) -> None:
    """Remove a file, its episodes and its export from the view, and from the totals."""
    row = view.execute(
        "SELECT kind, accepted, rows FROM view_files WHERE project = ? AND path = ?",
        (project, path),
    ).fetchone()
    if row is not None and only_rejected and row[1]:
        return
    if row is not None:
        _tally_file(view, project, -1, *row)
    count(view, project, **set_episodes(view, project, path, 0, (), position=0))
    set_export(view, project, path, None)
    view.execute("DELETE FROM view_files WHERE project = ? AND path = ?", (project, path))


def set_episodes(
    view: sqlite3.Connection,
    project: str,
    path: str,
    first: int,
    episodes: tuple[EpisodeFact, ...],
    position: int,
    *,
    known: bool = True,
    same_run: bool = True,
) -> dict[str, int]:
    """Replace a log's episodes from index `first` on; returns the changes of the totals.

    A log that was not `known` before has no episodes to replace. `same_run`: what was told of an
    episode before was of this one, so that it stays as old as it is.
    """
    totals = {"runs_total": 0, "runs_succeeded": 0, "runs_failed": 0}

    def tally(outcome: str, sign: int) -> None:
        totals["runs_total"] += sign
        if outcome in ("succeeded", "failed"):
            totals[f"runs_{outcome}"] += sign

    old: list[Row] = []
    if known:
        old = view.execute(
            "SELECT outcome, idx, first FROM view_episodes"
            " WHERE project = ? AND path = ? AND idx >= ?",
            (project, path, first),
        ).fetchall()
    for outcome, _, _ in old:
        tally(outcome, -1)
    told = {index: position for _, index, position in old} if same_run else {}
    if old:
        view.execute(
            "DELETE FROM view_episodes WHERE project = ? AND path = ? AND idx >= ?",
            (project, path, first),
        )
    for episode in episodes:
        tally(episode.outcome, +1)
    view.executemany(
        "INSERT INTO view_episodes (project, path, idx, outcome, reason, ticks, reward,"
        " phases_done, last_phase, first_line, position, first)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                project,
                path,
                episode.index,
                episode.outcome,
                episode.reason,
                episode.ticks,
                episode.reward,
                episode.phases_done,
                episode.last_phase,
                episode.first_line,
                position,
                told.get(episode.index, position),
            )
            for episode in episodes
        ],
    )
    return totals


_EXPORT_COLUMNS = (
    "run_id",
    "state",
    "source_sha256",
    "output",
    "output_sha256",
    "manifest",
    "template_sha256",
    "records",
    "rejected",
    "filtered",
    "reason",
    "retryable",
    "attempts",
    "warnings",
    "position",
)


_PUT_EXPORT = (
    f"INSERT OR REPLACE INTO view_exports (project, run_path, {', '.join(_EXPORT_COLUMNS)})"
    f" VALUES (?, ?, {', '.join('?' * len(_EXPORT_COLUMNS))})"
)


def set_export(
    view: sqlite3.Connection, project: str, path: str, new: dict[str, Any] | None
) -> None:
    """Put (or with None remove) a run's export, and adjust the project's totals."""
    old = view.execute(
        "SELECT state, records FROM view_exports WHERE project = ? AND run_path = ?",
        (project, path),
    ).fetchone()
    changes = {"exports_current": 0, "exports_stale": 0, "exports_failed": 0, "exports_records": 0}
    if old is not None:
        changes[f"exports_{old[0]}"] -= 1
        changes["exports_records"] -= old[1]
    if new is not None:
        changes[f"exports_{new['state']}"] += 1
        changes["exports_records"] += new["records"]
        values = (new[column] for column in _EXPORT_COLUMNS)
        view.execute(_PUT_EXPORT, (project, path, *values))
    elif old is not None:
        view.execute("DELETE FROM view_exports WHERE project = ? AND run_path = ?", (project, path))
    count(view, project, **changes)


def make_stale(view: sqlite3.Connection, project: str, path: str) -> None:
    """What was exported of a run is no longer what an export would give now."""
    changed = view.execute(
        "UPDATE view_exports SET state = 'stale'"
        " WHERE project = ? AND run_path = ? AND state = 'current'",
        (project, path),
    ).rowcount
    if changed:
        count(view, project, exports_current=-1, exports_stale=+1)
