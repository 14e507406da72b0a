"""What led to an event: the chain of causes that the log keeps, each in a few words."""

from __future__ import annotations

from typing import Any

from store.events.base import Event
from store.events.envelope import Recorded
from store.log import History
from store.text import one_line
from store.times import iso

FIELDS = ("reason", "run_id", "path", "rows", "verdict", "code", "version", "kind", "summary")
"""What tells events of a type apart, as far as they have it."""


def chain(history: History, position: int) -> list[dict[str, Any]]:
    """The event at a position and what led to it, the first cause last."""
    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    at: int | None = position
    while at and at not in seen:
        seen.add(at)
        record = next(iter(history.read(at - 1, until=at)), None)
        if record is None:
            break
        found.append(_step(record))
        at = record.causation
    return found


def _step(record: Recorded) -> dict[str, Any]:
    return {
        "position": record.position,
        "type": record.type,
        "recorded_at": iso(record.recorded_at_us),
        "says": gist(record.event),
    }


def gist(event: Event) -> str:
    """What tells an event from others of its type, in a few words."""
    data = event.model_dump(mode="json")
    parts = [str(data[name]) for name in FIELDS if data.get(name) not in (None, "", 0)]
    file = data.get("file")
    if isinstance(file, dict):
        parts.append(str(file["path"]))
    return one_line(" ".join(dict.fromkeys(parts)))[:120]
