"""The adapters' part of the view: one row a version, and which code of a project is trusted."""

from __future__ import annotations

import json
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
from store.views.offers import adapter_came, adapter_rolled_back, adapter_serves
from store.views.rows import insert, update
from store.views.totals import project_of
from store.views.view import View

_FOLDER = ".cadenza-env/adapters"
_UNSCORED = {"checks": "[]", "reasons": "[]", "next_steps": "[]", "scored": 0}
_STATE = {"DEPLOY": "ready", "BLOCK": "blocked", "NEEDS_DATA": "needs_data"}


def _trained(view: View, record: Recorded, event: AdapterTrained) -> None:
    row = {
        **_UNSCORED,
        "project": project_of(record),
        "version": event.version,
        "state": "trained",
        "path": event.path,
        "sha256": event.sha256,
        "dataset_sha256": event.dataset_sha256,
        "position": record.position,
        "promoted": 0,
    }
    view.put("view_adapters", row)
    if event.offer:
        adapter_came(view, project_of(record), event.offer, event.version)


def _scored(view: View, record: Recorded, event: AdapterScored) -> None:
    update(
        view,
        "view_adapters",
        {"project": project_of(record), "version": event.version},
        verdict=event.verdict,
        checks=json.dumps([check.as_shape() for check in event.checks]),
        reasons=json.dumps(event.reasons),
        next_steps=json.dumps(event.next_steps),
        scored=record.position,
    )
    _set_state(view, record, event.version, _STATE[event.verdict])


def _blocked(view: View, record: Recorded, event: AdapterBlocked) -> None:
    _set_state(view, record, event.version, "blocked")


def _set_state(view: View, record: Recorded, version: int, state: str) -> None:
    """What a measurement came to. The one that serves may be measured too, and goes on serving."""
    view.execute(
        "UPDATE view_adapters SET state = ?"
        " WHERE project = ? AND version = ? AND state != 'deployed'",
        (state, project_of(record), version),
    )


def _deployed(view: View, record: Recorded, event: AdapterPromoted | AdapterRolledBack) -> None:
    project = project_of(record)
    update(view, "view_adapters", {"project": project, "state": "deployed"}, state="retired")
    if isinstance(event, AdapterRolledBack):
        adapter_rolled_back(view, project, event)
    else:
        adapter_serves(view, project, event.version)
    if event.version is None:
        return
    key = {"project": project, "version": event.version}
    if not update(view, "view_adapters", key, state="deployed", promoted=record.position):
        # One that no training here recorded: it came with the project's folder.
        row = {
            **key,
            **_UNSCORED,
            "state": "deployed",
            "path": f"{_FOLDER}/{event.version:04}",
            "sha256": "",
            "dataset_sha256": "",
            "position": record.position,
            "promoted": record.position,
        }
        insert(view, "view_adapters", row)


def adapter_pruned(view: View, project: str, path: str) -> None:
    """A version's folder was deleted: it can no longer be deployed."""
    update(view, "view_adapters", {"project": project, "path": path}, state="pruned")


def _trusted(view: View, record: Recorded, event: CodeTrusted) -> None:
    row = {
        "project": project_of(record),
        "path": event.path,
        "sha256": event.sha256,
        "position": record.position,
    }
    view.put("view_trust", row)


ADAPTER_HANDLERS: Mapping[type[Event], Callable[[View, Recorded, Any], None]] = {
    AdapterTrained: _trained,
    AdapterScored: _scored,
    AdapterPromoted: _deployed,
    AdapterRolledBack: _deployed,
    AdapterBlocked: _blocked,
    CodeTrusted: _trusted,
}
