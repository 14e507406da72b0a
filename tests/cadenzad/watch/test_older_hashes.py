"""A run that an older log knows by its SHA-256 stays that run, whatever becomes of its file."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenzactl
from cadenzad.watch.record import Recorder, record_project
from store import identity
from store.events.envelope import NewEvent, Recorded, project_stream
from store.events.files import RunRecorded
from store.log import EventLog
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader

LOG = ".cadenza-env/one.log.jsonl"
OTHER = ".cadenza-env/two.log.jsonl"


class House:
    """A project one run of which was recorded as an older version would have."""

    def __init__(self, home) -> None:
        home.begin_log()
        self.state_dir = home.state
        self.project = home.project()
        self.log: Path = home.log(self.project, name="one")
        self.older = hashlib.sha256(self.log.read_bytes()).hexdigest()
        aside = self.log.read_bytes()
        self.log.unlink()
        self.scan()
        self.log.write_bytes(aside)
        self.known = len(self._record_as_before())

    def _record_as_before(self) -> list[Recorded]:
        """The event that a scan would give, in the hash of before; returns the whole history."""
        with closing(open_writer(self.state_dir)) as writer:
            history = list(writer.run(lambda unit: list(EventLog(unit.connection).read())))
            info = self.log.stat()
            event = RunRecorded.of_shape(
                {
                    "run_id": "one",
                    "format": "mission",
                    "episodes": (),
                    "lines": {},
                    "twin_of": None,
                    "file": {
                        "path": LOG,
                        "dev": info.st_dev,
                        "ino": info.st_ino,
                        "size": info.st_size,
                        "mtime_ns": info.st_mtime_ns,
                        "sha256": self.older,
                    },
                }
            )
            return history + writer.append(NewEvent(project_stream(str(self.project)), event))

    def scan(self) -> list[Recorded]:
        """What one look at the whole project adds to the history."""
        with (
            closing(open_writer(self.state_dir)) as writer,
            closing(connect_reader(self.state_dir)) as reader,
        ):
            before = State(reader).head()
            record_project(self.project, Recorder(reader, writer, lambda path: None))
            return list(EventLog(reader).read(after=before))


@pytest.fixture
def house(home) -> House:
    return House(home)


def _told(records: list[Recorded]) -> list[tuple[str, str, str]]:
    return [(r.type, r.event.file.path, r.event.file.sha256) for r in records]  # type: ignore[attr-defined]


def _touch(log: Path) -> None:
    os.utime(log, ns=(1, 1))


def _append(log: Path) -> None:
    with log.open("ab") as stream:
        stream.write(log.read_bytes().splitlines(keepends=True)[-1])


def _rewrite(log: Path) -> None:
    log.write_bytes(log.read_bytes().replace(b"0", b"1"))


def _shorten(log: Path) -> None:
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])


@pytest.mark.parametrize(
    ("change", "types"),
    [
        (lambda log: None, []),
        (_touch, []),
        (_append, ["RunExtended"]),
        (_rewrite, ["RunReplaced"]),
        (_shorten, ["RunReplaced"]),
    ],
)
def test_what_became_of_it_is_told_by_its_own_hash(
    house: House, change: Callable[[Path], None], types: list[str]
) -> None:
    change(house.log)
    now = house.older if not types else identity.of_file(house.log)
    found = house.scan()
    assert _told(found) == [(name, LOG, now) for name in types]
    assert all(record.event.previous_sha256 == house.older for record in found)  # type: ignore[attr-defined]

    # and after that it is known, by today's hash where it was read anew
    assert house.scan() == []
    _append(house.log)
    assert _told(house.scan()) == [("RunExtended", LOG, identity.of_file(house.log))]


def test_it_keeps_its_history_under_a_new_name(house: House) -> None:
    house.log.rename(house.project / OTHER)
    assert _told(house.scan()) == [("FileMoved", OTHER, house.older)]


def test_it_may_have_grown_under_that_name(house: House) -> None:
    house.log.rename(house.project / OTHER)
    _append(house.project / OTHER)
    now = identity.of_file(house.project / OTHER)
    assert _told(house.scan()) == [("FileMoved", OTHER, house.older), ("RunExtended", OTHER, now)]


def test_a_copy_names_it_as_its_twin(house: House) -> None:
    house.scan()
    shutil.copy(house.log, house.project / OTHER)
    (copied,) = house.scan()
    assert isinstance(copied.event, RunRecorded)
    assert copied.event.twin_of == LOG


def test_one_of_its_size_is_no_twin(house: House) -> None:
    other = house.project / OTHER
    other.write_bytes(house.log.read_bytes().replace(b"0", b"1"))
    assert other.stat().st_size == house.log.stat().st_size
    (recorded,) = house.scan()
    assert isinstance(recorded.event, RunRecorded)
    assert (recorded.event.file.path, recorded.event.twin_of) == (OTHER, None)


def test_one_that_was_away_comes_back_as_what_it_was(house: House) -> None:
    aside = house.log.rename(house.log.with_name("aside"))
    assert [record.type for record in house.scan()] == ["FileRemoved"]
    aside.rename(house.log)
    assert _told(house.scan()) == [("RunRecorded", LOG, house.older)]


def test_verify_compares_it_by_that_hash(house: House, run_cli) -> None:
    def verify() -> tuple[int, str]:
        code, out, _ = run_cli(cadenzactl, "verify", "--state", house.state_dir)
        return code, out

    # the view was folded by appends alone: nothing is told of it but that
    assert verify()[0] == 0
    _rewrite(house.log)
    code, out = verify()
    assert code != 0
    assert f"{house.log}: not the bytes that were recorded" in out
