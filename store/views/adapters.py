"""The adapters' part of the view: one row a version, and which code of a project is trusted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from store.events.adapter import (
    AdapterBlocked,
    AdapterPromoted,
    AdapterRolledBack,
    AdapterScored,
    AdapterTrained,
    CodeTrusted,
)
from store.events.base import Event
from store.events.envelope import Recorded
from store.views.totals import project_of

_FOLDER = ".cadenza-env/adapters"
_STATE = {"DEPLOY": "ready", "BLOCK": "blocked", "NEEDS_DATA": "needs_data"}


def _trained(view: sqlite3.Connection, record: Recorded, event: AdapterTrained) -> None:
    view.execute(
        "INSERT OR REPLACE INTO view_adapters (project, version, state, path, sha256,"
        " dataset_sha256, verdict, checks, reasons, next_steps, position, scored, promoted)"
        " VALUES (?, ?, 'trained', ?, ?, ?, NULL, '[]', '[]', '[]', ?, 0, 0)",
        (
            project_of(record),
            event.version,
            event.path,
            event.sha256,
            event.dataset_sha256,
            record.position,
        ),
    )


def _scored(view: sqlite3.Connection, record: Recorded, event: AdapterScored) -> None:
    # The deployed adapter can be measured again: whatever comes of it, it is still deployed.
    view.execute(
        "UPDATE view_adapters SET verdict = ?, checks = ?, reasons = ?, next_steps = ?, scored = ?,"
        " state = CASE state WHEN 'deployed' THEN state ELSE ? END"
        " WHERE project = ? AND version = ?",
        (
            event.verdict,
            json.dumps([check.model_dump(mode="json") for check in event.checks]),
            json.dumps(event.reasons),
            json.dumps(event.next_steps),
            record.position,
            _STATE[event.verdict],
            project_of(record),
            event.version,
        ),
    )


def _promoted(view: sqlite3.Connection, record: Recorded, event: AdapterPromoted) -> None:
    _deploy(view, record, event.version)


def _rolled_back(view: sqlite3.Connection, record: Recorded, event: AdapterRolledBack) -> None:
    _deploy(view, record, event.version)


def _deploy(view: sqlite3.Connection, record: Recorded, version: int | None) -> None:
    project = project_of(record)
    view.execute(
        "UPDATE view_adapters SET state = 'retired' WHERE project = ? AND state = 'deployed'",
        (project,),
    )
    if version is None:
        return
    # One that no training here recorded: it came with the project's folder.
    view.execute(
        "INSERT OR IGNORE INTO view_adapters (project, version, state, path, sha256,"
        " dataset_sha256, verdict, checks, reasons, next_steps, position, scored, promoted)"
        " VALUES (?, ?, 'deployed', ?, '', '', NULL, '[]', '[]', '[]', ?, 0, 0)",
        (project, version, f"{_FOLDER}/{version:04}", record.position),
    )
    view.execute(
        "UPDATE view_adapters SET state = 'deployed', promoted = ?"
        " WHERE project = ? AND version = ?",
        (record.position, project, version),
    )


def _blocked(view: sqlite3.Connection, record: Recorded, event: AdapterBlocked) -> None:
    view.execute(
        "UPDATE view_adapters SET state = 'blocked'"
        " WHERE project = ? AND version = ? AND state != 'deployed'",
        (project_of(record), event.version),
    )


def adapter_pruned(view: sqlite3.Connection, project: str, path: str) -> None:
    """A version's folder was deleted: it can no longer be deployed."""
    view.execute(
        "UPDATE view_adapters SET state = 'pruned' WHERE project = ? AND path = ?", (project, path)
    )


def _trusted(view: sqlite3.Connection, record: Recorded, event: CodeTrusted) -> None:
    view.execute(
        "INSERT OR REPLACE INTO view_trust (project, path, sha256, position) VALUES (?, ?, ?, ?)",
        (project_of(record), event.path, event.sha256, record.position),
    )


ADAPTER_HANDLERS: Mapping[type[Event], Callable[[sqlite3.Connection, Recorded, Any], None]] = {
    AdapterTrained: _trained,
    AdapterScored: _scored,
    AdapterPromoted: _promoted,
    AdapterRolledBack: _rolled_back,
    AdapterBlocked: _blocked,
    CodeTrusted: _trusted,
}
