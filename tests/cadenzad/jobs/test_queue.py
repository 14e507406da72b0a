"""Which queued jobs may start, on a machine whose wall clock is set."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadenzad.jobs.queue import LOOK_AGAIN_S, Queue
from cadenzad.jobs.retry import LONGEST_S
from cadenzad.waits import Waits
from handlers.jobs import Debounce, queue_job
from store import views
from store.events.base import Event
from store.events.envelope import NewEvent, project_stream
from store.events.process import JobFailed, JobQueued, JobStarted, JobSucceeded
from store.log import EventLog
from store.reads.state import State
from store.schema import connect_writer

NOW = 1_790_000_000.0
A, B = "/robots/a", "/robots/b"


class Bench:
    """A log and a machine's clocks."""

    def __init__(self, folder: Path) -> None:
        self.wall, self.monotonic = NOW, 1000.0
        self.connection: sqlite3.Connection = connect_writer(folder)
        self.log = EventLog(self.connection, views.fold, lambda: int(self.wall * 1e6))
        self.state = State(self.connection)
        self.boot()

    def boot(self) -> None:
        """A daemon that knows nothing of the one before."""
        waits = Waits(lambda: self.wall, lambda: self.monotonic)
        self.queue = Queue(self.state, waits, last=frozenset({"check"}))

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def record(self, project: str, event: Event) -> int:
        return self.log.append([NewEvent(project_stream(project), event)])[0].position

    def ask(self, project: str = A, kind: str = "judge", delay: float = 0.0) -> int:
        due = int((self.wall + delay) * 1e6) if delay else 0
        return self.record(
            project, JobQueued(kind=kind, project=project, spec={}, reason="", not_before_us=due)
        )

    def fail(self, job: int, delay: float, project: str = A) -> None:
        self.record(project, JobStarted(job=job, attempt=1, pid=1))
        retry = int((self.wall + delay) * 1e6)
        self.record(project, JobFailed(job=job, attempt=1, error="no", retry_at_us=retry))

    def startable(self) -> list[int]:
        return [job.id for job in self.queue.startable()]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.connection.close()


def test_the_oldest_that_is_due_of_each_project(bench: Bench) -> None:
    later, first, other = bench.ask(delay=5), bench.ask(kind="retrain"), bench.ask(B)
    assert bench.startable() == [first, other]
    assert bench.queue.next_s() == 5
    bench.pass_(5)
    assert bench.startable() == [later, other]
    assert bench.queue.next_s() is None


def test_a_check_begins_when_nothing_else_is_due(bench: Bench) -> None:
    check, other_check = bench.ask(kind="check"), bench.ask(B, kind="check")
    judge = bench.ask()
    assert bench.startable() == [judge, other_check]
    bench.record(A, JobStarted(job=judge, attempt=1, pid=1))
    assert bench.startable() == [other_check]
    bench.record(A, JobSucceeded(job=judge, attempt=1, summary=""))
    assert bench.startable() == [check, other_check]


@pytest.mark.parametrize("jump", [-3600.0, -NOW])
def test_a_debounce_and_a_backoff_end_when_the_clock_was_set_back(
    bench: Bench, jump: float
) -> None:
    # given both kinds of waiting
    debounced, failed = bench.ask(delay=20), bench.ask(B)
    bench.fail(failed, 30, B)
    assert bench.startable() == []

    # when
    bench.pass_(5)
    bench.wall += jump

    # then each waits for as long as it had to
    assert bench.startable() == []
    assert bench.queue.next_s() == 15
    bench.pass_(15)
    assert bench.startable() == [debounced]
    bench.pass_(10)
    assert bench.startable() == [debounced, failed]


def test_a_new_daemon_on_a_clock_in_the_past_waits_for_what_was_asked(bench: Bench) -> None:
    # given what waits, and a boot that begins in 1970
    debounced, failed = bench.ask(delay=20), bench.ask(B)
    bench.pass_(100)
    bench.fail(failed, 30, B)
    bench.wall = 7.0
    bench.boot()

    # then
    assert bench.startable() == []
    bench.pass_(20)
    assert bench.startable() == [debounced]
    bench.pass_(10)
    assert bench.startable() == [debounced, failed]


def test_a_clock_set_forward_lets_everything_begin(bench: Bench) -> None:
    job = bench.ask(delay=3000)
    assert bench.startable() == []
    # It is looked at now and then: no timer fires when somebody sets the clock.
    assert bench.queue.next_s() == LOOK_AGAIN_S
    bench.wall += 3600
    assert bench.startable() == [job]


def test_news_on_a_clock_set_back_do_not_put_off_what_waits(bench: Bench) -> None:
    wait = Debounce(debounce=30, max_wait=120)

    def news() -> None:
        now_us = int(bench.wall * 1e6)
        for event in queue_job(bench.state, "judge", A, "", now_us=now_us, wait=wait):
            bench.record(A, event)

    news()
    assert bench.startable() == []
    bench.pass_(10)
    bench.wall -= 3600
    news()
    bench.pass_(20)
    assert len(bench.startable()) == 1


def test_nothing_waits_for_more_than_a_day_whatever_its_time_says(bench: Bench) -> None:
    job = bench.ask(delay=400 * 86400.0)
    assert bench.startable() == []
    bench.monotonic += LONGEST_S
    assert bench.startable() == [job]
