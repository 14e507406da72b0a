"""Rows of the view whose totals are kept on the project's row: files, episodes, exports.

Every change goes through here, so that a total is the sum of its rows at any moment: a test
compares them after random histories. Reading a total costs the same however long the history is.
"""

from __future__ import annotations

from typing import NamedTuple

from store.database.backend import ABSENT
from store.events.envelope import Recorded
from store.events.files import EpisodeFact, FileFact
from store.views.rows import update
from store.views.view import Row, View


class Content(NamedTuple):
    """What a file's row says beside the file's identity."""

    kind: str
    run_id: str | None = None
    accepted: bool = True
    reason: str = ""
    line: int | None = None
    rows: int = 0
    rows_rejected: int = 0
    twin_of: str | None = None
    format: str | None = None


class Export(NamedTuple):
    """What an export's row says beside its key and its attempts, in the order of `view.EXPORTS`."""

    state: str
    records: int
    run_id: str
    output: str | float = ABSENT
    output_sha256: str | float = ABSENT
    manifest: str | float = ABSENT
    rejected: int = 0
    filtered: int = 0
    reason: str = ""
    retryable: int = 0
    warnings: str = "[]"
    position: int = 0


def project_of(record: Recorded) -> str:
    project = record.project
    if project is None:
        raise ValueError(f"{record.type} at {record.position} belongs to no project")
    return project


def put_file(
    view: View, project: str, position: int, file: FileFact, content: Content
) -> str | None:
    """Put a file's row and adjust the project's totals of rejected files and of examples.

    Returns the hash that the file had before, None for a new one.
    """
    before = view.files.find(project, file.path)
    kind, run_id, accepted, reason, line, rows, rows_rejected, twin_of, format_ = content
    view.files.put(
        (
            project,
            file.path,
            kind,
            ABSENT if run_id is None else run_id,
            file.revision,
            file.dev,
            file.ino,
            file.size,
            file.mtime_ns,
            file.sha256,
            int(accepted),
            reason,
            ABSENT if line is None else line,
            rows,
            rows_rejected,
            ABSENT if twin_of is None else twin_of,
            ABSENT if format_ is None else format_,
            position,
        )
    )
    _tally_file(view, project, +1, kind, accepted, rows)
    if before is None:
        return None
    *contributed, sha256 = before
    _tally_file(view, project, -1, *contributed)
    return str(sha256)


def _tally_file(view: View, project: str, sign: int, kind: str, accepted: int, rows: int) -> None:
    """Add (or with sign -1 take away) what one file contributes to its project's totals."""
    if not accepted:
        view.totals(project)["files_rejected"] += sign
    elif kind == "exam":
        view.totals(project)["examples_exam"] += sign * rows
    elif kind == "examples":
        view.totals(project)["examples_train"] += sign * rows


def forget(view: View, project: str, path: str, *, only_rejected: bool = False) -> None:
    """Remove a file, its episodes and its export from the view, and from the totals."""
    row = view.files.find(project, path)
    if row is not None and only_rejected and row[1]:
        return
    if row is not None:
        _tally_file(view, project, -1, *row[:3])
    set_episodes(view, project, path, 0, (), position=0)
    remove_export(view, project, path)
    view.execute("DELETE FROM view_files WHERE project = ? AND path = ?", (project, path))


def set_episodes(
    view: View,
    project: str,
    path: str,
    first: int,
    episodes: tuple[EpisodeFact, ...],
    position: int,
    *,
    known: bool = True,
    same_run: bool = True,
) -> None:
    """Replace a log's episodes from index `first` on, and adjust the project's totals.

    A log that was not `known` before has no episodes to replace. `same_run`: what was told of an
    episode before was of this one, so that it stays as old as it is.
    """
    first_told: dict[int, int] = {}
    if known:
        where = "WHERE project = ? AND path = ? AND idx >= ?"
        old = view.execute(
            f"SELECT outcome, idx, first FROM view_episodes {where}", (project, path, first)
        ).fetchall()
        if old:
            view.execute(f"DELETE FROM view_episodes {where}", (project, path, first))
        for outcome, index, told in old:
            _tally_run(view.totals(project), outcome, -1)
            if same_run:
                first_told[index] = told
    totals = view.totals(project)
    for episode in episodes:
        _tally_run(totals, episode.outcome, +1)
        last_phase, stamp = episode.last_phase, episode.stamp
        view.episodes.put(
            (
                project,
                path,
                episode.index,
                episode.outcome,
                episode.reason,
                episode.ticks,
                episode.reward,
                episode.phases_done,
                ABSENT if last_phase is None else last_phase,
                episode.first_line,
                position,
                first_told.get(episode.index, position),
                ABSENT if stamp is None else stamp.as_json().decode(),
            )
        )


_COUNTED = {
    "succeeded": "runs_succeeded",
    "failed": "runs_failed",
    "interrupted": "runs_interrupted",
}


def _tally_run(totals: dict[str, int], outcome: str, sign: int) -> None:
    totals["runs_total"] += sign
    name = _COUNTED.get(outcome)
    if name is not None:
        totals[name] += sign


def set_export(view: View, project: str, path: str, export: Export) -> None:
    """Put a run's export, and adjust the project's totals. One that failed counts its attempts."""
    old = view.exports.find(project, path)
    attempts = 0
    if export.state == "failed":
        attempts = 1 if old is None else old[2] + 1
    _tally_export(view, project, old, export.state, export.records)
    view.exports.put((project, path, *export, attempts))


def remove_export(view: View, project: str, path: str) -> None:
    """Remove a run's export, and take it out of the project's totals."""
    _tally_export(view, project, view.exports.find(project, path))
    view.execute("DELETE FROM view_exports WHERE project = ? AND run_path = ?", (project, path))


def lose_export(view: View, project: str, path: str, reason: str) -> None:
    """A run's export is not on disk as it was written: it counts no more."""
    _tally_export(view, project, view.exports.find(project, path))
    key = {"project": project, "run_path": path}
    update(view, "view_exports", key, state="missing", records=0, reason=reason)


def _tally_export(
    view: View, project: str, old: Row | None, state: str = "", records: int = 0
) -> None:
    """Count an export in the state that it comes to ("": none), in the place of what it was."""
    totals = view.totals(project)
    if state:
        totals[_STATES[state]] += 1
        totals["exports_records"] += records
    if old is not None:
        was, had, _ = old
        if was != "missing":  # those are told by an index, see `status`
            totals[_STATES[was]] -= 1
        totals["exports_records"] -= had


_STATES = {name: f"exports_{name}" for name in ("current", "stale", "failed")}


def make_stale(view: View, project: str, path: str) -> None:
    """What was exported of a run is no longer what an export would give now."""
    old = view.exports.find(project, path)
    if old is not None and old[0] == "current":
        update(view, "view_exports", {"project": project, "run_path": path}, state="stale")
        totals = view.totals(project)
        totals["exports_current"] -= 1
        totals["exports_stale"] += 1
