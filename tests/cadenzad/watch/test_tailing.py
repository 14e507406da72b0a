"""Tailing: whatever happens to logs between two scans, one scan makes the log say what is on disk.

A state machine does to a few names what people, loggers and sync tools do to files, and compares
what was recorded with a model that reads the same bytes in the plainest way there is.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from io import FileIO
from itertools import count
from pathlib import Path
from typing import BinaryIO
from unittest import mock

import pytest
import runlogs
from houses import Home
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from cadenzad.config.files import Config
from cadenzad.watch.changes import ChangeQueue
from cadenzad.watch.exports import Exports
from cadenzad.watch.folders import Folders
from cadenzad.watch.record import Recorder
from cadenzad.watch.recordings import Recordings
from handlers.intake import observe
from handlers.project.scaffold import init_project
from store import identity, schema
from store.events.envelope import Recorded
from store.events.files import (
    FileMoved,
    FileRejected,
    FileRemoved,
    RunExtended,
    RunRecorded,
    RunReplaced,
)
from store.log import EventLog
from store.opening import open_writer
from store.reads.state import FileRow, State
from store.reads.status import project_statuses
from store.schema import connect_reader
from store.views.replay import view_as_of, view_hash

RUN_EVENTS = (RunRecorded, RunExtended, RunReplaced)
NAMES = tuple(f".cadenza-env/{name}.log.jsonl" for name in "abc")
TARGETS = ("data/inside.bin", "../../elsewhere/outside.jsonl")
"""What symbolic links lead to, beside the logs: a file that no folder of ours is scanned for."""

a_name = some.sampled_from(NAMES)
a_file = some.sampled_from(NAMES + TARGETS)
whole = some.sampled_from(
    [
        runlogs.tick(0, phase_idx=0),
        runlogs.tick(1),
        runlogs.tick(2, reward=2),
        runlogs.tick(3, terminated=True, mission_success=True),
        runlogs.tick(4, truncated=True).replace(b"\n", b"\r\n"),
        b'{"tick": NaN, "action": "walk"}\n',
        b'{"somebody": "else"}\n',
        b"[1]\n",
        b"\xff\xfe\n",
        b"\n",
    ]
)
torn = some.sampled_from([b"", b"", b'{"tick": 5, "act', b'{"tick": 5, "action": "stop"}', b"\xc3"])
content = some.tuples(some.lists(whole, max_size=4), torn).map(lambda it: b"".join(it[0]) + it[1])
then_scan = some.sampled_from([True, True, False])


@dataclass(frozen=True)
class Plain:
    """A log's content read without any of our code's cleverness."""

    size: int
    sha256: str
    lines: int
    valid: int
    rejected: int
    ticks: int

    @classmethod
    def of(cls, data: bytes) -> Plain:
        lines = data.split(b"\n")
        tail = lines.pop()
        size = len(data) - len(tail)
        if _record(tail) is not None:  # an object that is closed cannot grow
            lines.append(tail)
            size = len(data)
        records = [_record(line) for line in lines]
        valid = [record for record in records if record and {"tick", "action"} & record.keys()]
        return cls(
            size,
            identity.of(data[:size]),
            len(lines),
            len(valid),
            sum(bool(line.strip()) for line in lines) - len(valid),
            sum(record.get("tick") != 0 for record in valid),
        )


def _record(line: bytes) -> dict | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


class Tailing(RuleBasedStateMachine):
    """One project, three names, and everything that can happen to them."""

    numbers = count()

    def __init__(self, folder: Path, empty_log: Path) -> None:
        super().__init__()
        self.root = folder / str(next(self.numbers))
        self.workspace = self.root / "robots"
        self.project = self.workspace / "rescue"
        state = self.root / "state"
        state.mkdir(parents=True)
        shutil.copyfile(empty_log, state / schema.DATABASE)
        shutil.copytree(folder / "rescue", self.project)
        (self.root / "elsewhere").mkdir()
        self.writer = open_writer(state)
        self.reader = connect_reader(state)
        self.state = State(self.reader)
        self.again: list[str] = []
        self.recorder = Recorder(self.reader, self.writer, self.again.append)
        self.folders = Folders(
            Config(workspaces=(self.workspace,)),
            self.state,
            self.writer,
            self.recorder,
            Exports(self.reader, self.writer),
            Recordings(self.reader, self.writer),
            ChangeQueue(),
            None,
        )
        self.known: dict[str, FileRow] = {}
        self.position = 0
        self.held: FileIO | None = None
        self.growth: tuple[Path, bytes] | None = None

    def teardown(self) -> None:
        try:
            self.look(True)
            with closing(view_as_of(self.reader, self.position)) as anew:
                assert view_hash(self.reader) == view_hash(anew)
        finally:
            if self.held is not None:
                self.held.close()
            self.reader.close()
            self.writer.close()
            shutil.rmtree(self.root)

    # -- what happens ------------------------------------------------------------------------------

    @rule(name=a_file, data=content, scan=then_scan)
    def append(self, name: str, data: bytes, scan: bool) -> None:
        with suppress(OSError), (self.project / name).open("ab") as stream:
            stream.write(data)
        self.look(scan)

    @rule(name=a_file, data=content, scan=then_scan)
    def rewrite_in_place(self, name: str, data: bytes, scan: bool) -> None:
        with suppress(OSError), (self.project / name).open("wb") as stream:
            stream.write(data)
        self.look(scan)

    @rule(name=a_file, part=some.floats(0, 1), scan=then_scan)
    def truncate(self, name: str, part: float, scan: bool) -> None:
        with suppress(OSError):
            size = (self.project / name).stat().st_size
            os.truncate(self.project / name, int(size * part))
        self.look(scan)

    @rule(name=a_file, over=a_name, scan=then_scan)
    def rename_over(self, name: str, over: str, scan: bool) -> None:
        with suppress(OSError):
            os.replace(self.project / name, self.project / over)
        self.look(scan)

    @rule(name=a_name, meanwhile=some.booleans(), scan=then_scan)
    def rename_away_and_back(self, name: str, meanwhile: bool, scan: bool) -> None:
        with suppress(OSError):
            os.rename(self.project / name, self.project / "parked")
            self.look(meanwhile)
            os.rename(self.project / "parked", self.project / name)
        self.look(scan)

    @rule(name=a_file, to=a_name, scan=then_scan)
    def copy(self, name: str, to: str, scan: bool) -> None:
        with suppress(OSError):
            shutil.copyfile(self.project / name, self.project / to)
        self.look(scan)

    @rule(name=a_file, to=a_name, scan=then_scan)
    def hard_link(self, name: str, to: str, scan: bool) -> None:
        with suppress(OSError):
            os.link(os.path.realpath(self.project / name), self.project / to)
        self.look(scan)

    @rule(target_file=a_file, name=a_name, scan=then_scan)
    def symbolic_link(self, target_file: str, name: str, scan: bool) -> None:
        (self.project / name).unlink(missing_ok=True)
        (self.project / name).symlink_to(self.project / target_file)
        self.look(scan)

    @rule(name=a_file, scan=then_scan)
    def delete(self, name: str, scan: bool) -> None:
        (self.project / name).unlink(missing_ok=True)
        self.look(scan)

    @rule(name=a_file, data=content, scan=then_scan)
    def recreate_with_its_inode(self, name: str, data: bytes, scan: bool) -> None:
        """The file system gives the number that has just become free."""
        (self.project / name).unlink(missing_ok=True)
        (self.project / name).write_bytes(data)
        self.look(scan)

    @rule(name=a_file, data=content, scan=then_scan)
    def set_the_mtime_back(self, name: str, data: bytes, scan: bool) -> None:
        """Other bytes of the same length, and the time of before."""
        with suppress(OSError):
            path = self.project / name
            before = path.stat()
            with path.open("r+b") as stream:
                stream.write(data[: before.st_size])
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            while path.stat().st_ctime_ns == before.st_ctime_ns:  # an older kernel's clock ticks
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.look(scan)

    @rule(name=a_file)
    def hold_open(self, name: str) -> None:
        """A second writer, who keeps the file open whatever becomes of its name."""
        if self.held is not None:
            self.held.close()
        self.held = None
        with suppress(OSError):
            self.held = FileIO(self.project / name, "ab")

    @rule(data=content, cut=some.integers(0, 40), scan=then_scan)
    def write_into_what_is_held(self, data: bytes, cut: int, scan: bool) -> None:
        if self.held is not None:
            self.held.write(data[:cut])
            self.look(scan)
            self.held.write(data[cut:])
        self.look(scan)

    @rule(name=a_name, data=content)
    def grow_while_it_is_read(self, name: str, data: bytes) -> None:
        self.growth = (self.project / name, data)
        self.scan()
        self.growth = None
        self.look(True)

    # -- what must be known then -------------------------------------------------------------------

    def look(self, scan: bool) -> None:
        if scan:
            self.scan()
            self.compare_with_what_is_on_disk()
            after = self.position
            self.scan()
            assert self.position == after, "a scan without a change recorded something"

    def scan(self) -> None:
        with mock.patch.object(observe, "_open", partial(self._open, observe._open)):
            self.folders.reconcile(periodic=True)
            self.folders.finish_scan()
            while self.again:
                self.folders.take(self.again.pop())
                self.recorder.flush()
            self.folders.record_removals()
        for record in EventLog(self.reader).read(self.position):
            self.fold(record)
        self.position = self.state.head()

    def _open(self, opened, path: Path) -> BinaryIO:
        stream: BinaryIO = opened(path)
        if self.growth is not None and path == self.growth[0]:
            stream.read(1)
            stream.seek(0)
            with path.open("ab") as other:
                other.write(self.growth[1])
        return stream

    def compare_with_what_is_on_disk(self) -> None:
        query = "SELECT path FROM view_files WHERE kind = 'run'"
        paths = [path for (path,) in self.reader.execute(query)]
        rows = {path: self.state.file(str(self.project), path) for path in paths}
        assert rows.keys() == self.known.keys()
        for name in NAMES:
            self.compare(name, rows.get(name))
        (status,) = project_statuses(self.reader)
        assert status["runs"]["total"] == self.count("SELECT count(*) FROM view_episodes")
        rejected = {item["path"] for item in status["runs"]["rejected_files"]}
        assert rejected == {row.path for row in rows.values() if row.present and not row.accepted}

    def compare(self, name: str, row: FileRow | None) -> None:
        path = self.project / name
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            assert row is None or not row.present, f"{name} is gone"
            return
        except OSError:  # links in a circle
            data = None
        if data is None or self.root / "elsewhere" in path.resolve().parents:
            assert row is not None
            assert row.present
            assert not row.accepted, f"{name} leads nowhere, or out of the project"
            return
        plain = Plain.of(data)
        if plain.size == 0:
            return  # nothing whole: whatever was known of it may stand, or be said to be gone
        assert row is not None, f"{name} is not known"
        assert row.present, f"{name} is there"
        assert (row.size, row.sha256) == (plain.size, plain.sha256), f"{name} has other bytes"
        assert row.accepted == bool(plain.valid)
        if row.accepted:
            last = self.last_reading(name)
            assert last.lines.read == plain.lines
            assert last.lines.valid == plain.valid
            assert last.lines.rejected == plain.rejected
            ticks = "SELECT coalesce(sum(ticks), 0) FROM view_episodes WHERE path = ?"
            assert self.count(ticks, name) == plain.ticks, f"{name}: ticks"

    def last_reading(self, name: str) -> RunRecorded | RunExtended | RunReplaced:
        events = [record.event for record in EventLog(self.reader).read()]
        names = {name}
        for event in reversed(events):
            if isinstance(event, FileMoved) and event.file.path in names:
                names = {event.previous_path}
            if isinstance(event, RUN_EVENTS) and event.file.path in names:
                return event
        raise AssertionError(f"{name} was never read")

    def count(self, query: str, *values: object) -> int:
        return int(self.reader.execute(query, values).fetchone()[0])

    def fold(self, record: Recorded) -> None:
        """One event must follow from what was known, and adds to it."""
        event = record.event
        if isinstance(event, FileRemoved):
            gone = self.known.pop(event.path)
            assert gone.present
            if gone.accepted:  # of one that was rejected nothing is kept
                self.known[event.path] = gone._replace(present=False)
        elif isinstance(event, FileMoved):
            old = self.known.pop(event.previous_path)
            assert event.file.path not in self.known
            assert not os.path.lexists(self.project / old.path), f"{old.path} is still there"
            assert (old.dev, old.ino) == (event.file.dev, event.file.ino)
            assert self.begins_with(event.file.path, old)
            others = [row for row in self.known.values() if self.went_to(event.file.path, row)]
            assert old.present or not any(row.present for row in others), "another one moved"
            self.know(record, accepted=True, present=old.present)
        elif isinstance(event, RUN_EVENTS):
            self.fold_run(event)
            self.know(record, accepted=True)
        elif isinstance(event, FileRejected):
            self.know(record, accepted=False)

    def fold_run(self, event: RunRecorded | RunExtended | RunReplaced) -> None:
        path = event.file.path
        prior = self.known.get(path)
        if not isinstance(event, RunExtended):
            twins = [row for row in self.known.values() if row.accepted and row.present]
            same = {row.path for row in twins if row.sha256 == event.file.sha256} - {path}
            assert event.twin_of in (same or {None})
        if isinstance(event, RunRecorded):
            assert prior is None or not prior.accepted or not prior.present
            for row in self.known.values() if prior is None else ():
                assert not self.went_to(path, row), f"{row.path} was moved to {path}"
            return
        assert prior is not None
        assert prior.accepted
        assert prior.present
        assert isinstance(event, RunExtended) == self.begins_with(path, prior)

    def went_to(self, path: str, row: FileRow) -> bool:
        """Whether a known file, its name gone, is the one at `path`."""
        now = (self.project / path).stat()
        same = row.accepted and (row.dev, row.ino) == (now.st_dev, now.st_ino)
        return same and not os.path.lexists(self.project / row.path) and self.begins_with(path, row)

    def begins_with(self, path: str, row: FileRow) -> bool:
        data = (self.project / path).read_bytes()[: row.size]
        return len(data) == row.size and identity.of(data) == row.sha256

    def know(self, record: Recorded, *, accepted: bool, present: bool = True) -> None:
        file = record.event.file  # type: ignore[attr-defined]
        before = self.known.get(file.path)
        if before is not None:
            assert file.revision == before.revision + 1
        self.known[file.path] = FileRow(
            str(self.project),
            file.path,
            "run",
            None,
            file.revision,
            file.dev,
            file.ino,
            file.size,
            file.mtime_ns,
            file.sha256,
            accepted,
            present,
            "",
        )


@pytest.fixture
def play(tmp_path: Path, empty_log: Path) -> Callable[..., None]:
    """Play so many sequences; the same ones each time unless `anew`."""
    project = tmp_path / "rescue"
    init_project(project)
    for unneeded in ("lora", "mission"):
        shutil.rmtree(project / unneeded, ignore_errors=True)
    for folder in (".cadenza-env", "data"):
        (project / folder).mkdir(exist_ok=True)

    def run(sequences: int, *, anew: bool) -> None:
        how = settings(
            max_examples=sequences,
            stateful_step_count=8,
            deadline=None,
            derandomize=not anew,
            database=None,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        # Nothing is lost here when the machine stops: syncing would only take its time.
        quick = schema.WRITER_PRAGMAS.replace("synchronous = FULL", "synchronous = OFF")
        with mock.patch.object(schema, "WRITER_PRAGMAS", quick):
            run_state_machine_as_test(partial(Tailing, tmp_path, empty_log), settings=how)

    return run


def test_two_hundred_sequences_end_as_the_disk_has_it(play) -> None:
    play(200, anew=False)


def test_what_a_link_leads_to_comes_by_another_name(tmp_path, empty_log) -> None:
    """Read twice in one scan: what the second reading rested on is not so when it is recorded."""
    a, b, c = NAMES
    init_project(tmp_path / "rescue")
    (tmp_path / "rescue" / ".cadenza-env").mkdir(exist_ok=True)
    state = Tailing(tmp_path, empty_log)
    state.symbolic_link(name=a, target_file=b, scan=True)
    state.append(name=c, data=runlogs.tick(0, phase_idx=0), scan=True)
    state.rename_over(name=c, over=b, scan=True)
    state.teardown()


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_ten_thousand_sequences_end_as_the_disk_has_it(play) -> None:
    play(10_000, anew=True)


def test_once_looks_again_at_what_changed_under_it(home: Home) -> None:
    # given a link to nothing, and a run
    project = home.project()
    run = home.log(project, "c")
    one, other = run.with_name("a.log.jsonl"), run.with_name("b.log.jsonl")
    one.symlink_to(other)
    home.once()

    # when the run gets the name that the link leads to: one file is read under two names
    run.rename(other)
    home.once()

    # then one scan knew both
    with closing(connect_reader(home.state)) as reader:
        known = {file.path for file in State(reader).present_files(str(project))}
    assert {f".cadenza-env/{path.name}" for path in (one, other)} <= known
