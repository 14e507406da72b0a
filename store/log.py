"""The event log: appended to and read as typed events. The only code that writes events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from store.database.backend import ABSENT
from store.errors import VersionConflict
from store.events.envelope import NewEvent, Recorded
from store.events.types import decode
from store.history import EVENT_COLUMNS as EVENT_COLUMNS
from store.history import HistoryOf, Row, unreadable
from store.schema import ViewConnection

if TYPE_CHECKING:
    from store.database.backend import Readable
    from store.events.base import Event

Projector = Callable[[ViewConnection, Sequence[Recorded]], None]
Clock = Callable[[], int]
"""Microseconds since the epoch."""

_OPTIONAL = f"nullif(?, {ABSENT})"
_INSERT = (
    f"INSERT INTO events ({EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?,"
    f" {_OPTIONAL}, {_OPTIONAL}, {_OPTIONAL}, ?, ?, {_OPTIONAL})"
)


def now_us() -> int:
    """Wall clock, microseconds since the epoch."""
    return time.time_ns() // 1000


class History(HistoryOf[Recorded]):
    """Reads of a log as typed events."""

    def __init__(self, connection: Readable) -> None:
        super().__init__(connection, recorded)


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

    def append(self, events: Sequence[NewEvent]) -> list[Recorded]:
        """Store events in order and project them; returns those that were stored, as a reader of
        the log gets them: what is folded now and what is folded from the log is the same.

        An event whose `dedup_key` is already in the log is left out. Raises VersionConflict when
        an `expected_version` no longer holds, ValueError for an event that could not be read again.
        """
        self._load_head()
        # Monotone, so that "as of TIME" names one position even when the clock is set back.
        self._last_us = max(self._clock(), self._last_us)
        stored: list[Recorded] = []
        rows: list[tuple[object, ...]] = []
        keys: set[str] = set()
        for new in events:
            if new.dedup_key is not None:
                if new.dedup_key in keys or self._has_key(new.dedup_key):
                    continue
                keys.add(new.dedup_key)
            data, event = _written(new.event)
            record = self._envelope(new, event, stored)
            stored.append(record)
            rows.append(_row(record, data))
        self.connection.executemany(_INSERT, rows)
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

    def _envelope(self, new: NewEvent, event: Event, batch: Sequence[Recorded]) -> Recorded:
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
            event,
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


def _row(record: Recorded, data: str) -> tuple[object, ...]:
    """The values of an event's row, in the order of `EVENT_COLUMNS`; `data`: of the event."""
    position, stream, version, event, cause, correlation, recorded, occurred, key, meta = record
    kind = type(event)
    return (
        position,
        stream,
        version,
        kind.__name__,
        kind.schema_version,
        data,
        json.dumps(dict(meta)) if meta else ABSENT,
        ABSENT if key is None else key,
        ABSENT if cause is None else cause,
        correlation,
        recorded,
        ABSENT if occurred is None else occurred,
    )


def _written(event: Event) -> tuple[str, Event]:
    """An event's data, and the event that is read of it. Raises ValueError where none can be."""
    try:
        data = event.as_json()
        return data.decode(), event.of_json(data)
    except (ValueError, TypeError) as error:
        raise ValueError(f"a {event.type_name()} that no log can hold: {error}") from None


def recorded(row: Row) -> Recorded:
    """The event of a row in the order of `EVENT_COLUMNS`. Raises StoreError for a damaged one."""
    position, stream, version, kind, schema, data, meta, key, cause, chain, recorded, occurred = row
    try:
        event = decode(kind, schema, data)
        more = json.loads(meta) if meta else {}
    except (ValueError, TypeError) as error:
        raise unreadable(position, error) from error
    return Recorded(position, stream, version, event, cause, chain, recorded, occurred, key, more)
