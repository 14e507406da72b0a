"""The judge's part of the view: prompt versions, the last judging, tokens spent a day."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from store.events.base import Event
from store.events.envelope import Recorded
from store.events.prompt import (
    PromptConflictFound,
    PromptKept,
    PromptProposed,
    PromptRejected,
    PromptRewritten,
    PromptRolledBack,
    PromptVersion,
    PromptWatchEnded,
    RunsJudged,
)
from store.views.totals import project_of


def _judged(view: sqlite3.Connection, record: Recorded, event: RunsJudged) -> None:
    project = project_of(record)
    findings = [
        {"id": item.id, "count": item.count, "ticks": item.ticks, "runs": item.runs}
        for item in event.findings
    ]
    view.execute(
        "INSERT OR REPLACE INTO view_judged (project, position, recorded_us, key, findings, claims,"
        " code, reason) VALUES (?, ?, ?, ?, ?, ?, '', '')",
        (
            project,
            record.position,
            record.recorded_at_us,
            event.key,
            json.dumps(findings),
            event.claims.model_dump_json(),
        ),
    )
    if event.usage is not None and event.usage.total:
        view.execute(
            "INSERT INTO view_tokens (day, project, tokens) VALUES (?, ?, ?)"
            " ON CONFLICT (day, project) DO UPDATE SET tokens = tokens + excluded.tokens",
            (record.recorded_at.date().isoformat(), project, event.usage.total),
        )


def _proposed(view: sqlite3.Connection, record: Recorded, event: PromptProposed) -> None:
    project = project_of(record)
    view.execute(
        "UPDATE view_prompts SET state = 'superseded' WHERE project = ? AND state = 'proposed'",
        (project,),
    )
    _put(view, record, event, "proposed")
    _said(view, project, "proposed", event.reason)


def _rewritten(view: sqlite3.Connection, record: Recorded, event: PromptRewritten) -> None:
    project = project_of(record)
    _replace_current(view, project, "superseded")
    _put(view, record, event, "current", watching=True, unread=event.unread)
    _said(view, project, "rewritten", f"version {event.version}")


def _kept(view: sqlite3.Connection, record: Recorded, event: PromptKept) -> None:
    _said(view, project_of(record), event.code, event.reason)


def _conflict(view: sqlite3.Connection, record: Recorded, event: PromptConflictFound) -> None:
    project = project_of(record)
    if event.version is not None:
        view.execute(
            "UPDATE view_prompts SET state = 'theirs', watching = 0, watch = ?"
            " WHERE project = ? AND version = ? AND state = 'current'",
            (f"ended: {event.reason}", project, event.version),
        )
    _said(view, project, "conflict", f"{event.file}: {event.reason}")


def _rejected(view: sqlite3.Connection, record: Recorded, event: PromptRejected) -> None:
    view.execute(
        "UPDATE view_prompts SET state = 'rejected' WHERE project = ? AND version = ?",
        (project_of(record), event.version),
    )


def _rolled_back(view: sqlite3.Connection, record: Recorded, event: PromptRolledBack) -> None:
    project = project_of(record)
    _replace_current(view, project, "superseded")
    view.execute(
        "UPDATE view_prompts SET state = 'rolled_back' WHERE project = ? AND version = ?",
        (project, event.of),
    )
    if event.restores is not None:  # its rules are wanted after all
        view.execute(
            "UPDATE view_prompts SET state = 'superseded' WHERE project = ? AND version = ?",
            (project, event.restores),
        )
    version = PromptVersion(
        version=event.version,
        parent=event.of,
        file=event.file,
        before_sha256=event.before_sha256,
        after_sha256=event.after_sha256,
        rules=event.rules,
        diff=event.diff,
    )
    restored = event.restores is not None
    undoes = None if restored else event.of
    _put(view, record, version, "current", watching=restored, unread=event.unread, undoes=undoes)
    _said(view, project, "restored" if restored else "rolled_back", event.reason)


def _watch_ended(view: sqlite3.Connection, record: Recorded, event: PromptWatchEnded) -> None:
    view.execute(
        "UPDATE view_prompts SET watching = 0, watch = ? WHERE project = ? AND version = ?",
        (f"{event.outcome}: {event.reason}", project_of(record), event.version),
    )


def _replace_current(view: sqlite3.Connection, project: str, state: str) -> None:
    view.execute(
        "UPDATE view_prompts SET state = ?, watching = 0 WHERE project = ?"
        " AND state IN ('current', 'theirs', 'proposed')",
        (state, project),
    )


def _put(
    view: sqlite3.Connection,
    record: Recorded,
    event: PromptVersion,
    state: str,
    *,
    watching: bool = False,
    unread: tuple[str, ...] = (),
    undoes: int | None = None,
) -> None:
    view.execute(
        "INSERT OR REPLACE INTO view_prompts (project, version, parent, state, file, before_sha256,"
        " after_sha256, rules, gates, improved, watching, position, since, unread, undoes, watch)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
        (
            project_of(record),
            event.version,
            event.parent,
            state,
            event.file,
            event.before_sha256,
            event.after_sha256,
            _json(event.rules),
            _json(event.gates),
            int(event.improved),
            int(watching),
            record.position,
            record.position if state == "current" else 0,
            json.dumps(unread),
            undoes,
        ),
    )


def _said(view: sqlite3.Connection, project: str, code: str, reason: str) -> None:
    """What came of the last judging; an action by hand before any judging leaves no row."""
    view.execute(
        "UPDATE view_judged SET code = ?, reason = ? WHERE project = ?", (code, reason, project)
    )


def _json(parts: Iterable[BaseModel]) -> str:
    return json.dumps([part.model_dump(mode="json") for part in parts])


PROMPT_HANDLERS: Mapping[type[Event], Callable[[sqlite3.Connection, Recorded, Any], None]] = {
    RunsJudged: _judged,
    PromptProposed: _proposed,
    PromptRewritten: _rewritten,
    PromptKept: _kept,
    PromptConflictFound: _conflict,
    PromptRejected: _rejected,
    PromptRolledBack: _rolled_back,
    PromptWatchEnded: _watch_ended,
}
