"""Who carries a command out, and what is told when that goes otherwise than one thought."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from cadenzad.config.files import Config
from cadenzad.jobs.runner import Jobs
from cadenzad.requests import client, inbox
from cadenzad.requests.byhand import Interrupted, run_job
from cadenzad.requests.client import perform
from cadenzad.requests.commands import CancelJob, QueueJob, Rebuild
from cadenzad.requests.handle import carry_out
from store.errors import DaemonError
from store.lock import WriterLock
from store.opening import open_writer

JOB = QueueJob("selftest", "", {}, "a test", instead=True)


@contextmanager
def a_daemon(home, requests: int) -> Iterator[None]:
    """Somebody who takes that many requests from the inbox, and ends."""
    home.begin_log()
    lock = WriterLock(home.state, inbox.DAEMON_ROLE).acquire()
    given_up = threading.Event()

    def work() -> None:
        writer = open_writer(home.state)
        left = requests
        while left and not given_up.wait(0.005):
            for path in inbox.waiting(home.state):
                carry_out(inbox.read(path), writer)
                inbox.done(path)
                left -= 1
        writer.close()
        lock.release()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        given_up.set()
        thread.join()


def test_a_daemon_carries_it_out(home) -> None:
    with a_daemon(home, requests=1):
        assert perform(home.state, Rebuild("me"), outcome=1).type == "ViewRebuilt"
    assert home.types() == ["RebuildRequested", "ViewRebuilt"]


def test_without_one_it_is_carried_out_here(home) -> None:
    home.begin_log()
    assert perform(home.state, Rebuild("me"), outcome=1).type == "ViewRebuilt"
    assert list((home.state / "inbox").iterdir()) == []


def test_another_command_that_writes_is_waited_for(home) -> None:
    home.begin_log()
    lock = WriterLock(home.state, "cadenzactl").acquire()
    ending = threading.Timer(0.1, lock.release)
    ending.start()
    perform(home.state, Rebuild("me"))
    ending.join()
    assert home.types() == ["RebuildRequested", "ViewRebuilt"]


def test_where_nothing_was_to_be_done_that_is_said(home) -> None:
    home.begin_log()
    with pytest.raises(DaemonError, match="nothing to do any more"):
        perform(home.state, CancelJob(7, "me"))


def test_a_daemon_that_stops_keeps_the_job_that_it_queued(home) -> None:
    with (
        a_daemon(home, requests=1),
        pytest.raises(DaemonError, match="the job goes on at its next start"),
    ):
        run_job(home.state, JOB, config=Config())
    assert home.types() == ["JobQueued"]


def test_another_command_that_never_ends_is_told(home) -> None:
    home.begin_log()
    with (
        WriterLock(home.state, "cadenzactl").acquire(),
        pytest.raises(DaemonError, match=r"another command has held the event log for 0\.1 s"),
    ):
        run_job(home.state, JOB, config=Config(), timeout=0.1)


def test_who_breaks_off_a_job_that_runs_here_cancels_it(home, monkeypatch) -> None:
    def break_off(jobs: Jobs, patience: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Jobs, "turn", break_off)
    with pytest.raises(Interrupted, match="interrupted: job 1 is cancelled"):
        run_job(home.state, JOB, config=Config())
    assert home.types() == ["JobQueued", "JobCancelled"]


def test_who_breaks_off_a_job_of_the_daemon_leaves_it_there(home, monkeypatch) -> None:
    # given somebody who breaks off when the job was seen in the queue
    queued = []

    def break_off(_seconds: float) -> None:
        if queued:
            raise KeyboardInterrupt
        queued.extend(home.types())

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=break_off)
    monkeypatch.setattr(client, "time", clock)
    with a_daemon(home, requests=2), pytest.raises(Interrupted) as caught:
        run_job(home.state, JOB, config=Config())
    assert "`cadenzactl jobs cancel 1` ends it" in caught.value.message
    assert home.types() == ["JobQueued"]
