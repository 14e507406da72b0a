"""Group commit: units from many threads, one transaction, each undone alone."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from store.errors import StoreError
from store.schema import connect_reader, connect_writer
from store.views import fold
from store.writer import Writer


def test_units_of_many_threads_all_land_once(writer, make):
    def produce(index: int) -> None:
        for number in range(50):
            writer.append(make.run(f"{index}-{number}"))

    threads = [threading.Thread(target=produce, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = writer.run(lambda t: [event.event.run_id for event in t.log.read()])
    assert len(stored) == len(set(stored)) == 400


def test_waiting_units_share_one_commit(tmp_path, make):
    # given a writer that is busy while more units arrive
    commits: list[set[str]] = []
    writer = Writer(connect_writer(tmp_path), on_commit=commits.append)
    gate = threading.Event()
    first = writer.submit(lambda t: gate.wait(10))

    # when
    futures = [
        writer.submit(lambda t, n=number: t.append(make.run(str(n)))) for number in range(20)
    ]
    gate.set()
    first.result(10)
    for future in futures:
        future.result(10)

    # then
    assert commits == [{"RunRecorded"}]
    assert writer.run(lambda t: t.log.head()) == 20
    writer.close()


def test_a_unit_that_raises_is_undone_alone(writer, make):
    # given
    gate = threading.Event()
    writer.submit(lambda t: gate.wait(10))

    def bad(transaction):
        transaction.append(make.run("undone"))
        raise ValueError("no")

    # when
    before = writer.submit(lambda t: t.append(make.run("before")))
    failing = writer.submit(bad)
    after = writer.submit(lambda t: t.append(make.run("after")))
    gate.set()

    # then
    with pytest.raises(ValueError, match="no"):
        failing.result(10)
    assert before.result(10)[0].position == 1
    assert after.result(10)[0].position == 2
    assert writer.run(lambda t: [e.event.run_id for e in t.log.read()]) == ["before", "after"]


def test_a_future_resolves_only_after_the_commit(tmp_path, writer, make):
    reader = None
    for index in range(20):
        writer.append(make.run(str(index)))
        reader = reader or connect_reader(tmp_path)
        assert reader.execute("SELECT count(*) FROM events").fetchone()[0] == index + 1
    reader.close()


def test_a_failed_commit_fails_every_unit_and_loses_no_earlier_one(tmp_path, make):
    # given a database that may not grow any more
    connection = connect_writer(tmp_path)
    writer = Writer(connection, fold)
    writer.append(make.discovered())
    pages = writer.run(lambda t: t.connection.execute("PRAGMA page_count").fetchone()[0])
    writer.run(lambda t: t.connection.execute(f"PRAGMA max_page_count = {pages}").fetchone())

    def fill():
        for index in range(2000):
            writer.append(make.run(str(index)))

    # when
    with pytest.raises((StoreError, sqlite3.Error)):
        fill()

    # then it can go on once there is room
    stored = writer.run(lambda t: t.log.head())
    writer.run(lambda t: t.connection.execute("PRAGMA max_page_count = 1000000").fetchone())
    assert writer.append(make.run("more"))[0].position == stored + 1
    writer.close()


def test_a_closed_writer_refuses_work_and_leaves_no_wal(tmp_path, make):
    writer = Writer(connect_writer(tmp_path), fold)
    writer.append(make.run("a"))
    writer.close()
    writer.close()
    with pytest.raises(StoreError, match="closed"):
        writer.append(make.run("b"))
    wal = tmp_path / "events.db-wal"
    assert not wal.exists() or wal.stat().st_size == 0


class Stubborn:
    """A connection on which no checkpoint succeeds, as on a full disk."""

    def __init__(self, connection):
        self._connection = connection
        self.asked = threading.Event()

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, sql, *values):
        if "wal_checkpoint" in sql:
            self.asked.set()
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(sql, *values)


def test_a_checkpoint_that_fails_does_not_end_the_writer(tmp_path, make, monkeypatch):
    # given
    monkeypatch.setattr("store.writer.IDLE_CHECKPOINT_S", 0.01)
    connection = Stubborn(connect_writer(tmp_path))
    writer = Writer(connection, fold)
    writer.append(make.run("a"))
    assert connection.asked.wait(10)

    # when / then
    assert writer.append(make.run("b"))[0].position == 2
    writer.close()


def test_a_pinned_reader_is_not_waited_for(tmp_path, make, monkeypatch):
    # given a reader in the middle of a transaction, and a writer that would wait for an hour
    monkeypatch.setattr("store.writer.BUSY_TIMEOUT_MS", 3_600_000)
    writer = Writer(connect_writer(tmp_path), fold)
    writer.run(lambda t: t.connection.execute("PRAGMA busy_timeout = 3600000").fetchone())
    writer.append(make.run("a"))
    reader = connect_reader(tmp_path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchone()
    writer.append(make.run("b"))

    # when / then it closes, and leaves the WAL for whoever comes next
    writer.close()
    reader.close()
