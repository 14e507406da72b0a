"""What an adapter's job is about to record, written down before anything on disk is switched.

The note lies beside the adapters, under the name of the event log it is for: a copied project, or
one that two state directories know, has notes that are nobody else's business. Whoever writes that
log makes it good once the job is over, however it ended:

    the log has a later event of an adapter    the note is spent
    what it speaks of is on disk               the switch is made good, its events are recorded
    it is not                                  the job never came so far: nothing happened
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from handlers.lora.model.files import SCORECARD
from handlers.lora.registry import Registry
from store.durable import write_file
from store.errors import InputError
from store.events import EVENT_TYPES
from store.events.adapter import (
    AdapterBlocked,
    AdapterPromoted,
    AdapterRolledBack,
    AdapterScored,
    AdapterTrained,
)
from store.events.base import Event
from store.events.envelope import project_stream

ABOUT_ADAPTERS = (
    AdapterTrained, AdapterScored, AdapterPromoted, AdapterBlocked, AdapterRolledBack
)  # fmt: skip


@dataclass(frozen=True)
class Note:
    """`head`: the position of the log's last event before; `job`: which one wrote it."""

    project: str
    head: int
    job: int | None
    events: tuple[Event, ...]


def log_name(log: sqlite3.Connection) -> str:
    """What tells an event log from all others: its first event."""
    query = "SELECT type, data, recorded_at_us FROM events WHERE position = 1"
    return hashlib.sha256(repr(log.execute(query).fetchone()).encode()).hexdigest()[:16]


def head_of(log: sqlite3.Connection) -> int:
    return int(log.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0])


def is_spent(note: Note, log: sqlite3.Connection) -> bool:
    """Whether anything was recorded of the project's adapters since."""
    return _adapter_events(log, note.head, "stream = ?", project_stream(note.project))


def has_led_to(job: int, log: sqlite3.Connection) -> bool:
    """Whether an earlier attempt of the job was finished, and only not heard of."""
    return _adapter_events(log, job, "causation = ?", job)


def _adapter_events(log: sqlite3.Connection, after: int, where: str, value: object) -> bool:
    names = [kind.type_name() for kind in ABOUT_ADAPTERS]
    marks = ", ".join("?" * len(names))
    query = f"SELECT 1 FROM events WHERE position > ? AND {where} AND type IN ({marks}) LIMIT 1"
    return log.execute(query, (after, value, *names)).fetchone() is not None


def write(registry: Registry, log: str, note: Note) -> None:
    """Write a note down, in the place of the last one."""
    shape = {
        "project": note.project,
        "head": note.head,
        "job": note.job,
        "events": [
            {"type": event.type_name(), "data": event.model_dump(mode="json")}
            for event in note.events
        ],
    }
    write_file(_path(registry, log), json.dumps(shape).encode())


def read(registry: Registry, log: str) -> Note | None:
    """The note that is for this log; None without one. One that cannot be read is as none."""
    try:
        shape = json.loads(_path(registry, log).read_bytes())
        job = shape["job"]
        return Note(
            str(shape["project"]),
            int(shape["head"]),
            None if job is None else int(job),
            tuple(EVENT_TYPES[i["type"]].model_validate(i["data"]) for i in shape["events"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def forget(registry: Registry, log: str) -> None:
    _path(registry, log).unlink(missing_ok=True)


def make_good(registry: Registry, note: Note) -> tuple[Event, ...]:
    """The events to record, their switch made; none when the job never came so far."""
    for event in note.events:
        if not _is_on_disk(registry, event):
            return ()
    for event in note.events:
        if isinstance(event, AdapterPromoted | AdapterRolledBack) and event.version is not None:
            try:
                if registry.deployed() != event.version:
                    registry.promote(event.version)
            except InputError:  # damaged since: what serves goes on
                return tuple(other for other in note.events if other is not event)
    return note.events


def _is_on_disk(registry: Registry, event: Event) -> bool:
    try:
        if isinstance(event, AdapterTrained):
            return registry.sha256(event.version) == event.sha256
        if isinstance(event, AdapterScored):
            card = (registry.folder(event.version) / SCORECARD).read_bytes()
            return hashlib.sha256(card).hexdigest() == event.scorecard_sha256
    except OSError:
        return False
    return True


def _path(registry: Registry, log: str) -> Path:
    return registry.root / f".pending-{log}.json"
