"""What the hub offers to this robot, as events of its own log: received, or withdrawn.

Nothing is decided here. Each offer is recorded once for each project of its goal, whatever is
killed when: its id is the key of the events. What follows is up to the reactions and jobs here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from store.durable import make_folder, remove_drafts, write_file
from store.errors import InputError
from store.events.base import Event
from store.events.envelope import NewEvent, project_stream
from store.events.fleet import OfferReceived, OfferWithdrawn
from store.reads.offers import OfferRow, every_offer

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from store.hub.connection import Hub
    from store.hub.offers import Offer
    from store.writer import Writer

OFFERS_SINCE = 2
"""The version of the hub that first has offers."""

RECEIVED, WITHDRAWN = "received", "withdrawn"


def take_in(hub: Hub, reader: sqlite3.Connection, writer: Writer, state_dir: Path) -> list[str]:
    """Record what is new about offers; returns what is wrong with any, a line each.

    An adapter's files are put into the state directory before its offer is recorded. They are there
    until the job has looked at them, and are fetched again should they be gone before that.
    """
    from store.hub.connection import HubError, HubUnreachable
    from store.hub.offers import offers

    row = hub.execute("SELECT hub_version FROM about").fetchone()
    if row is None or row[0] < OFFERS_SINCE:
        return []
    problems: list[str] = []
    known = {(row.project, row.offer): row for row in every_offer(reader)}
    for offer in offers(hub):
        for project in _projects(reader, offer):
            try:
                event = _news(hub, offer, known.get((project, offer.id)), state_dir)
            except HubUnreachable:
                raise
            except (HubError, InputError) as error:
                problems.append(error.message)
                continue
            if event is not None:
                what = RECEIVED if isinstance(event, OfferReceived) else WITHDRAWN
                key = f"offer {offer.id} {what} {project}"
                writer.append(NewEvent(project_stream(project), event, dedup_key=key))
    _tidy(reader, state_dir)
    return problems


def _projects(reader: sqlite3.Connection, offer: Offer) -> Iterator[str]:
    """The projects here that an offer is for."""
    query = (
        "SELECT path FROM view_projects WHERE mission = ? AND robot = ? AND phases = ?"
        " AND state != 'removed' ORDER BY path"
    )
    for (path,) in reader.execute(query, offer.goal).fetchall():
        yield path


def _news(hub: Hub, offer: Offer, row: OfferRow | None, state_dir: Path) -> Event | None:
    """What a project's log does not say yet of an offer. Raises InputError for one that cannot be
    taken in, HubError."""
    if row is None:
        return _received(hub, offer, state_dir) if offer.pulled is None else None
    if offer.pulled is not None:
        return None if row.withdrawn else OfferWithdrawn(offer=offer.id, reason=offer.pulled)
    if row.is_open and offer.kind == "adapter":
        _fetch(hub, offer, state_dir)
    return None


def _received(hub: Hub, offer: Offer, state_dir: Path) -> OfferReceived:
    facts = {
        "offer": offer.id,
        "kind": offer.kind,
        "content": offer.content,
        "robot": offer.source,
        "version": offer.version,
    }
    if offer.kind == "prompt":
        from handlers.fleet.content import decode  # its grammar is nothing that every start needs
        from store.hub.offers import content

        return OfferReceived.of_shape({**facts, "rules": decode(content(hub, offer))})
    if offer.kind == "adapter":
        _fetch(hub, offer, state_dir)
        return OfferReceived.of_shape(facts)
    raise InputError(f"offer {offer.id} is of a kind that this version does not know: {offer.kind}")


# -- an adapter's files ----------------------------------------------------------------------------


def _fetch(hub: Hub, offer: Offer, state_dir: Path) -> None:
    """Have what is offered on this disk, under its hash, which was compared. Raises InputError."""
    from handlers.lora.hub.packed import arrived
    from store.hub.offers import content

    path = arrived(state_dir, offer.content)
    if path.is_file():
        return
    data = content(hub, offer)
    try:
        make_folder(path.parent, 0o700)
        write_file(path, data)
    except OSError as error:
        raise InputError(f"offer {offer.id}: {path}: {error.strerror}") from None


def _tidy(reader: sqlite3.Connection, state_dir: Path) -> None:
    """Remove the files that no offer waits with any more."""
    from handlers.lora.hub.packed import ARRIVED, arrived

    folder = state_dir / ARRIVED
    if not folder.is_dir():
        return
    waiting = [row.content for row in every_offer(reader) if row.kind == "adapter" and row.is_open]
    remove_drafts(folder)
    wanted = {arrived(state_dir, content) for content in waiting}
    for path in set(folder.iterdir()) - wanted:
        path.unlink(missing_ok=True)
