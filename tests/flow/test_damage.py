"""A state directory that is damaged, deleted or full under a running daemon: said, and survived."""

from __future__ import annotations

import resource
import shutil
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from store.schema import connect_reader


class Watched:
    """A daemon that scans often, with one recorded run; `manager` hears what systemd would."""

    def __init__(self, house, logs) -> None:
        self.house, self.logs = house, logs
        house.configure(every=0.3)
        self.project: Path = house.project()
        (self.project / ".cadenza-env/one.log.jsonl").write_bytes(logs.run(3))
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(house.root / "notify"))
        self.manager.setblocking(False)
        house.environ["NOTIFY_SOCKET"] = str(house.root / "notify")
        self.daemon = house.start()
        house.until(lambda: house.project_status()["exports"]["current"] == 1, "the export")
        house.until(lambda: house.status()["daemon"]["lag"] == 0, "no lag")
        self.said: list[str] = []

    def hear(self) -> str:
        """What the daemon last said of itself."""
        while True:
            try:
                text = self.manager.recv(65536).decode()
            except BlockingIOError:
                break
            self.said += [line for line in text.splitlines() if line.startswith("STATUS=")]
        return self.said[-1] if self.said else ""

    def until_said(self, word: str) -> None:
        """Both `status` and systemd are told of it."""
        self.house.until(lambda: word in self.house.ask("status")[1], f"status says {word}")
        self.house.until(lambda: word in self.hear(), f"systemd is told {word}")

    def end(self) -> None:
        """It ends in good order, has never lost its head and has not filled the log."""
        assert self.house.stop(self.daemon) == 0
        text = self.house.log()
        assert "Traceback" not in text, text
        told = [line for line in text.splitlines() if "degraded: " in line]
        assert len(told) <= 8, text


@pytest.fixture
def watched(house, logs):
    made = Watched(house, logs)
    yield made
    made.manager.close()


@pytest.mark.parametrize("what", ["the folder", "the log", "the log, another in its place"])
def test_what_was_deleted_is_said(watched, what) -> None:
    # when
    state = watched.house.state
    if what == "the folder":
        shutil.rmtree(state)
    else:
        copy = state / "copy"
        shutil.copyfile(state / "events.db", copy)
        (state / "events.db").unlink()
        if "another" in what:
            copy.replace(state / "events.db")

    # then
    watched.until_said("was deleted or replaced")
    code, out, _ = watched.house.ask("status")
    assert code in (0, 1)
    assert "daemon: running" in out
    watched.end()


def test_a_full_disk_is_said_and_over_when_there_is_room(watched) -> None:
    # when no file of the daemon may grow
    resource.prlimit(watched.daemon.pid, resource.RLIMIT_FSIZE, (5000, -1))
    watched.until_said("event log cannot be used")
    (watched.project / ".cadenza-env/two.log.jsonl").write_bytes(watched.logs.run(4))
    before = watched.house.events("ReactionFailed")

    # and then there is room again
    resource.prlimit(watched.daemon.pid, resource.RLIMIT_FSIZE, (-1, -1))
    watched.house.until(
        lambda: watched.house.project_status()["exports"]["current"] == 2, "both exports"
    )
    watched.house.until(lambda: "degraded" not in watched.hear(), "systemd is told it is over")
    watched.house.until(lambda: not watched.house.status()["daemon"]["degraded"], "and status")
    assert watched.house.events("ReactionFailed") == before == []
    watched.end()


def test_a_full_disk_does_not_keep_the_daemon_from_ending(watched) -> None:
    resource.prlimit(watched.daemon.pid, resource.RLIMIT_FSIZE, (5000, -1))
    watched.until_said("event log cannot be used")
    watched.end()


@pytest.mark.parametrize("where", ["every page", "the schema", "text"])
def test_flipped_bytes_are_said(watched, where) -> None:
    # given everything in the file itself
    database = watched.house.state / "events.db"
    wal = database.with_name("events.db-wal")
    watched.house.until(lambda: wal.stat().st_size == 0 or database.stat().st_size > 0, "a file")

    # when
    def damage() -> None:
        for file in (database, wal):
            with file.open("r+b") as stream:
                data = bytearray(stream.read())
                match where:
                    case "every page":
                        for at in range(4096 if file == database else 0, len(data), 50):
                            data[at] ^= 0xFF
                    case "the schema":
                        data = data.replace(b"view_", b"vi\xffw_")
                    case "text":
                        data = data.replace(b"rescue", b"resc\xffe")
                stream.seek(0)
                stream.write(data)

    damage()
    watched.house.until(
        lambda: "degraded: " in watched.house.ask("status")[1], "status says it is degraded"
    )
    code, out, _ = watched.house.ask("doctor")
    assert code == 1, out
    watched.end()


def test_a_daemon_that_is_stopped_does_not_read_running(watched) -> None:
    # when
    watched.daemon.send_signal(signal.SIGSTOP)
    watched.house.until(lambda: "not responding" in watched.house.ask("status")[1], "it is said")

    # then
    code, _, _ = watched.house.ask("status")
    daemon = watched.house.status()["daemon"]
    assert (code, daemon["state"], daemon["responding"]) == (3, "running", False)
    assert daemon["silent_s"] >= 0

    # and when it goes on
    watched.daemon.send_signal(signal.SIGCONT)
    watched.house.until(lambda: watched.house.ask("status")[0] == 0, "it responds")
    watched.end()


def test_a_long_reader_is_named_when_the_wal_grows(watched, monkeypatch) -> None:
    from cadenzad import trouble

    monkeypatch.setattr(trouble, "WAL_LIMIT", 1)
    place = trouble.Place(watched.house.state)
    with closing(connect_reader(watched.house.state)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        wal = watched.house.state / "events.db-wal"
        watched.house.until(lambda: wal.stat().st_size > 0, "something in the WAL")
        ((code, detail),) = place.problems(reader)
    assert code == "wal"
    assert f"cadenzad --config (pid {watched.daemon.pid})" in detail
    watched.end()
