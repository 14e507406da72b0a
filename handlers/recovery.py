"""One protocol for jobs that change a project's files and have it recorded afterwards.

A job notes what it is about to record (`note`), changes the files, and returns the events. The note
lies beside the files, under the name of the event log it is for: a copied project, or one that two
state directories know, has notes that are nobody else's business. Whoever writes that log calls
`recover` where no job of the project runs: at a daemon's start, before a job by hand, and at the
end of every job, however it ended.

    the log has a later event of the effect     the note is spent
    what it speaks of is on disk                the change is completed, its events are recorded
    it is not                                   the job never came so far: nothing happened
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.project.paths import inside
from store.durable import write_file
from store.errors import CadenzaError, StoreError, UnsafePathError
from store.events.base import Event
from store.events.envelope import NewEvent, project_stream
from store.events.types import EVENT_TYPES
from store.writer import Transaction, Writer

if TYPE_CHECKING:
    from store.database.backend import Readable

FINISHED_BEFORE = "it was finished just before it was cut short"
"""The summary of an attempt that finds everything done by the one before it."""


@dataclass(frozen=True)
class Effect:
    """A kind of change that jobs make to a project's files.

    `name` is what log lines call it. `folder`, relative to the project, is where notes lie. Any of
    `events` that is recorded after a note spends it. `complete(project, events)` looks whether what
    a note speaks of came to be on disk, does what is left to do, and returns the events to record:
    none when the job never came so far. `tidy(project)` removes what killed jobs left.
    """

    name: str
    folder: str
    events: tuple[type[Event], ...]
    complete: Callable[[Path, tuple[Event, ...]], tuple[Event, ...]]
    tidy: Callable[[Path], None] = lambda _project: None


@dataclass(frozen=True)
class Pending:
    """What a note says. `head`: the log's last position before; `job`: which one wrote it."""

    head: int
    job: int | None
    events: tuple[Event, ...]


def note(
    effect: Effect,
    project: Path,
    history: Readable,
    job: int | None,
    events: Iterable[Event],
) -> None:
    """Write down what will be recorded, in the place of the last note, before anything is changed.

    `history`: the event log that it will be recorded in.
    """
    (head,) = history.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
    shape = {
        "project": str(project),
        "head": head,
        "job": job,
        "events": [{"type": event.type_name(), "data": event.as_shape()} for event in events],
    }
    write_file(_path(effect, project, history), json.dumps(shape).encode())


def pending(effect: Effect, project: Path, history: Readable) -> Pending | None:
    """The note for this project and log; None without one. One that cannot be read is as none."""
    try:
        shape = json.loads(_path(effect, project, history).read_bytes())
        if shape["project"] != str(project):
            return None  # it came with a copy of the project
        job = shape["job"]
        return Pending(
            int(shape["head"]),
            None if job is None else int(job),
            tuple(EVENT_TYPES[i["type"]].of_shape(i["data"]) for i in shape["events"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def has_led_to(events: Sequence[type[Event]], job: int | None, history: Readable) -> bool:
    """Whether an earlier attempt of a job was finished, and only not heard of."""
    return job is not None and _any_after(history, job, "causation = ?", job, events)


def recover(project: Path, writer: Writer, effects: Iterable[Effect]) -> None:
    """Have log and disk agree on what a killed job of the project was about.

    What cannot be done now is logged, and tried again the next time. Raises StoreError when the log
    cannot be written.
    """
    for effect in effects:
        try:
            folder = inside(project, Path(effect.folder))
            if not folder.is_dir():
                continue
            if any(folder.glob(".pending-*.json")):
                _recover(effect, project, writer)
            effect.tidy(project)
        except UnsafePathError:
            continue  # nothing of ours lies there
        except StoreError:
            raise
        except (CadenzaError, OSError) as error:
            _log(effect).warning("%s: its %s cannot be looked at: %s", project, effect.name, error)


def _recover(effect: Effect, project: Path, writer: Writer) -> None:
    path = writer.run(lambda transaction: _path(effect, project, transaction.connection))
    noted = writer.run(lambda transaction: pending(effect, project, transaction.connection))
    stream = project_stream(str(project))

    def is_open(transaction: Transaction) -> bool:
        """Whether nothing of the effect was recorded since."""
        history = transaction.connection
        return noted is not None and not _any_after(
            history, noted.head, "stream = ?", stream, effect.events
        )

    if noted is not None and writer.run(is_open):
        events = effect.complete(project, noted.events)

        def record(transaction: Transaction) -> None:
            if is_open(transaction):
                transaction.append(*(NewEvent(stream, e, causation=noted.job) for e in events))

        writer.run(record)
        if events:
            _log(effect).info("%s: recorded what a job that was cut short had done", project)
    path.unlink(missing_ok=True)


def log_name(history: Readable) -> str:
    """What tells an event log from all others: a hash of its first event."""
    query = "SELECT type, data, recorded_at_us FROM events WHERE position = 1"
    return hashlib.sha256(repr(history.execute(query).fetchone()).encode()).hexdigest()[:16]


def _any_after(
    history: Readable,
    position: int,
    where: str,
    value: object,
    events: Iterable[type[Event]],
) -> bool:
    names = [event.type_name() for event in events]
    marks = ", ".join("?" * len(names))
    query = f"SELECT 1 FROM events WHERE position > ? AND {where} AND type IN ({marks}) LIMIT 1"
    return history.execute(query, (position, value, *names)).fetchone() is not None


def _path(effect: Effect, project: Path, history: Readable) -> Path:
    return inside(project, Path(effect.folder)) / f".pending-{log_name(history)}.json"


def _log(effect: Effect) -> logging.Logger:
    return logging.getLogger(f"cadenzad.{effect.name}")
