"""The event log: batches against the `eventsourcing` library, group commit, rebuild.

python tests/benchmarks/bench_store.py [--rounds N] [--batches N] [--singles N] [--history N]
"""

from __future__ import annotations

import argparse
import itertools
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import history
from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from report import Goal, Samples, Table, alternate, scratch

from store import views
from store.events.envelope import NewEvent, project_stream
from store.events.exports import ExportFailed
from store.log import EventLog, Projector
from store.schema import connect_writer
from store.views import replay
from store.writer import Transaction, Writer

BATCH = 100
STREAMS = 10
THREADS = 16
_folders = itertools.count()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="of every comparison")
    parser.add_argument("--batches", type=int, default=200, help="of 100 events, a side and round")
    parser.add_argument("--singles", type=int, default=50, help="events a thread, a side and round")
    parser.add_argument("--history", type=int, default=100_000, help="events to rebuild")
    options = parser.parse_args()
    with scratch() as folder:
        table = Table("store: the event log")
        batches(table, folder, options.rounds, options.batches)
        group_commit(table, folder, options.rounds, options.singles)
        rebuild(table, folder, max(3, options.rounds // 3), options.history)
        table.show()


# -- batches ---------------------------------------------------------------------------------------


def batches(table: Table, folder: Path, rounds: int, count: int) -> None:
    """Batches of 100 events of equal payload, one fsync each, on a new database every time.

    In CPU time, which the disk and other programs have no part in; both sides serialize.
    """
    ours = [[_event(batch * BATCH + index) for index in range(BATCH)] for batch in range(count)]
    payload = len(ours[0][0].event.as_json())
    theirs = _numbered(ours)
    print(f"batches: {payload} bytes of JSON an event; {_their_pragmas(folder)}")
    plain, projected, library = (
        Samples(values, "events/CPU-s")
        for values in alternate(
            rounds,
            lambda: _append_ours(_new(folder), ours, None),
            lambda: _append_ours(_new(folder), ours, views.fold),
            lambda: _append_theirs(_new(folder), theirs),
        )
    )
    against = "eventsourcing insert_events"
    for figure, values, limit in (("append", plain, 1.0), ("append and project", projected, 0.5)):
        goal = Goal(limit, at_least=True)
        table.add(
            f"{figure}, batches of {BATCH}", values, against=against, other=library, goal=goal
        )


def _event(number: int) -> NewEvent:
    run_id = f"run-{number:06}"
    event = ExportFailed(
        run_id=run_id,
        run_path=f".cadenza-env/{run_id}.log.jsonl",
        source_sha256=f"{number:064x}",
        reason="no record could be made: every tick was rejected",
        retryable=False,
    )
    return NewEvent(project_stream(f"/home/ada/robots/robot-{number % STREAMS}"), event)


def _numbered(groups: list[list[NewEvent]]) -> list[list[tuple[NewEvent, int]]]:
    """Each event with the version it gets in its stream: the library has its callers count."""
    versions: dict[str, itertools.count[int]] = {}
    return [
        [(new, next(versions.setdefault(new.stream, itertools.count(1)))) for new in group]
        for group in groups
    ]


def _stored_event(numbered: tuple[NewEvent, int]) -> StoredEvent:
    """The same event as the library's recorder takes it: serialized."""
    new, version = numbered
    stream = UUID(int=int(new.stream.rpartition("-")[2]) + 1)
    return StoredEvent(stream, version, "store.events.exports:ExportFailed", _json(new))


def _json(new: NewEvent) -> bytes:
    return new.event.as_json()


def _append_ours(state: Path, groups: list[list[NewEvent]], project: Projector | None) -> float:
    connection = connect_writer(state)
    log = EventLog(connection, project)
    if project is not None:
        _make_projects(connection)
    began = time.process_time()
    for group in groups:
        connection.execute("BEGIN IMMEDIATE")
        log.append(group)
        connection.execute("COMMIT")
    elapsed = time.process_time() - began
    stored = connection.execute("SELECT count(*) FROM events").fetchone()[0]
    connection.close()
    return _rate(stored, len(groups) * BATCH, elapsed)


def _make_projects(connection: sqlite3.Connection) -> None:
    """The rows whose totals the projector keeps."""
    connection.executemany(
        "INSERT INTO view_projects (path, name, state) VALUES (?, ?, 'ready')",
        [(f"/home/ada/robots/robot-{index}", f"robot-{index}") for index in range(STREAMS)],
    )


def _append_theirs(state: Path, groups: list[list[tuple[NewEvent, int]]]) -> float:
    recorder = _recorder(state)
    began = time.process_time()
    for group in groups:
        recorder.insert_events([_stored_event(numbered) for numbered in group])
    elapsed = time.process_time() - began
    stored = recorder.max_notification_id() or 0
    recorder.datastore.close()
    return _rate(stored, len(groups) * BATCH, elapsed)


def _recorder(state: Path) -> SQLiteApplicationRecorder:
    recorder = SQLiteApplicationRecorder(SQLiteDatastore(str(state / "library.db")))
    recorder.create_table()
    return recorder


def _their_pragmas(folder: Path) -> str:
    """How durable the library's connections are: a comparison with less would be unfair."""
    recorder = _recorder(_new(folder))
    with recorder.datastore.transaction(commit=True) as cursor:
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
        cursor.execute("PRAGMA synchronous")
        level = ["OFF", "NORMAL", "FULL", "EXTRA"][cursor.fetchone()[0]]
    recorder.datastore.close()
    return f"eventsourcing: journal_mode={mode} synchronous={level}; ours: wal, FULL"


# -- group commit ----------------------------------------------------------------------------------


def group_commit(table: Table, folder: Path, rounds: int, singles: int) -> None:
    """Sixteen threads, one event at a time, each waiting for its commit."""
    ours, theirs = (
        Samples(values, "events/s")
        for values in alternate(
            rounds,
            lambda: _through_writer(_new(folder), singles),
            lambda: _connection_each(_new(folder), singles),
        )
    )
    table.add(
        f"{THREADS} threads, single events, one writer",
        ours,
        against="a connection each, BEGIN IMMEDIATE",
        other=theirs,
        goal=Goal(5, at_least=True),
    )


def _through_writer(state: Path, singles: int) -> float:
    writer = Writer(connect_writer(state))

    def produce(thread: int) -> None:
        for number in range(singles):
            writer.append(_event(thread * singles + number))

    elapsed = _in_threads(produce)
    stored = writer.run(_count)
    writer.close()
    return _rate(stored, THREADS * singles, elapsed)


def _count(transaction: Transaction) -> int:
    return transaction.log.head()


def _connection_each(state: Path, singles: int) -> float:
    connections = [connect_writer(state) for _ in range(THREADS)]
    for connection in connections:
        # Sixteen that poll for one lock wait longer than a writer that is alone ever does.
        connection.execute("PRAGMA busy_timeout = 120000")

    def produce(thread: int) -> None:
        connection = connections[thread]
        log = EventLog(connection)
        for number in range(singles):
            connection.execute("BEGIN IMMEDIATE")
            log.forget_cache()  # the others have moved the head
            log.append([_event(thread * singles + number)])
            connection.execute("COMMIT")

    elapsed = _in_threads(produce)
    stored = EventLog(connections[0]).head()
    for connection in connections:
        connection.close()
    return _rate(stored, THREADS * singles, elapsed)


def _in_threads(produce: Callable[[int], None]) -> float:
    """Seconds from the moment all threads are ready until the last one is done."""
    gate = threading.Barrier(THREADS + 1)

    def run(index: int) -> None:
        gate.wait()
        produce(index)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


# -- rebuild ---------------------------------------------------------------------------------------


def rebuild(table: Table, folder: Path, rounds: int, count: int) -> None:
    """Fold a mixed history anew, next to reading the same history without folding it."""
    connection = history.build(_new(folder), count)
    log = EventLog(connection)
    before = replay.view_hash(connection)

    def fold() -> float:
        began = time.process_time()
        connection.execute("BEGIN IMMEDIATE")
        read = replay.rebuild(connection)
        connection.execute("COMMIT")
        return _rate(read, count, time.process_time() - began)

    def read() -> float:
        began = time.process_time()
        read = sum(1 for _ in log.read())
        return _rate(read, count, time.process_time() - began)

    folded, decoded = (Samples(values, "events/CPU-s") for values in alternate(rounds, fold, read))
    if replay.view_hash(connection) != before:
        raise SystemExit("the rebuilt view differs from the live one: the figures mean nothing")
    connection.close()
    figure = f"rebuild of {count:,} events"
    table.add(figure, folded, against="reading and decoding alone", other=decoded)
    goal = Goal(60_000, at_least=True)
    table.add("the same, by itself", Samples(folded.values, folded.unit), goal=goal)


# -- odds ------------------------------------------------------------------------------------------


def _new(folder: Path) -> Path:
    state = folder / str(next(_folders))
    state.mkdir()
    return state


def _rate(stored: int, wanted: int, elapsed: float) -> float:
    if stored != wanted:
        raise SystemExit(f"{stored} events instead of {wanted}: the figures mean nothing")
    return stored / elapsed


if __name__ == "__main__":
    main()
