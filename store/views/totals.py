"""Rows of the view whose totals are kept on the project's row: files, episodes, exports.

Every change goes through here, so that a total is the sum of its rows at any moment: a test
compares them after random histories. Reading a total costs the same however long the history is.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Any

from store.events.envelope import Recorded
from store.events.files import EpisodeFact, FileFact
from store.views.rows import insert, put, update


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
    *,
    accepted: bool = True,
    rows: int = 0,
    **values: object,
) -> str | None:
    """Put a file's row and adjust the project's totals of rejected files and of examples.

    `values` are further columns. Returns the hash that the file had before, None for a new one.
    """
    project = project_of(record)
    before = view.execute(
        "SELECT kind, accepted, rows, sha256 FROM view_files WHERE project = ? AND path = ?",
        (project, file.path),
    ).fetchone()
    row = {
        "project": project,
        "path": file.path,
        "kind": kind,
        "revision": file.revision,
        "dev": file.dev,
        "ino": file.ino,
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        "sha256": file.sha256,
        "accepted": int(accepted),
        "rows": rows,
        "position": record.position,
        **values,
    }
    put(view, "view_files", row)
    _tally_file(view, project, +1, kind, accepted, rows)
    if before is None:
        return None
    *contributed, sha256 = before
    _tally_file(view, project, -1, *contributed)
    return str(sha256)


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
    if last_run is not None:
        wanted["last_run"] = last_run
    if wanted:
        view.execute(_counting(*wanted), (*wanted.values(), project))


@cache
def _counting(*names: str) -> str:
    terms = (f"{name} = ?" if name == "last_run" else f"{name} = {name} + ?" for name in names)
    return f"UPDATE view_projects SET {', '.join(terms)} WHERE path = ?"


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
    remove_export(view, project, path)
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
    totals = {"runs_total": 0, "runs_succeeded": 0, "runs_failed": 0, "runs_interrupted": 0}

    def tally(outcome: str, sign: int) -> None:
        totals["runs_total"] += sign
        if f"runs_{outcome}" in totals:
            totals[f"runs_{outcome}"] += sign

    old: list[tuple[Any, ...]] = []
    if known:
        old = view.execute(
            "SELECT outcome, idx, first FROM view_episodes"
            " WHERE project = ? AND path = ? AND idx >= ?",
            (project, path, first),
        ).fetchall()
    for outcome, _, _ in old:
        tally(outcome, -1)
    first_told = {index: position for _, index, position in old} if same_run else {}
    if old:
        view.execute(
            "DELETE FROM view_episodes WHERE project = ? AND path = ? AND idx >= ?",
            (project, path, first),
        )
    for episode in episodes:
        tally(episode.outcome, +1)
        row = {
            "project": project,
            "path": path,
            "idx": episode.index,
            "outcome": episode.outcome,
            "reason": episode.reason,
            "ticks": episode.ticks,
            "reward": episode.reward,
            "phases_done": episode.phases_done,
            "last_phase": episode.last_phase,
            "first_line": episode.first_line,
            "position": position,
            "first": first_told.get(episode.index, position),
            "stamp": episode.stamp.model_dump_json() if episode.stamp is not None else None,
        }
        insert(view, "view_episodes", row)
    return totals


def set_export(
    view: sqlite3.Connection,
    project: str,
    path: str,
    state: str,
    records: int = 0,
    **values: object,
) -> None:
    """Put a run's export, and adjust the project's totals. `values` are further columns."""
    changes = _without_export(view, project, path)
    changes[f"exports_{state}"] += 1
    changes["exports_records"] += records
    key = {"project": project, "run_path": path}
    put(view, "view_exports", {**key, "state": state, "records": records, **values})
    count(view, project, **changes)


def remove_export(view: sqlite3.Connection, project: str, path: str) -> None:
    """Remove a run's export, and take it out of the project's totals."""
    changes = _without_export(view, project, path)
    view.execute("DELETE FROM view_exports WHERE project = ? AND run_path = ?", (project, path))
    count(view, project, **changes)


def lose_export(view: sqlite3.Connection, project: str, path: str, reason: str) -> None:
    """A run's export is not on disk as it was written: it counts no more."""
    changes = _without_export(view, project, path)
    key = {"project": project, "run_path": path}
    update(view, "view_exports", key, state="missing", records=0, reason=reason)
    count(view, project, **changes)


def _without_export(view: sqlite3.Connection, project: str, path: str) -> dict[str, int]:
    """How the project's totals change when a run's export goes."""
    old = view.execute(
        "SELECT state, records FROM view_exports WHERE project = ? AND run_path = ?",
        (project, path),
    ).fetchone()
    changes = {"exports_current": 0, "exports_stale": 0, "exports_failed": 0, "exports_records": 0}
    if old is not None:
        if old[0] != "missing":  # those are told by an index, see `status`
            changes[f"exports_{old[0]}"] -= 1
        changes["exports_records"] -= old[1]
    return changes


def make_stale(view: sqlite3.Connection, project: str, path: str) -> None:
    """What was exported of a run is no longer what an export would give now."""
    current = {"project": project, "run_path": path, "state": "current"}
    if update(view, "view_exports", current, state="stale"):
        count(view, project, exports_current=-1, exports_stale=+1)
