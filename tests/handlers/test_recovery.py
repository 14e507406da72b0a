"""Effect on disk, then event: whoever comes after a killed job makes log and disk agree, once."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from handlers.recovery import Effect, has_led_to, note, pending, recover
from store.events.adapter import AdapterPromoted, AdapterRolledBack, AdapterTrained
from store.events.base import Event
from store.events.envelope import DAEMON_STREAM, NewEvent, project_stream
from store.events.process import DaemonStarted
from store.log import EventLog
from store.schema import connect_reader, connect_writer
from store.writer import Writer

PROMOTED = AdapterPromoted(version=1, previous=None, by="me")
BACK = AdapterRolledBack(version=1, previous=2, by="me", reason="asked for")


def complete(project: Path, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """It happened if there is a file that says so; what is left to do is another file."""
    if not (project / "happened").exists():
        return ()
    (project / "completed").touch()
    return events


EFFECT = Effect("toys", "toys", (AdapterPromoted, AdapterRolledBack), complete)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    (made / "toys").mkdir(parents=True)
    return made


@pytest.fixture
def make_log(tmp_path: Path) -> Iterator[Callable[[str], Log]]:
    """`make_log(name)`: an event log with a history of its own."""
    with ExitStack() as stack:

        def made(name: str) -> Log:
            state = tmp_path / name
            state.mkdir()
            writer = Writer(connect_writer(state))
            stack.callback(writer.close)
            writer.append(
                NewEvent(DAEMON_STREAM, DaemonStarted(pid=1, version=name, workspaces=()))
            )
            reader = connect_reader(state)
            stack.callback(reader.close)
            return Log(writer, reader)

        yield made


class Log(NamedTuple):
    """An event log: who writes it, and a connection that reads it."""

    writer: Writer
    history: sqlite3.Connection

    def of(self, project: Path) -> list[tuple[Event, int | None]]:
        """What is recorded of a project, and the job that led to it."""
        stream = project_stream(str(project))
        records = EventLog(self.history).read(0)
        return [(record.event, record.causation) for record in records if record.stream == stream]


def notes(project: Path) -> list[str]:
    return sorted(path.name for path in (project / "toys").iterdir())


def test_a_note_is_read_as_it_was_written_by_its_own_log_and_project(
    project: Path, make_log: Callable[[str], Log], tmp_path: Path
) -> None:
    log, other = make_log("log"), make_log("other")
    note(EFFECT, project, log.history, 5, [PROMOTED, BACK])
    note(EFFECT, project, log.history, None, [BACK])  # in the place of the last
    noted = pending(EFFECT, project, log.history)
    assert noted is not None
    assert (noted.head, noted.job, noted.events) == (1, None, (BACK,))
    assert pending(EFFECT, project, other.history) is None
    copy = shutil.copytree(project, tmp_path / "copy")
    assert pending(EFFECT, copy, log.history) is None


def test_what_a_killed_job_did_is_completed_and_recorded_once(
    project: Path, make_log: Callable[[str], Log]
) -> None:
    log = make_log("log")
    (record,) = log.writer.append(
        NewEvent(DAEMON_STREAM, DaemonStarted(pid=2, version="", workspaces=()))
    )
    note(EFFECT, project, log.history, record.position, [PROMOTED, BACK])
    (project / "happened").touch()
    for _ in range(2):
        recover(project, log.writer, [EFFECT])
    assert (project / "completed").exists()
    assert log.of(project) == [(PROMOTED, record.position), (BACK, record.position)]
    assert notes(project) == []
    assert has_led_to([AdapterPromoted], record.position, log.history)
    assert not has_led_to([AdapterTrained], record.position, log.history)
    assert not has_led_to([AdapterPromoted], 1, log.history)
    assert not has_led_to([AdapterPromoted], None, log.history)


def test_a_job_that_never_came_so_far_did_nothing(
    project: Path, make_log: Callable[[str], Log]
) -> None:
    log = make_log("log")
    note(EFFECT, project, log.history, None, [PROMOTED])
    recover(project, log.writer, [EFFECT])
    (project / "happened").touch()  # by somebody else, later
    recover(project, log.writer, [EFFECT])
    assert (log.of(project), notes(project)) == ([], [])


def test_a_note_is_spent_by_any_later_event_of_its_effect(
    project: Path, make_log: Callable[[str], Log]
) -> None:
    log = make_log("log")
    (project / "happened").touch()
    note(EFFECT, project, log.history, None, [PROMOTED])
    elsewhere = project.with_name("elsewhere")
    log.writer.append(NewEvent(project_stream(str(elsewhere)), BACK))
    log.writer.append(NewEvent(project_stream(str(project)), BACK))
    recover(project, log.writer, [EFFECT])
    assert log.of(project) == [(BACK, None)]
    assert (notes(project), (project / "completed").exists()) == ([], False)


def test_a_note_for_another_log_is_left_to_whoever_writes_that(
    project: Path, make_log: Callable[[str], Log]
) -> None:
    log, other = make_log("log"), make_log("other")
    (project / "happened").touch()
    note(EFFECT, project, log.history, None, [PROMOTED])
    recover(project, other.writer, [EFFECT])
    assert other.of(project) == []
    recover(project, log.writer, [EFFECT])
    assert log.of(project) == [(PROMOTED, None)]


def test_a_copied_project_does_not_pass_for_a_history_of_its_own(
    project: Path, make_log: Callable[[str], Log], tmp_path: Path
) -> None:
    log = make_log("log")
    (project / "happened").touch()
    note(EFFECT, project, log.history, None, [PROMOTED])
    copy = shutil.copytree(project, tmp_path / "copy")
    recover(copy, log.writer, [EFFECT])
    assert (log.of(copy), notes(copy)) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[7]",
        "{}",
        "[" * 9000,
        '{"head": 1, "job": 1, "events": [{}]}',
        '{"head": "x", "job": 1, "events": []}',
        '{"head": 1, "job": 1, "events": [{"type": "X", "data": {}}]}',
        '{"head": 1, "job": 1, "events": [{"type": "AdapterPromoted", "data": {}}]}',
    ],
)
def test_a_note_that_cannot_be_read_is_as_none(
    text: str, project: Path, make_log: Callable[[str], Log]
) -> None:
    log = make_log("log")
    note(EFFECT, project, log.history, None, [PROMOTED])
    (name,) = notes(project)
    text = (
        text.replace("{", f'{{"project": {json.dumps(str(project))}, ', 1) if ":" in text else text
    )
    (project / "toys" / name).write_text(text)
    assert pending(EFFECT, project, log.history) is None
    recover(project, log.writer, [EFFECT])
    assert (log.of(project), notes(project)) == ([], [])


def test_what_cannot_be_looked_at_is_logged_and_stops_nothing_else(
    project: Path, make_log: Callable[[str], Log], caplog: pytest.LogCaptureFixture
) -> None:
    log = make_log("log")

    def fails(project: Path, events: tuple[Event, ...]) -> tuple[Event, ...]:
        raise OSError(5, "Input/output error")

    tidied: list[Path] = []
    broken = dataclasses.replace(EFFECT, complete=fails)
    missing = dataclasses.replace(EFFECT, folder="nothing")
    outside = dataclasses.replace(EFFECT, folder="../state")
    fine = dataclasses.replace(EFFECT, folder=".", tidy=tidied.append)
    note(broken, project, log.history, None, [PROMOTED])
    recover(project, log.writer, [broken, missing, outside, fine])
    (line,) = caplog.records
    assert (line.name, line.levelname) == ("cadenzad.toys", "WARNING")
    assert "its toys cannot be looked at: [Errno 5]" in line.getMessage()
    assert tidied == [project]
    assert len(notes(project)) == 1  # for the next time
