"""The event log: append, read, follow. The only code that writes events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from store.database.backend import ABSENT
from store.errors import StoreError, VersionConflict
from store.events import decode
from store.events.envelope import NewEvent, Recorded
from store.schema import ViewConnection

if TYPE_CHECKING:
    from store.database.backend import Readable

Projector = Callable[[ViewConnection, Sequence[Recorded]], None]
Clock = Callable[[], int]
"""Microseconds since the epoch."""

EVENT_COLUMNS = (
    "position, stream, version, type, schema_version, data, meta, dedup_key, causation,"
    " correlation, recorded_at_us, occurred_at_us"
)
_OPTIONAL = f"nullif(?, {ABSENT})"
_INSERT = (
    f"INSERT INTO events ({EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?,"
    f" {_OPTIONAL}, {_OPTIONAL}, {_OPTIONAL}, ?, ?, {_OPTIONAL})"
)
_PAGE = 1000


def now_us() -> int:
    """Wall clock, microseconds since the epoch."""
    return time.time_ns() // 1000


class History:
    """Reads of a log, over a connection to either database."""

    def __init__(self, connection: Readable) -> None:
        self._reading = connection

    def head(self) -> int:
        """The last position; 0 for an empty log."""
        query = "SELECT coalesce(max(position), 0) FROM events"
        return int(self._reading.execute(query).fetchone()[0])

    def get(self, position: int) -> Recorded | None:
        """The event at a position."""
        for record in self.read(after=position - 1, limit=1):
            return record if record.position == position else None
        return None

    def with_key(self, dedup_key: str) -> Recorded | None:
        """The event with a dedup key; there is one at most."""
        query = f"SELECT {EVENT_COLUMNS} FROM events WHERE dedup_key = ?"
        row = self._reading.execute(query, (dedup_key,)).fetchone()
        return recorded(row) if row is not None else None

    def read(
        self,
        after: int = 0,
        *,
        until: int | None = None,
        limit: int | None = None,
        stream: str | None = None,
        types: Iterable[str] | None = None,
    ) -> Iterator[Recorded]:
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
            for row in rows:
                yield recorded(row)
            if len(rows) < page:
                return
            after = rows[-1][0]
            if left is not None:
                left -= len(rows)

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


class EventLog(History):
    """Append and read events over one connection to SQLite.

    `append` must run inside a transaction of the caller (see `store.writer`); the appended events
    are handed to `project` at once, so events and view commit together.
    """

    def __init__(
        self,
        connection: ViewConnection,
        project: Projector | None = None,
        clock: Clock = now_us,
    ) -> None:
        super().__init__(connection)
        self.connection = connection
        self._project = project
        self._clock = clock
        self._versions: dict[str, int] = {}
        self._head: int | None = None
        self._last_us = 0

    # -- append ------------------------------------------------------------------------------------

    def append(self, events: Sequence[NewEvent]) -> list[Recorded]:
        """Store events in order and project them; returns those that were stored.

        An event whose `dedup_key` is already in the log is left out. Raises VersionConflict when
        an `expected_version` no longer holds.
        """
        self._load_head()
        # Monotone, so that "as of TIME" names one position even when the clock is set back.
        self._last_us = max(self._clock(), self._last_us)
        stored: list[Recorded] = []
        keys: set[str] = set()
        for new in events:
            if new.dedup_key is not None:
                if new.dedup_key in keys or self._has_key(new.dedup_key):
                    continue
                keys.add(new.dedup_key)
            stored.append(self._envelope(new, stored))
        self.connection.executemany(_INSERT, [_row(record) for record in stored])
        if self._project is not None and stored:
            self._project(self.connection, stored)
        return stored

    def forget_cache(self) -> None:
        """Drop what is remembered of positions and versions; call after a rollback."""
        self._versions.clear()
        self._head = None

    def _load_head(self) -> None:
        if self._head is None:
            row = self.connection.execute(
                "SELECT position, recorded_at_us FROM events ORDER BY position DESC LIMIT 1"
            ).fetchone()
            self._head, self._last_us = row if row else (0, 0)

    def _has_key(self, key: str) -> bool:
        query = "SELECT 1 FROM events WHERE dedup_key = ?"
        return self.connection.execute(query, (key,)).fetchone() is not None

    def _envelope(self, new: NewEvent, batch: Sequence[Recorded]) -> Recorded:
        assert self._head is not None
        stream = new.stream
        version = self._versions.get(stream)
        if version is None:
            version = self.stream_version(stream)
        if new.expected_version is not None and new.expected_version != version:
            raise VersionConflict(f"{stream} is at version {version}, not {new.expected_version}")
        self._versions[stream] = version = version + 1
        self._head = position = self._head + 1
        cause = new.causation
        return Recorded(
            position,
            stream,
            version,
            new.event,
            cause,
            position if cause is None else self._correlation_of(cause, batch),
            self._last_us,
            new.occurred_at_us,
            new.dedup_key,
            new.meta,
        )

    def _correlation_of(self, cause: int, batch: Sequence[Recorded]) -> int:
        """The correlation of a cause, which may be in the batch that is being appended."""
        if batch and cause >= batch[0].position:
            return batch[cause - batch[0].position].correlation
        query = "SELECT correlation FROM events WHERE position = ?"
        row = self.connection.execute(query, (cause,)).fetchone()
        return int(row[0]) if row else cause

    def stream_version(self, stream: str) -> int:
        """The version of the stream's last event; 0 when it has none."""
        version = self._versions.get(stream)
        if version is None:
            query = "SELECT coalesce(max(version), 0) FROM events WHERE stream = ?"
            version = int(self.connection.execute(query, (stream,)).fetchone()[0])
            self._versions[stream] = version
        return version

    # -- read ------------------------------------------------------------------------------------

    def follow(
        self,
        after: int,
        *,
        stream: str | None = None,
        types: Iterable[str] | None = None,
        poll: float = 0.05,
        deadline: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[Recorded]:
        """Events as they come, without end (or until `deadline`, by time.monotonic).

        Polls `PRAGMA data_version`, which costs microseconds and takes no lock.
        """
        wanted = tuple(types) if types is not None else None
        seen_version = -1
        while True:
            data_version = self.connection.execute("PRAGMA data_version").fetchone()[0]
            if data_version != seen_version:
                seen_version = data_version
                head = self.head()
                yield from self.read(after, until=head, stream=stream, types=wanted)
                after = max(after, head)
            if deadline is not None and time.monotonic() >= deadline:
                return
            sleep(poll)


def _row(record: Recorded) -> tuple[object, ...]:
    """The values of an event's row, in the order of `EVENT_COLUMNS`."""
    position, stream, version, event, cause, correlation, recorded, occurred, key, meta = record
    kind = type(event)
    return (
        position,
        stream,
        version,
        kind.__name__,
        kind.schema_version,
        # What `model_dump_json` comes down to, without its detour.
        kind.__pydantic_serializer__.to_json(event).decode(),
        json.dumps(dict(meta)) if meta else ABSENT,
        ABSENT if key is None else key,
        ABSENT if cause is None else cause,
        correlation,
        recorded,
        ABSENT if occurred is None else occurred,
    )


def recorded(row: tuple[Any, ...]) -> Recorded:
    """The event of a row in the order of `EVENT_COLUMNS`. Raises StoreError for a damaged one."""
    position, stream, version, kind, schema, data, meta, key, cause, chain, recorded, occurred = row
    try:
        event = decode(kind, schema, data)
        more = json.loads(meta) if meta else {}
    except (ValueError, TypeError) as error:
        raise StoreError(
            f"event {position} cannot be read: {error}", hint="`cadenzactl verify` checks the log"
        ) from error
    return Recorded(position, stream, version, event, cause, chain, recorded, occurred, key, more)
