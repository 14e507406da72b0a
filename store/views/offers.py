"""The offers' part of the view: what the hub offered to a project, and what became of it here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from store.events.adapter import AdapterRolledBack
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.fleet import OfferDeclined, OfferKept, OfferReceived, OfferWithdrawn
from store.events.prompt import PromptRolledBack
from store.views.rows import update
from store.views.totals import project_of
from store.views.view import View


def _received(view: View, record: Recorded, event: OfferReceived) -> None:
    row = {
        "project": project_of(record),
        "offer": event.offer,
        "kind": event.kind,
        "content": event.content,
        "robot": event.robot,
        "source": event.version,
        "state": "open",
        "version": None,
        "reason": "",
        "withdrawn": 0,
        "position": record.position,
    }
    view.put("view_offers", row)


def _declined(view: View, record: Recorded, event: OfferDeclined) -> None:
    key = {"project": project_of(record), "offer": event.offer}
    update(view, "view_offers", key, state="declined", reason=event.reason)


def _kept(view: View, record: Recorded, event: OfferKept) -> None:
    key = {"project": project_of(record), "offer": event.offer}
    update(view, "view_offers", key, state="kept", reason=event.reason)


def _withdrawn(view: View, record: Recorded, event: OfferWithdrawn) -> None:
    key = {"project": project_of(record), "offer": event.offer}
    update(view, "view_offers", key, withdrawn=record.position, reason=event.reason)


def prompt_came(view: View, project: str, offer: str, version: int, state: str) -> None:
    """A version of the prompt is here, "proposed" or "taken"; `offer` that it came by, or "".

    A proposal that waited is none any more.
    """
    view.execute(
        "UPDATE view_offers SET state = 'declined', reason = 'another version took its place'"
        " WHERE project = ? AND kind = 'prompt' AND state = 'proposed' AND version != ?",
        (project, version),
    )
    if offer:
        key = {"project": project, "offer": offer, "kind": "prompt"}
        update(view, "view_offers", key, state=state, version=version)


def prompt_left(view: View, project: str, version: int, state: str, reason: str) -> None:
    """A version of the prompt is not wanted: "declined", "rolled_back", or its author's now."""
    key = {"project": project, "kind": "prompt", "version": version}
    update(view, "view_offers", key, state=state, reason=reason)


def prompt_rolled_back(view: View, project: str, event: PromptRolledBack) -> None:
    """A version was taken back; perhaps one that had itself taken an offered one back."""
    prompt_left(view, project, event.of, "rolled_back", event.reason)
    if event.restores is not None:
        prompt_left(view, project, event.restores, "taken", event.reason)


def adapter_came(view: View, project: str, offer: str, version: int) -> None:
    """An offered adapter lies here as a version; whether it serves, its scorecard says."""
    key = {"project": project, "offer": offer, "kind": "adapter"}
    update(view, "view_offers", key, version=version)


def adapter_serves(view: View, project: str, version: int | None) -> None:
    """A version of the adapter is deployed; perhaps one that was taken back before.

    Who deploys one by hand that was taken back since the hub pulled it is not contradicted.
    """
    if version is not None:
        view.execute(
            "UPDATE view_offers SET state = 'taken', reason = CASE WHEN withdrawn = 0 THEN ''"
            " ELSE reason END WHERE project = ? AND kind = 'adapter' AND version = ?"
            " AND (withdrawn = 0 OR state = 'open')",
            (project, version),
        )


def adapter_rolled_back(view: View, project: str, event: AdapterRolledBack) -> None:
    """A version of the adapter does not serve any more, as somebody or the hub asked for."""
    key = {"project": project, "kind": "adapter", "version": event.previous}
    update(view, "view_offers", key, state="rolled_back", reason=event.reason)
    adapter_serves(view, project, event.version)


OFFER_HANDLERS: Mapping[type[Event], Callable[[View, Recorded, Any], None]] = {
    OfferReceived: _received,
    OfferDeclined: _declined,
    OfferKept: _kept,
    OfferWithdrawn: _withdrawn,
}
