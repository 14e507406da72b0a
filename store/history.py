"""The history as rows: read a page at a time, by whatever wants an event made of each. Light.

`store.log.History` makes typed events of them, to be folded and acted on. `StoredHistory` leaves
them as they are stored, for commands that show them: the classes of all events take as long to
import as such a command takes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from store.errors import StoreError
from store.events.envelope import stream_project
from store.events.names import SCHEMA_VERSIONS

if TYPE_CHECKING:
    from store.database.backend import Readable

EVENT_COLUMNS = (
    "position, stream, version, type, schema_version, data, meta, dedup_key, causation,"
    " correlation, recorded_at_us, occurred_at_us"
)
_PAGE = 1000

E = TypeVar("E")
Row = tuple[Any, ...]
"""Values in the order of EVENT_COLUMNS."""


class HistoryOf(Generic[E]):
    """Reads of a log, over a connection to either database."""

    def __init__(self, connection: Readable, event_of: Callable[[Row], E]) -> None:
        """`event_of` makes an event of a row."""
        self._reading = connection
        self._event_of = event_of

    def head(self) -> int:
        """The last position; 0 for an empty log."""
        query = "SELECT coalesce(max(position), 0) FROM events"
        return int(self._reading.execute(query).fetchone()[0])

    def get(self, position: int) -> E | None:
        """The event at a position."""
        return self._one("position = ?", position)

    def with_key(self, dedup_key: str) -> E | None:
        """The event with a dedup key; there is one at most."""
        return self._one("dedup_key = ?", dedup_key)

    def _one(self, condition: str, value: object) -> E | None:
        query = f"SELECT {EVENT_COLUMNS} FROM events WHERE {condition}"
        row = self._reading.execute(query, (value,)).fetchone()
        return None if row is None else self._event_of(row)

    def read(
        self,
        after: int = 0,
        *,
        until: int | None = None,
        limit: int | None = None,
        stream: str | None = None,
        types: Iterable[str] | None = None,
    ) -> Iterator[E]:
        """Events with position > after (and <= until), in position order.

        Reads a page at a time: no read transaction stays open between pages, so a slow consumer
        pins no WAL, and no event is skipped when the log grows meanwhile.
        """
        where = ["position > ?"]
        filters: list[object] = []
        if until is not None:
            where.append("position <= ?")
            filters.append(until)
        if stream is not None:
            where.append("stream = ?")
            filters.append(stream)
        wanted = tuple(types) if types is not None else None
        if wanted is not None:
            where.append(f"type IN ({', '.join('?' * len(wanted))})")
            filters.extend(wanted)
        # A stream is walked by its own index, which is in position order too.
        order = "version" if stream is not None else "position"
        condition = " AND ".join(where)
        query = f"SELECT {EVENT_COLUMNS} FROM events WHERE {condition} ORDER BY {order} LIMIT ?"
        left = limit
        while left is None or left > 0:
            page = _PAGE if left is None else min(left, _PAGE)
            rows = self._reading.execute(query, (after, *filters, page)).fetchall()
            yield from map(self._event_of, rows)
            if len(rows) < page:
                return
            after = rows[-1][0]
            if left is not None:
                left -= len(rows)

    def follow(
        self,
        after: int,
        *,
        stream: str | None = None,
        types: Iterable[str] | None = None,
        poll: float = 0.05,
        deadline: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[E]:
        """Events as they come, without end (or until `deadline`, by time.monotonic). SQLite alone.

        Polls `PRAGMA data_version`, which costs microseconds and takes no lock.
        """
        wanted = tuple(types) if types is not None else None
        seen_version = -1
        while True:
            data_version = self._reading.execute("PRAGMA data_version").fetchone()[0]
            if data_version != seen_version:
                seen_version = data_version
                head = self.head()
                yield from self.read(after, until=head, stream=stream, types=wanted)
                after = max(after, head)
            if deadline is not None and time.monotonic() >= deadline:
                return
            sleep(poll)

    def position_at(self, time_us: int) -> int:
        """The last position recorded at or before a time; 0 when there is none."""
        low, high = 0, self.head()
        query = "SELECT recorded_at_us FROM events WHERE position = ?"
        while low < high:
            middle = (low + high + 1) // 2
            if self._reading.execute(query, (middle,)).fetchone()[0] <= time_us:
                low = middle
            else:
                high = middle - 1
        return low


class StoredEvent(NamedTuple):
    """An event as it is stored: `data` has the fields that it was written with, and no others.

    The rest is as in `store.events.envelope.Recorded`.
    """

    position: int
    stream: str
    type: str
    schema_version: int
    data: Mapping[str, Any]
    causation: int | None
    correlation: int
    recorded_at_us: int

    @property
    def project(self) -> str | None:
        return stream_project(self.stream)


class StoredHistory(HistoryOf[StoredEvent]):
    """The events of a log as they are stored."""

    def __init__(self, connection: Readable) -> None:
        super().__init__(connection, stored)


def stored(row: Row) -> StoredEvent:
    """The event of a row, in the present shape. Raises StoreError for a damaged one, SchemaError
    for one that this program does not know."""
    position, stream, _, kind, schema, data, _, _, cause, chain, recorded_at_us, _ = row
    try:
        shape = json.loads(data)
    except (ValueError, TypeError) as error:
        raise unreadable(position, error) from error
    if schema != SCHEMA_VERSIONS.get(kind):
        schema, shape = _upcast(kind, schema, data)
    return StoredEvent(position, stream, kind, schema, shape, cause, chain, recorded_at_us)


def _upcast(kind: str, schema: int, data: str) -> tuple[int, dict[str, Any]]:
    """What an event of another shape comes to. Raises SchemaError for one that is not known."""
    from store.events.types import decode  # no event of today's shape waits for it

    event = decode(kind, schema, data)
    return event.schema_version, event.as_shape()


def unreadable(position: int, error: Exception) -> StoreError:
    """What is to be said of a row whose values are no event."""
    return StoreError(
        f"event {position} cannot be read: {error}", hint="`cadenzactl verify` checks the log"
    )
