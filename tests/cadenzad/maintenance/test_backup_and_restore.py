"""A backup is one moment of the log, whole, while somebody writes; a restore is all or nothing."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from cadenzad.maintenance import backup as backups
from cadenzad.maintenance import restore as restoring
from cadenzad.maintenance.backup import make_backup
from cadenzad.maintenance.restore import check_backup, restore
from store.errors import InputError, NoEventLog, SchemaError, StoreError
from store.events.envelope import DAEMON_STREAM, NewEvent
from store.events.process import DaemonStopped
from store.log import EventLog
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader


def stopped(number: int) -> NewEvent:
    return NewEvent(DAEMON_STREAM, DaemonStopped(pid=number, reason="x" * 500))


def fill(state: Path, events: int) -> None:
    """Append events to the log of a state directory."""
    writer = open_writer(state)
    try:
        writer.append(*(stopped(number) for number in range(events)))
    finally:
        writer.close()


def head(database: Path) -> int:
    connection = sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True)
    try:
        return EventLog(connection).head()
    finally:
        connection.close()


def tamper(database: Path, *statements: str) -> None:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript("DROP TRIGGER events_no_update; DROP TRIGGER events_no_delete;")
    for statement in statements:
        connection.execute(statement)
    connection.close()


def commit_and_die(state: Path) -> None:
    """Append one event from a process that is killed before it folds its WAL in."""
    code = (
        "import os, sys; from pathlib import Path; from store.opening import open_writer;"
        "from store.events.envelope import NewEvent;"
        "from store.events.process import DaemonStopped;"
        "w = open_writer(Path(sys.argv[1]));"
        "w.append(NewEvent('daemon', DaemonStopped(pid=1, reason='r'))); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, state], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert (state / "events.db-wal").stat().st_size > 0


@pytest.fixture
def backup(home) -> Path:
    """A backup of a log of 20 events, which has 25 by now."""
    fill(home.state, 20)
    made = make_backup(home.state, home.root / "b.db").path
    fill(home.state, 5)
    return made


# -- backup ----------------------------------------------------------------------------------------


def test_a_copy_made_while_somebody_writes_is_one_moment(home, monkeypatch) -> None:
    # given a writer that commits between any two steps of the copy
    monkeypatch.setattr(backups, "PAGES", 4)
    writer = open_writer(home.state)
    writer.append(*(stopped(number) for number in range(200)))
    steps = []

    def write(done: int, total: int) -> None:
        steps.append((done, total))
        writer.append(stopped(len(steps)))

    # when
    made = make_backup(home.state, home.root / "b.db", progress=write)
    writer.close()

    # then
    assert len(steps) > 5
    assert made.position == head(made.path) == 200
    assert steps[-1][0] == steps[-1][1]
    assert head(home.state / "events.db") == 200 + len(steps)


def test_a_backup_is_one_private_file(home, backup) -> None:
    assert sorted(path.name for path in home.root.iterdir()) == ["b.db", "robots", "state"]
    assert backup.stat().st_mode & 0o777 == 0o600
    assert backup.read_bytes()[18:20] == b"\x01\x01"  # no WAL mode: it needs no -wal beside it


@pytest.mark.parametrize(
    "name", ["events.db", "events.db-wal", "writer.lock", "../state/events.db"]
)
def test_the_log_itself_is_never_the_target(home, backup, name) -> None:
    before = (home.state / "events.db").read_bytes()
    with pytest.raises(InputError, match="belongs to the event log"):
        make_backup(home.state, home.state / name, replace=True)
    assert (home.state / "events.db").read_bytes() == before


def test_an_existing_file_is_overwritten_only_when_asked(home, backup) -> None:
    before = backup.read_bytes()
    with pytest.raises(InputError, match="is there already"):
        make_backup(home.state, backup)
    assert backup.read_bytes() == before
    assert make_backup(home.state, backup, replace=True).position == head(backup) == 25


@pytest.mark.parametrize("target", ["robots", "nowhere/b.db", "pipe"])
def test_a_target_that_cannot_be_meant_is_named(home, backup, target) -> None:
    os.mkfifo(home.root / "pipe")
    with pytest.raises(InputError, match=target.split("/")[0]):
        make_backup(home.state, home.root / target, replace=True)


def test_a_full_disk_leaves_nothing_behind(home, backup, full_disk) -> None:
    with full_disk(65536), pytest.raises(StoreError, match=r"c\.db"):
        make_backup(home.state, home.root / "c.db")
    assert sorted(path.name for path in home.root.iterdir()) == ["b.db", "robots", "state"]


def test_too_little_room_is_told_before_anything_is_copied(home, backup, monkeypatch) -> None:
    usage = shutil.disk_usage(home.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1000))
    with pytest.raises(StoreError, match="1,000 are free"):
        make_backup(home.state, home.root / "c.db")


def test_a_damaged_log_gives_no_backup(home, backup) -> None:
    database = home.state / "events.db"
    data = bytearray(database.read_bytes())
    data[8192:12288] = os.urandom(4096)
    database.write_bytes(data)
    with pytest.raises(StoreError):
        make_backup(home.state, home.root / "c.db")
    assert not (home.root / "c.db").exists()


def test_without_a_log_there_is_no_backup(home) -> None:
    with pytest.raises(NoEventLog):
        make_backup(home.state, home.root / "c.db")


# -- restore ---------------------------------------------------------------------------------------


def test_a_restore_puts_the_backup_in_place_and_keeps_what_was_there(home, backup) -> None:
    done = restore(home.state, backup)
    assert (done.position, done.replaced) == (20, 25)
    assert head(home.state / "events.db") == 20
    assert done.aside is not None
    assert head(done.aside) == 25
    assert sorted(path.name for path in home.state.iterdir()) == sorted(
        ["events.db", done.aside.name, "inbox"]
    )


def test_the_log_goes_on_after_a_restore(home, backup) -> None:
    restore(home.state, backup)
    fill(home.state, 1)
    assert head(home.state / "events.db") == 21
    assert restore(home.state, backup).replaced == 21


def test_two_restores_in_one_second_keep_both_logs(home, backup) -> None:
    first = restore(home.state, backup)
    second = restore(home.state, backup)
    assert first.aside != second.aside
    assert (head(first.aside), head(second.aside)) == (25, 20)


def test_files_are_looked_at_again_and_nothing_is_recorded_twice(home) -> None:
    # given a backup from between two runs
    project = home.project()
    home.log(project, "one")
    home.once()
    made = make_backup(home.state, home.root / "b.db")
    home.log(project, "two", ticks=5)
    home.once()

    # when
    restore(home.state, made.path)
    reader = connect_reader(home.state)
    assert State(reader).seen(str(project / ".cadenza-env/one.log.jsonl")) is None
    reader.close()
    home.once()

    # then
    runs = [record.event.run_id for record in home.events("RunRecorded")]
    assert runs == ["one", "two"]
    assert len(home.events("RunExported")) == 2


def test_a_commit_that_is_only_in_the_wal_is_kept_too(home, backup) -> None:
    # given a log whose writer was killed
    commit_and_die(home.state)

    # when
    done = restore(home.state, backup)

    # then
    assert done.replaced == head(done.aside) == 26
    assert head(home.state / "events.db") == 20
    assert not (home.state / "events.db-wal").exists()


def test_a_reader_that_holds_the_log_makes_it_wait_then_refuse(home, backup, monkeypatch) -> None:
    # given a reader in the middle of a read, and a commit it has not seen
    monkeypatch.setattr(restoring, "SETTLE_S", 0.1)
    reader = connect_reader(home.state)
    reader.execute("BEGIN")
    EventLog(reader).head()
    connect_writer = restoring.connect_writer

    def impatient(state: Path) -> sqlite3.Connection:
        connection = connect_writer(state)
        connection.execute("PRAGMA busy_timeout = 10")
        return connection

    monkeypatch.setattr(restoring, "connect_writer", impatient)
    commit_and_die(home.state)

    # then
    with pytest.raises(StoreError, match="somebody is reading it"):
        restore(home.state, backup)
    reader.close()
    assert restore(home.state, backup).replaced == 26


def test_a_damaged_present_log_is_replaced_and_kept_as_it_was(home, backup) -> None:
    database = home.state / "events.db"
    database.write_bytes(b"not a database" * 1000)
    (home.state / "events.db-wal").write_bytes(b"stale")
    done = restore(home.state, backup)
    assert done.replaced is None
    assert done.aside.read_bytes().startswith(b"not a database")
    assert head(database) == 20
    assert not (home.state / "events.db-wal").exists()


def test_an_empty_state_directory_takes_a_backup(home, backup, tmp_path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    done = restore(other, backup)
    assert (done.position, done.replaced, done.aside) == (20, None, None)
    assert head(other / "events.db") == 20


def test_an_events_db_with_its_wal_is_a_backup_too(home, backup) -> None:
    # given a copy of both files, made while the log was open
    writer = open_writer(home.state)
    writer.append(stopped(1))
    for name in ("events.db", "events.db-wal"):
        shutil.copyfile(home.state / name, home.root / name)
    writer.close()
    assert check_backup(home.state, home.root / "events.db") == 26


def test_read_only_media_can_be_restored_from(home, backup, without_privilege) -> None:
    folder = home.root / "medium"
    folder.mkdir()
    shutil.copyfile(backup, folder / "b.db")
    folder.chmod(0o500)
    (folder / "b.db").chmod(0o400)
    try:
        with without_privilege():
            assert restore(home.state, folder / "b.db").position == 20
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["DELETE FROM events WHERE position = 7"], "the events 7 to 7 are missing"),
        (["UPDATE events SET version = 99 WHERE position = 9"], "event 9: daemon jumps"),
        (["UPDATE events SET type = 'Unheard' WHERE position = 3"], "unknown type 'Unheard'"),
        (["UPDATE events SET data = '{' WHERE position = 3"], "not readable"),
        (["INSERT INTO _sqlite_migrations VALUES (99, 'cadenzad', 'm999', '')"], "m999"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused(home, backup, statements, expected) -> None:
    tamper(backup, *statements)
    before = (home.state / "events.db").read_bytes()
    with pytest.raises(StoreError, match=expected):
        restore(home.state, backup)
    assert (home.state / "events.db").read_bytes() == before
    assert sorted(path.name for path in home.state.iterdir()) == ["events.db", "inbox"]


@pytest.mark.parametrize("content", [b"", b"text\n" * 1000, "truncated", "another database"])
def test_what_is_no_backup_is_refused(home, backup, content) -> None:
    match content:
        case "truncated":
            backup.write_bytes(backup.read_bytes()[:20000])
        case "another database":
            backup.unlink()
            other = sqlite3.connect(backup)
            other.execute("CREATE TABLE t (a)")
            other.close()
        case _:
            backup.write_bytes(content)
    with pytest.raises((InputError, StoreError), match=r"b\.db"):
        restore(home.state, backup)
    assert head(home.state / "events.db") == 25


def test_the_log_itself_is_no_backup(home, backup) -> None:
    with pytest.raises(InputError, match="is the event log itself"):
        restore(home.state, home.state / "events.db")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", ["_settle", "_set_aside", "sync", "Path.replace"])
def test_a_kill_at_any_step_leaves_the_old_log_or_the_new_one(home, backup, point, when) -> None:
    # given a restore that dies at one of its steps
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from cadenzad.maintenance import restore as restoring\n"
        "owner, name = (Path, 'replace') if sys.argv[1] == 'Path.replace'"
        " else (restoring, sys.argv[1])\n"
        "original = getattr(owner, name)\n"
        "def dying(*a, **k):\n"
        "    if sys.argv[2] == 'before': os.kill(os.getpid(), 9)\n"
        "    original(*a, **k)\n"
        "    os.kill(os.getpid(), 9)\n"
        "setattr(owner, name, dying)\n"
        "restoring.restore(Path(sys.argv[3]), Path(sys.argv[4]))\n"
    )
    words = [sys.executable, "-c", code, point, when, home.state, backup]
    dying = subprocess.run(words, check=False, capture_output=True, timeout=60)
    assert dying.returncode == -signal.SIGKILL, dying.stderr

    # then
    found = head(home.state / "events.db")
    assert found == (20 if (point, when) == ("Path.replace", "after") else 25)
    kept = [head(path) for path in home.state.glob("events.db.replaced-*")]
    assert found == 25 or kept == [25]

    # and trying again ends well
    assert restore(home.state, backup).position == 20
    assert not list(home.state.glob(".restoring-*"))


def test_a_newer_backup_says_upgrade(home, backup) -> None:
    tamper(backup, "UPDATE events SET schema_version = 99 WHERE position = 4")
    with pytest.raises(StoreError, match="newer") as caught:
        check_backup(home.state, backup)
    assert isinstance(caught.value.__cause__, SchemaError)
