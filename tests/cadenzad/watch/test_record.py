"""The recorder: what is read outside the writer is decided inside it, on what is known there."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadenzad.watch.record import Recorder
from store.events.envelope import NewEvent, project_stream
from store.events.files import FileRemoved
from store.log import EventLog
from store.opening import open_writer
from store.reads.state import State
from store.reads.status import project_statuses
from store.schema import connect_reader

LOG = ".cadenza-env/one.log.jsonl"


class Desk:
    """An ingest over a home's event log."""

    def __init__(self, home) -> None:
        home.begin_log()
        self.writer = open_writer(home.state)
        self.reader = connect_reader(home.state)
        self.state = State(self.reader)
        self.again: list[str] = []
        self.recorder = Recorder(self.reader, self.writer, self.again.append)

    def take(self, project: Path, *paths: str) -> None:
        for path in paths:
            self.recorder.take(project, path)
        self.recorder.flush()

    def types(self) -> list[str]:
        return [record.type for record in EventLog(self.reader).read()]

    def status(self) -> dict:
        return project_statuses(self.reader)[0]

    def hold(self) -> threading.Event:
        """Keep the writer busy until the returned event is set."""
        gate = threading.Event()
        self.writer.submit(lambda transaction: gate.wait(20))
        return gate


@pytest.fixture
def desk(home) -> Iterator[Desk]:
    made = Desk(home)
    yield made
    made.reader.close()
    made.writer.close()


@pytest.fixture
def project(home) -> Path:
    made = home.project()
    home.log(made)
    return made


def test_a_file_taken_before_its_project_is_known_brings_env_json_along(desk, project) -> None:
    desk.take(project, LOG)
    assert desk.types() == ["ProjectDiscovered", "RunRecorded"]
    assert desk.status()["runs"]["total"] == 1


def test_a_file_without_a_project_is_not_recorded_yet(desk, project) -> None:
    (project / "env.json").rename(project / "env.json.bak")
    desk.take(project, LOG)
    assert desk.types() == []
    (project / "env.json.bak").rename(project / "env.json")
    assert not desk.recorder.is_unchanged(str(project / LOG), (project / LOG).stat())
    desk.take(project, LOG)
    assert desk.types() == ["ProjectDiscovered", "RunRecorded"]


def test_a_file_that_was_read_is_unchanged_until_its_stat_says_otherwise(desk, project) -> None:
    log = project / LOG
    assert not desk.recorder.is_unchanged(str(log), log.stat())
    desk.take(project, LOG)
    assert desk.recorder.is_unchanged(str(log), log.stat())
    log.chmod(0o600)  # its ctime alone
    assert not desk.recorder.is_unchanged(str(log), log.stat())


def test_the_same_file_many_times_at_once_is_recorded_once(desk, project) -> None:
    # given a writer that comes to nothing while one file is taken again and again
    gate = desk.hold()
    for _ in range(20):
        desk.recorder.take(project, LOG)

    # when
    gate.set()
    desk.recorder.flush()

    # then
    assert desk.types() == ["ProjectDiscovered", "RunRecorded"]


def test_what_was_known_and_changed_meanwhile_is_read_again(home, desk, project) -> None:
    # given a log that was read as an extension, while its removal waits to be written
    desk.take(project, LOG)
    gate = desk.hold()
    removed = FileRemoved(path=LOG, kind="run")
    desk.writer.submit(lambda t: t.append(NewEvent(project_stream(str(project)), removed)))
    home.log(project, ticks=4)
    desk.recorder.take(project, LOG)

    # when
    gate.set()
    desk.recorder.flush()

    # then nothing was decided on what no longer held
    assert desk.types()[2:] == ["FileRemoved"]
    assert desk.again == [str(project / LOG)]
    desk.take(project, LOG)
    assert desk.types()[2:] == ["FileRemoved", "RunRecorded"]


def test_a_failure_to_write_is_told_and_harms_nothing_else(desk, project, caplog) -> None:
    # given a log without room
    desk.take(project, "env.json")

    def pragma(text: str) -> int:
        return desk.writer.run(lambda t: t.connection.execute(f"PRAGMA {text}").fetchone()[0])

    with (project / LOG).open("ab") as stream:
        stream.write(b"[1]\n" * 5000)
    pragma(f"max_page_count = {pragma('page_count')}")

    # when it is full
    written = 0
    while not caplog.records and written < 500:
        path = f".cadenza-env/{written}.log.jsonl"
        shutil.copyfile(project / LOG, project / path)
        with caplog.at_level(logging.ERROR):
            desk.take(project, path)
        written += 1

    # then
    assert "nothing was written" in caplog.text
    pragma("max_page_count = 1000000")
    desk.take(project, path)
    assert desk.types()[-1] == "RunRecorded"


def test_a_hard_link_is_a_run_of_its_own_until_the_first_name_goes(desk, project) -> None:
    desk.take(project, LOG)
    second = ".cadenza-env/two.log.jsonl"
    os.link(project / LOG, project / second)
    desk.take(project, second)
    assert desk.types()[-1] == "RunRecorded"
    assert desk.status()["runs"]["total"] == 2
    (project / LOG).unlink()
    desk.recorder.remove_missing(project)
    desk.take(project, second)
    assert desk.types()[-1] == "FileRemoved"
    assert desk.types().count("RunRecorded") == 2


def test_a_renamed_file_is_moved_if_it_is_taken_before_its_loss_is_noticed(desk, project) -> None:
    desk.take(project, LOG)
    (project / LOG).rename(project / ".cadenza-env/two.log.jsonl")
    desk.take(project, ".cadenza-env/two.log.jsonl")
    desk.recorder.remove_missing(project)
    assert desk.types()[-1] == "FileMoved"


def test_of_two_names_that_are_gone_the_one_that_was_there_has_moved(desk, project) -> None:
    # given a file under two names, one of which went before
    desk.take(project, LOG)
    second, third = ".cadenza-env/two.log.jsonl", ".cadenza-env/three.log.jsonl"
    os.link(project / LOG, project / second)
    desk.take(project, second)
    (project / LOG).unlink()
    desk.recorder.remove_missing(project)

    # when the other is renamed
    (project / second).rename(project / third)
    desk.take(project, third)
    desk.recorder.remove_missing(project)

    # then it is that one's run, which goes on
    *_, last = EventLog(desk.reader).read()
    assert last.type == "FileMoved"
    assert last.event.previous_path == second


def test_what_is_gone_is_recorded_once(desk, project) -> None:
    desk.take(project, LOG)
    (project / LOG).unlink()
    desk.recorder.remove_missing(project)
    desk.recorder.remove_missing(project)
    assert desk.types()[-2:] == ["RunRecorded", "FileRemoved"]
    shutil.rmtree(project)
    desk.recorder.remove_missing(project)
    desk.recorder.remove_missing(project)
    assert desk.types()[-2:] == ["FileRemoved", "ProjectRemoved"]


def test_a_project_nobody_knows_loses_nothing(desk, home) -> None:
    desk.recorder.remove_missing(home.workspace / "nobody")
    assert desk.types() == []
