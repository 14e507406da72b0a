"""What the hub offers to this robot, as events of its own log: received, or withdrawn.

Nothing is decided here. Each offer is recorded once for each project of its goal, whatever is
killed when: its id is the key of the events. What follows is up to the reactions and jobs here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from store.events.base import Event
from store.events.envelope import NewEvent, project_stream
from store.events.fleet import OfferReceived, OfferWithdrawn
from store.reads.offers import every_offer

if TYPE_CHECKING:
    import sqlite3

    from store.hub.connection import Hub
    from store.hub.offers import Offer
    from store.writer import Writer

OFFERS_SINCE = 2
"""The version of the hub that first has offers."""

RECEIVED, WITHDRAWN = "received", "withdrawn"


def take_in(hub: Hub, reader: sqlite3.Connection, writer: Writer) -> list[str]:
    """Record what is new about offers; returns what is wrong with any, a line each."""
    from store.hub.offers import offers

    row = hub.execute("SELECT hub_version FROM about").fetchone()
    if row is None or row[0] < OFFERS_SINCE:
        return []
    problems: list[str] = []
    known = {(row.project, row.offer): row.withdrawn for row in every_offer(reader)}
    for offer in offers(hub):
        for project in _projects(reader, offer):
            withdrawn = known.get((project, offer.id))
            if withdrawn is None and offer.pulled is None:
                problems += _record(writer, project, offer.id, RECEIVED, _received(hub, offer))
            elif withdrawn == 0 and offer.pulled is not None:
                event = OfferWithdrawn(offer=offer.id, reason=offer.pulled)
                problems += _record(writer, project, offer.id, WITHDRAWN, event)
    return problems


def _projects(reader: sqlite3.Connection, offer: Offer) -> Iterator[str]:
    """The projects here that an offer is for."""
    query = (
        "SELECT path FROM view_projects WHERE mission = ? AND robot = ? AND phases = ?"
        " AND state != 'removed' ORDER BY path"
    )
    for (path,) in reader.execute(query, offer.goal).fetchall():
        yield path


def _received(hub: Hub, offer: Offer) -> Event | str:
    """The event of an offer; or what is wrong with it."""
    from handlers.fleet.content import decode  # its grammar is nothing that every start needs
    from store.errors import InputError
    from store.hub.connection import HubError, HubUnreachable
    from store.hub.offers import content

    if offer.kind != "prompt":
        return f"offer {offer.id} is of a kind that this version does not know: {offer.kind}"
    try:
        rules = decode(content(hub, offer))
    except HubUnreachable:
        raise
    except (HubError, InputError) as error:
        return error.message
    return OfferReceived(
        offer=offer.id,
        kind="prompt",
        content=offer.content,
        robot=offer.source,
        version=offer.version,
        rules=rules,
    )


def _record(writer: Writer, project: str, offer: str, what: str, event: Event | str) -> list[str]:
    if isinstance(event, str):
        return [event]
    key = f"offer {offer} {what} {project}"
    writer.append(NewEvent(project_stream(project), event, dedup_key=key))
    return []
