"""Projections: how each event changes the state tables, one module for each part of the view.

    runs.py, prompts.py, adapters.py, offers.py, jobs.py   the parts
    view.py     the tables while events are folded into them; rows.py: how a row is written
    totals.py   counters on the project's row
    replay.py   history folded anew, and views compared

`fold` takes the events of one append, inside its transaction, so the view is never behind the log.
Totals that `status` shows are kept as counters on the project's row (see `totals`): reading them
costs the same after a thousand events and after a million.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from store.events.base import Event
from store.events.envelope import Recorded
from store.views.adapters import ADAPTER_HANDLERS
from store.views.jobs import JOB_HANDLERS
from store.views.offers import OFFER_HANDLERS
from store.views.prompts import PROMPT_HANDLERS
from store.views.runs import RUN_HANDLERS, look_ahead
from store.views.view import View

if TYPE_CHECKING:
    from store.database.backend import ViewBackend

_HANDLERS: Mapping[type[Event], Callable[[View, Recorded, Any], None]] = {
    **RUN_HANDLERS,
    **JOB_HANDLERS,
    **PROMPT_HANDLERS,
    **ADAPTER_HANDLERS,
    **OFFER_HANDLERS,
}


def fold(connection: ViewBackend, records: Sequence[Recorded]) -> None:
    """Fold events into the view tables of a connection."""
    view = View(connection)
    look_ahead(view, records)
    for record in records:
        apply(view, record)
    view.settle()


def apply(view: View, record: Recorded) -> None:
    """Fold one event. What it changes may be kept in memory until `view.settle()`."""
    handler = _HANDLERS.get(type(record.event))
    if handler is not None:
        handler(view, record, record.event)
