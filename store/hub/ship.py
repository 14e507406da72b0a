"""A robot's side of the hub: its events, in order, in batches, each there once.

Where the log ends at the hub is known there, so nothing has to be remembered here: whatever a kill
or a lost connection leaves undone, the next `hello` says from where to go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from store.hub.connection import Hub, HubError
from store.hub.tables import EVENT_COLUMNS

if TYPE_CHECKING:
    from store.database.backend import Readable

ROWS, BYTES = 1000, 4 << 20
"""The most that one batch holds."""

_SELECT = (
    f"SELECT position, {', '.join(EVENT_COLUMNS)} FROM events WHERE position > ?"
    " ORDER BY position LIMIT ?"
)
_DATA = list(EVENT_COLUMNS).index("data") + 1
_APPEND = f"SELECT append(?, {', '.join(f'?::{kind}[]' for kind in EVENT_COLUMNS.values())})"


class Batch(NamedTuple):
    """Events as they are stored: the position of the first, then a list for each column."""

    first: int
    columns: tuple[list[Any], ...]

    @property
    def last(self) -> int:
        return self.first + len(self.columns[0]) - 1


def read_batch(log: Readable, after: int, rows: int = ROWS) -> Batch | None:
    """The events that follow a position, as they are stored; None where the log ends."""
    found: Sequence[tuple[Any, ...]] = log.execute(_SELECT, (after, rows)).fetchall()
    if not found:
        return None
    count, size = 0, 0
    for row in found:
        size += len(row[_DATA])
        if count and size > BYTES:
            break
        count += 1
    _, *columns = zip(*found[:count], strict=True)
    return Batch(found[0][0], tuple(list(column) for column in columns))


def hello(hub: Hub, log_id: str) -> int:
    """Where the log with this id ends at the hub. Raises HubError: for a login of another log."""
    row = hub.execute("SELECT hello(?)", (log_id,)).fetchone()
    return int(row[0]) if row else 0


def name_of(hub: Hub) -> str:
    """What people call the robot whose login this is."""
    row = hub.execute("SELECT name FROM origins WHERE login = session_user").fetchone()
    return str(row[0]) if row else ""


def ship(hub: Hub, batch: Batch) -> int:
    """Append a batch; returns where the log ends there then. What is there already is no harm.

    Raises HubError for a batch that does not follow what is there, or says something else.
    """
    try:
        row = hub.execute(_APPEND, (batch.first, *batch.columns)).fetchone()
    except UnicodeEncodeError as error:  # a path that is not UTF-8
        raise HubError(f"events {batch.first} to {batch.last} cannot be shipped: {error}") from None
    return int(row[0]) if row else 0
