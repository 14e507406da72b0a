"""When the daemon takes a recording in: when one was dropped, or a project is no longer paused."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.reactions import Tools
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.files import RecordingDropped
from store.events.process import JobQueued
from store.reads.state import State

KIND = "takein"


def take_in_recording(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """A job for each recording: what is wrong with one is said of it, and holds up no other.

    That of a paused project waits until it is resumed.
    """
    assert event.project is not None
    assert isinstance(event.event, RecordingDropped)
    path = event.event.path
    waiting = state.jobs(event.project, "queued")
    if any(job.kind == KIND and job.spec.get("recording") == path for job in waiting):
        return []
    spec = {"recording": path}
    reason = f"{path} was dropped"
    return [JobQueued(kind=KIND, project=event.project, spec=spec, reason=reason)]
