"""Projections: how each event changes the state tables, one module for each part of the view.

`apply` folds one event. It is called inside the transaction that appends the event, so the view is
never behind the log. Totals that `status` shows are kept as counters on the project's row (see
`totals`): reading them costs the same after a thousand events and after a million.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from store.events.base import Event
from store.events.envelope import Recorded
from store.views.adapters import ADAPTER_HANDLERS
from store.views.jobs import JOB_HANDLERS
from store.views.prompts import PROMPT_HANDLERS
from store.views.runs import RUN_HANDLERS

_HANDLERS: Mapping[type[Event], Callable[[sqlite3.Connection, Recorded, Any], None]] = {
    **RUN_HANDLERS,
    **JOB_HANDLERS,
    **PROMPT_HANDLERS,
    **ADAPTER_HANDLERS,
}


def apply(view: sqlite3.Connection, record: Recorded) -> None:
    """Fold one event into the view tables of a connection."""
    handler = _HANDLERS.get(type(record.event))
    if handler is not None:
        handler(view, record, record.event)
