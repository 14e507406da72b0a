"""A project that the log knows, events about it, and jobs that wait or ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cadenzad.requests.byhand import Ended
from store.events.base import Event
from store.events.envelope import NewEvent, Recorded, project_stream
from store.events.process import JobFailed, JobQueued
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader


@pytest.fixture
def rescue(home) -> Path:
    """A sample project with one run, recorded and exported."""
    project = home.project()
    home.log(project)
    home.once()
    return project


@pytest.fixture
def append(home) -> Callable[..., list[Recorded]]:
    """Append events about a project."""

    def append(project: Path, *events: Event) -> list[Recorded]:
        writer = open_writer(home.state)
        try:
            stream = project_stream(str(project))
            return writer.append(*(NewEvent(stream, event) for event in events))
        finally:
            writer.close()

    return append


@pytest.fixture
def queued(rescue, append) -> int:
    """A job of the project that waits; its number."""
    job = JobQueued(kind="selftest", project=str(rescue), reason="a test")
    return append(rescue, job)[0].position


@pytest.fixture
def failed(rescue, append, queued) -> int:
    """A job of the project that was given up; its number."""
    append(rescue, JobFailed(job=queued, attempt=1, error="no disk"))
    return queued


@pytest.fixture
def ended(home, rescue, append) -> Callable[..., Ended]:
    """A job as if it had run to its end and led to these events."""

    def ended(kind: str, *events: Event, state: str = "succeeded", result: str = "done") -> Ended:
        queued = JobQueued(kind=kind, project=str(rescue), reason="a test")
        (record,) = append(rescue, queued)
        reader = connect_reader(home.state)
        job = State(reader).job(record.position)
        reader.close()
        assert job is not None
        return Ended(job._replace(state=state, result=result), events)

    return ended
