"""When the daemon takes recordings in: one job does it for all that come while it waits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from handlers.jobs import queue_job
from handlers.reactions import Tools
from store.events.base import Event
from store.events.envelope import Recorded, project_stream
from store.events.files import RecordingDropped
from store.reads.state import State

if TYPE_CHECKING:
    from store.database.backend import Readable

KIND = "takein"


def take_in_recording(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """One job for all that come while it waits; after one that failed, what that was about as well.

    That of a paused project waits until it is resumed.
    """
    assert event.project is not None
    newest = next((job for job in state.jobs(event.project) if job.kind == KIND), None)
    first = event.position
    if newest is not None and newest.state == "failed":
        first = min(first, int(newest.spec["first"]))
    reason = f"{event.event.path} was dropped" if isinstance(event.event, RecordingDropped) else ""
    return queue_job(state, KIND, event.project, reason, {"first": first})


def dropped_since(history: Readable, project: str, first: int) -> list[str]:
    """The recordings that a job is about: dropped from a position of the log on, each once."""
    query = "SELECT data FROM events WHERE stream = ? AND type = ? AND position >= ?"
    stream, kind = project_stream(project), RecordingDropped.type_name()
    facts = [
        RecordingDropped.of_json(data) for (data,) in history.execute(query, (stream, kind, first))
    ]
    return list(dict.fromkeys(fact.path for fact in facts))
