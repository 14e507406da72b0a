"""What an event travels in: its stream, its position, what caused it. Light."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from store.events.base import Event

DAEMON_STREAM = "daemon"


def project_stream(path: str) -> str:
    """The stream of a project, given its absolute path."""
    return f"project:{path}"


@lru_cache(maxsize=1024)  # each event of a fold asks
def stream_project(stream: str) -> str | None:
    """The absolute path of the project a stream belongs to; None for the daemon's own."""
    return stream[len("project:") :] if stream.startswith("project:") else None


NO_META: Mapping[str, Any] = MappingProxyType({})


class NewEvent(NamedTuple):
    """An event on its way into the log.

    `dedup_key` makes an append idempotent: a second event with the same key is not stored.
    `expected_version` (the stream's version the caller saw) makes it optimistic.
    """

    stream: str
    event: Event
    dedup_key: str | None = None
    causation: int | None = None
    expected_version: int | None = None
    occurred_at_us: int | None = None
    meta: Mapping[str, Any] = NO_META


class Recorded(NamedTuple):
    """An event in the log, in its envelope.

    `causation` is the position of the event that led to this one; `correlation` the position where
    the chain of causes began: its own for an event without a cause.
    """

    position: int
    stream: str
    version: int
    event: Event
    causation: int | None
    correlation: int
    recorded_at_us: int
    occurred_at_us: int | None = None
    dedup_key: str | None = None
    meta: Mapping[str, Any] = NO_META

    @property
    def type(self) -> str:
        return self.event.type_name()

    @property
    def project(self) -> str | None:
        return stream_project(self.stream)

    @property
    def recorded_at(self) -> datetime:
        return datetime.fromtimestamp(self.recorded_at_us / 1_000_000, UTC)
