"""What led to an event: the chain of causes that the log keeps, each in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from store.history import StoredEvent, StoredHistory
from store.text import one_line
from store.times import iso

if TYPE_CHECKING:
    from store.database.backend import Readable

FIELDS = ("reason", "run_id", "path", "rows", "verdict", "code", "version", "kind", "summary")
"""What tells events of a type apart, as far as they have it."""


def chain(connection: Readable, position: int) -> list[dict[str, Any]]:
    """The event at a position and what led to it, the first cause last."""
    history = StoredHistory(connection)
    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    at: int | None = position
    while at and at not in seen:
        seen.add(at)
        record = history.get(at)
        if record is None:
            break
        found.append(_step(record))
        at = record.causation
    return found


def _step(record: StoredEvent) -> dict[str, Any]:
    return {
        "position": record.position,
        "type": record.type,
        "recorded_at": iso(record.recorded_at_us),
        "says": gist(record.data),
    }


def gist(data: Mapping[str, Any]) -> str:
    """What tells an event, by its data, from others of its type: in a few words."""
    parts = [str(data[name]) for name in FIELDS if data.get(name) not in (None, "", 0)]
    file = data.get("file")
    if isinstance(file, dict):
        parts.append(str(file["path"]))
    return one_line(" ".join(dict.fromkeys(parts)))[:120]
