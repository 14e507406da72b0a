"""A scan passes by what nobody touched, and finds what anybody did, though no watch reported it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from cadenzad.config.files import Config
from cadenzad.watch.changes import ChangeQueue
from cadenzad.watch.exports import Exports
from cadenzad.watch.folders import Folders
from cadenzad.watch.quiet import WHOLE
from cadenzad.watch.record import Recorder
from cadenzad.watch.recordings import Recordings
from store.errors import StoreError
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader

LOG = ".cadenza-env/one.log.jsonl"
EXPORT = ".cadenza-env/exports/one.finetune.jsonl"


class Scanned:
    """Two projects with a log and its export each, scanned by hand and not watched at all."""

    def __init__(self, home) -> None:
        self.home = home
        self.project: Path = home.project()
        self.other: Path = home.project("other")
        home.log(self.project, ticks=6)
        home.log(self.other, ticks=6)
        home.once()
        self.writer, self.reader = open_writer(home.state), connect_reader(home.state)
        self.trouble: list[Exception] = []
        self.recorder = Recorder(self.reader, self.writer, print, self.trouble.append)
        self.folders = Folders(
            Config(workspaces=(home.workspace,)),
            State(self.reader),
            self.writer,
            self.recorder,
            Exports(self.reader, self.writer),
            Recordings(self.reader, self.writer),
            ChangeQueue(),
            watches=None,
        )
        self.scan()

    def scan(self) -> list[str]:
        """A periodic scan; the types of the events that it led to."""
        before = len(self.home.types())
        self.folders.reconcile(periodic=True)
        self.folders.finish_scan()
        self.folders.record_removals()
        return self.home.types()[before:]

    def passed(self) -> list[str]:
        """The projects that the last scan passed by."""
        projects = (self.project, self.other)
        return [project.name for project in projects if self.folders.is_quiet(project)]

    def settle(self) -> None:
        """Scan until nothing is left to do."""
        for _ in range(3):
            self.scan()

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


@pytest.fixture
def scanned(home) -> Iterator[Scanned]:
    made = Scanned(home)
    yield made
    made.close()


def same_size_and_mtime(file: Path) -> None:
    """Other bytes, by somebody who hides it: the time of the change alone tells."""
    before = file.stat()
    content = file.read_bytes()
    file.write_bytes(content.replace(b"0", b"1"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (len(content), before.st_mtime_ns)


def by_another_name(file: Path) -> None:
    """A write through a hard link that lies outside of the project."""
    other = file.parents[3] / "other-name"
    os.link(file, other)
    with other.open("ab") as stream:
        stream.write(file.read_bytes())


def test_what_nobody_touched_is_passed_by_and_nothing_is_asked_of_it(scanned, monkeypatch) -> None:
    # given a scan that found nothing to do
    assert scanned.scan() == []

    # when / then
    monkeypatch.setattr(Recorder, "is_unchanged", lambda *_: pytest.fail("a file was asked for"))
    assert scanned.scan() == []
    assert scanned.passed() == ["rescue", "other"]


def test_now_and_then_nothing_is_passed_by(scanned) -> None:
    scanned.settle()
    rounds = [scanned.scan() or scanned.passed() for _ in range(2 * WHOLE)]
    assert rounds.count(["rescue", "other"]) == 2 * (WHOLE - 1)
    assert rounds.count([]) == 2


@pytest.mark.parametrize(
    ("change", "where", "found"),
    [
        (same_size_and_mtime, LOG, "RunReplaced"),
        (by_another_name, LOG, "RunExtended"),
        (Path.unlink, LOG, "FileRemoved"),
        (lambda file: file.rename(file.with_name("two.log.jsonl")), LOG, "FileMoved"),
        (Path.unlink, EXPORT, "ExportLost"),
        (same_size_and_mtime, EXPORT, "ExportLost"),
        (lambda file: file.write_text(file.read_text() + " "), "env.json", "ProjectChanged"),
        (Path.unlink, "env.json", "ProjectRemoved"),
    ],
)
def test_what_no_watch_reported_is_found_in_the_next_scan(
    scanned, change: Callable[[Path], object], where: str, found: str
) -> None:
    # given
    scanned.settle()
    assert scanned.passed() == ["rescue", "other"]

    # when / then
    change(scanned.project / where)
    assert found in scanned.scan()
    assert scanned.passed() == ["other"]


def test_a_log_that_a_link_leads_to_is_found_when_it_is_written(scanned) -> None:
    # given
    target = scanned.project / "data" / "far.log.jsonl"
    target.parent.mkdir()
    target.write_bytes((scanned.project / LOG).read_bytes() * 2)
    (scanned.project / ".cadenza-env/linked.log.jsonl").symlink_to(target)
    scanned.settle()
    assert scanned.passed() == ["rescue", "other"]

    # when / then
    target.write_bytes(target.read_bytes() * 2)
    assert scanned.scan() == ["RunExtended"]


def test_nothing_is_passed_by_while_a_reason_holds_that_a_scan_may_end(scanned) -> None:
    # given a project whose own settings are wrong
    scanned.settle()
    settings = scanned.project / "cadenzad.toml"
    settings.write_text("workers = 2\n")
    scanned.scan()

    # when / then
    for _ in range(3):
        scanned.scan()
        assert scanned.passed() == []
        assert len(scanned.folders.degraded) == 1

    # when / then: it ends with a round in which it did not come up
    settings.unlink()
    scanned.settle()
    assert scanned.folders.degraded == []
    scanned.scan()
    assert scanned.passed() == ["rescue", "other"]


def test_what_could_not_be_recorded_is_not_passed_by(scanned, monkeypatch) -> None:
    # given a log whose event could not be stored
    scanned.settle()
    scanned.home.log(scanned.project, "two", ticks=6)
    failed: Future[None] = Future()
    failed.set_exception(StoreError("the disk is full"))
    with monkeypatch.context() as full:
        full.setattr(scanned.writer, "submit", lambda _unit: failed)
        assert scanned.scan() == []
    assert [str(error) for error in scanned.trouble] == ["the disk is full"]

    # when / then
    assert scanned.scan() == ["RunRecorded"]


def test_what_is_on_its_way_into_the_log_may_never_come_there(scanned) -> None:
    # given a log that was read, and whose event the writer has not got yet
    scanned.settle()
    scanned.home.log(scanned.project, "two", ticks=6)
    scanned.recorder.take(scanned.project, ".cadenza-env/two.log.jsonl")

    # when / then
    scanned.folders.reconcile(periodic=True)
    scanned.folders.record_removals()
    scanned.folders.reconcile(periodic=True)
    assert scanned.passed() == ["other"]
