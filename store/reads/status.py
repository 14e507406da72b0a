"""What `status` shows of every project, as JSON-like values; `live` has the daemon's part."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from store.database.view import CODE_VERSION
from store.errors import StoreError
from store.reads import live
from store.reads.stored import decoded
from store.schema import view_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from store.database.backend import Readable
    from store.reads.shapes import (
        CheckStatus,
        DatasetStatus,
        JobStatus,
        MissingExport,
        ProjectStatus,
        RejectedFile,
    )

STATUS_SCHEMA = 1

REJECTED_SHOWN = 20

JOBS_SHOWN = 5


def check_view(connection: Readable) -> None:
    """Raise StoreError when the view was folded by another version than this program."""
    version = view_version(connection)
    if version not in (None, CODE_VERSION):
        raise StoreError(
            f"the state view is another version's ({version}, this program's is {CODE_VERSION})",
            hint="restart the daemon, or run `cadenzactl db rebuild` without one",
        )


class FirstProjects:
    """Those that a screen has room for, and how many are left out: all, and of them to look at."""

    def __init__(self, paths: list[str], more: int = 0, more_to_look_at: int = 0) -> None:
        self.paths, self.more, self.more_to_look_at = paths, more, more_to_look_at


def first_projects(view: Readable, most: int) -> FirstProjects:
    """Up to `most` projects by name; where there are more, those to look at come first."""
    query = f"SELECT count(*), count(*) FILTER (WHERE {TO_LOOK_AT}) FROM view_projects"
    total, to_look_at = view.execute(query).fetchone()
    first = f"{TO_LOOK_AT} DESC, " if total > most else ""
    query = f"SELECT path FROM view_projects ORDER BY {first}name, path LIMIT ?"
    paths = [path for (path,) in view.execute(query, (most,))]
    return FirstProjects(paths, total - len(paths), max(0, to_look_at - most))


TO_LOOK_AT = (
    "(paused OR state != 'ready' OR files_rejected > 0 OR exports_failed > 0"
    " OR reactions_failed > 0 OR coalesce(check_errors, 0) > 0)"
)


def project_statuses(
    view: Readable,
    paths: Sequence[str] | None = None,
    *,
    history: Readable | None = None,
) -> list[ProjectStatus]:
    """The state of every project by name, or of those at these absolute paths in their order.

    `history` is the log that the view was folded from; None: the view is that log's own.
    """
    log = history if history is not None else view
    where, values = "", [datetime.now(UTC).date().isoformat()]
    if paths is not None:
        where, values = f"WHERE path IN ({', '.join('?' * len(paths))})", [*values, *paths]
    # Named, so that SQLite itself refuses a table whose columns a disk has renamed.
    query = f"SELECT {', '.join((*_COLUMNS, *_COUNTED.values()))} FROM view_projects {where}"
    rows = [
        dict(zip((*_COLUMNS, *_COUNTED), row, strict=True))
        for row in view.execute(f"{query} ORDER BY name, path", values)
    ]
    if paths is not None:
        order = {path: index for index, path in enumerate(paths)}
        rows.sort(key=lambda row: order[row["path"]])
    return [_project_status(view, row, log) for row in rows]


_COUNTED = {
    "judged": "EXISTS (SELECT 1 FROM view_tokens WHERE day = ? AND project = view_projects.path)"
    " OR EXISTS (SELECT 1 FROM view_judged WHERE project = view_projects.path)"
    " OR EXISTS (SELECT 1 FROM view_prompts WHERE project = view_projects.path)",
    "adapted": "EXISTS (SELECT 1 FROM view_adapters WHERE project = view_projects.path)",
    "dataset": "EXISTS (SELECT 1 FROM view_datasets WHERE project = view_projects.path)",
    "jobs": "EXISTS (SELECT 1 FROM view_jobs WHERE project = view_projects.path)",
    # Few are missing, so the index of the exports that are not current tells how many.
    "missing": "(SELECT count(*) FROM view_exports WHERE project = view_projects.path"
    " AND state = 'missing' AND state != 'current')",
}
"""What the other tables hold of a project, asked for with its row: most hold nothing of most."""

_COLUMNS = (
    "path",
    "name",
    "mission",
    "robot",
    "state",
    "paused",
    "reason",
    "runs_total",
    "runs_succeeded",
    "runs_failed",
    "runs_interrupted",
    "files_rejected",
    "last_run",
    "exports_current",
    "exports_stale",
    "exports_failed",
    "exports_records",
    "examples_train",
    "examples_exam",
    "reactions_failed",
    "last_failure",
    "env_sha256",
    "checked_sha256",
    "check_errors",
    "check_warnings",
    "check_hints",
    "check_findings",
)


def _project_status(view: Readable, row: dict[str, Any], history: Readable) -> ProjectStatus:
    return {
        "project": row["name"],
        "path": row["path"],
        "mission": row["mission"],
        "robot": row["robot"],
        "state": row["state"],
        "paused": bool(row["paused"]),
        "reason": row["reason"],
        "check": _check(row),
        "runs": {
            "total": row["runs_total"],
            "succeeded": row["runs_succeeded"],
            "failed": row["runs_failed"],
            "interrupted": row["runs_interrupted"],
            "unfinished": row["runs_total"]
            - row["runs_succeeded"]
            - row["runs_failed"]
            - row["runs_interrupted"],
            "rejected": row["files_rejected"],
            "last": decoded(json.loads, row["last_run"]) if row["last_run"] else None,
            "rejected_files": _rejected(view, row["path"]) if row["files_rejected"] else [],
        },
        "exports": {
            "current": row["exports_current"],
            "stale": row["exports_stale"],
            "failed": row["exports_failed"],
            "missing": row["missing"],
            "records": row["exports_records"],
            "failures": _failures(view, row["path"]) if row["exports_failed"] else [],
            "losses": _losses(view, row["path"]) if row["missing"] else [],
        },
        "dataset": _dataset(view, row["path"]) if row["dataset"] else None,
        "prompt": _prompt(view, row),
        "examples": {"train": row["examples_train"], "exam": row["examples_exam"]},
        "adapter": _adapter(view, row, history),
        "jobs": job_statuses(view, row["path"]) if row["jobs"] else [],
        "reactions_failed": row["reactions_failed"],
        "last_failure": row["last_failure"],
    }


def _dataset(view: Readable, project: str) -> DatasetStatus | None:
    from store.reads.state import State

    row = State(view).dataset(project)
    if row is None:
        return None
    return {"runs": row.runs, "rows": row.rows, "labels": row.labels, "failed": row.failed}


def _prompt(view: Readable, row: dict[str, Any]) -> dict[str, Any]:
    if not row["judged"]:
        return dict(NO_PROMPT)
    from store.reads.improvements import prompt_status

    return prompt_status(view, row["path"])


def _adapter(view: Readable, row: dict[str, Any], history: Readable) -> dict[str, Any]:
    if not row["adapted"]:
        return dict(NO_ADAPTER)
    from store.reads.improvements import adapter_status

    return adapter_status(view, row["path"], history)


NO_PROMPT: Mapping[str, Any] = {
    "version": None,
    "state": "not judged",
    "reason": "",
    "rules": [],
    "by": [],
    "improved": False,
    "watching": False,
    "watch": "",
    "findings": [],
    "claims": {"kept": 0, "dropped": 0},
    "pending": None,
    "trials": 0,
    "last_judged": None,
    "tokens_today": 0,
}
NO_ADAPTER: Mapping[str, Any] = {
    "deployed": None,
    "version": None,
    "verdict": None,
    "scored": None,
    "scores": {},
    "reasons": [],
    "next_steps": [],
    "forced": False,
}
"""What `store.reads.improvements` says of a project that was never judged, or has no adapter."""


def _check(row: dict[str, Any]) -> CheckStatus:
    state = "checked" if row["checked_sha256"] == row["env_sha256"] else "pending"
    return {
        "state": state if row["checked_sha256"] is not None else "not checked",
        "errors": row["check_errors"],
        "warnings": row["check_warnings"],
        "hints": row["check_hints"],
        "findings": decoded(json.loads, row["check_findings"]),
    }


def job_statuses(view: Readable, project: str) -> list[JobStatus]:
    """The jobs of a project that matter now: waiting, running, and the last that ended."""
    rows = view.execute(
        "SELECT id, kind, state, attempt, reason, result FROM view_jobs WHERE project = ?"
        " AND (ended_us IS NULL OR id > coalesce((SELECT id FROM view_jobs WHERE project = ?"
        " ORDER BY id DESC LIMIT 1 OFFSET ?), 0)) ORDER BY id DESC",
        (project, project, JOBS_SHOWN),
    ).fetchall()
    statuses: list[JobStatus] = []
    for job, kind, state, attempt, reason, result in rows:
        # One that waits for a package to be installed says so where one that runs says how far.
        alive = state in ("queued", "running")
        progress = live.progress(view, live.job_key(job)) if alive else None
        statuses.append(
            {
                "job": job,
                "kind": kind,
                "state": state,
                "attempt": attempt,
                "reason": reason,
                "result": result,
                "progress": progress,
            }
        )
    return statuses


def daemon_jobs(view: Readable) -> list[JobStatus]:
    """Jobs that concern no project: of those that ended, the last of each kind."""
    found, kinds = [], set()
    for job in job_statuses(view, ""):
        if job["state"] in ("queued", "running") or job["kind"] not in kinds:
            found.append(job)
        kinds.add(job["kind"])
    return found


def _rejected(view: Readable, project: str) -> list[RejectedFile]:
    rows = view.execute(
        "SELECT path, reason, line FROM view_files WHERE project = ? AND NOT accepted"
        " ORDER BY position DESC LIMIT ?",
        (project, REJECTED_SHOWN),
    )
    return [{"path": path, "reason": reason, "line": line} for path, reason, line in rows]


_IS_MISSING = "state = 'missing' AND state != 'current'"


def _losses(view: Readable, project: str) -> list[MissingExport]:
    rows = view.execute(
        f"SELECT run_path, reason FROM view_exports WHERE project = ? AND {_IS_MISSING} LIMIT ?",
        (project, REJECTED_SHOWN),
    )
    return [{"path": path, "reason": reason} for path, reason in rows]


def _failures(view: Readable, project: str) -> list[dict[str, Any]]:
    rows = view.execute(
        "SELECT run_path, reason, attempts FROM view_exports WHERE project = ?"
        " AND state = 'failed' AND state != 'current' ORDER BY position DESC LIMIT ?",
        (project, REJECTED_SHOWN),
    )
    return [{"path": path, "reason": reason, "attempts": n} for path, reason, n in rows]
