"""Jobs: leases, retries, dead ends, fencing, and children that never outlive their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checkout import ROOT
from children import importing_from
from waiting import eventually

from cadenzad.config.files import Config
from cadenzad.config.settings import Jobs as JobsConfig
from cadenzad.jobs import places, runner
from cadenzad.jobs.cluster.executor import SUBMIT
from cadenzad.jobs.executor import Executor, Local
from cadenzad.jobs.queue import Queue
from cadenzad.jobs.retry import RetryPolicy
from cadenzad.jobs.runner import Jobs
from cadenzad.logfiles import job_log, read_log
from cadenzad.requests.commands import CancelJob, Pause, Resume, RetryJob, new_request
from cadenzad.requests.handle import carry_out
from handlers.extras import Extra
from handlers.jobs import queue_job
from store import interpreter
from store.events.envelope import NewEvent, project_stream
from store.events.files import ProjectDiscovered
from store.events.process import JobQueued, JobStarted
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader

KINDS = """
import os, signal, sys, time
from pathlib import Path
from handlers.jobs import JobResult, PermanentFailure, TryLater
from store.events.process import JobRetried, WatchRestored

def good(context):
    print("talk on stdout is no protocol")
    os.write(1, b"nor is this\\n")
    context.report({"epoch": 1, "loss": 0.5})
    return JobResult((WatchRestored(code=context.spec["code"]),), "all well")

def chatty(context):
    print("\\x1b[2Jcleared", file=sys.stderr)
    os.system("printf 'from a child \\\\033[1m gsk_abcdefghij\\\\n'")
    sys.stderr.write("cut short")
    return JobResult(summary="said a lot")

def bad(context):
    raise ValueError("no such thing\\nand a second line")

def hopeless(context):
    raise PermanentFailure("the data is wrong")

def flaky(context):
    mark = Path(context.spec["mark"])
    if not mark.exists():
        mark.touch()
        raise RuntimeError("not yet")
    return JobResult(summary="second time")

def forever(context):
    Path(context.spec["pid"]).write_text(str(os.getpid()))
    while True:
        time.sleep(0.01)

def patient(context):
    while not Path(context.spec["mark"]).exists():
        time.sleep(0.01)
    return JobResult(summary="somebody lives")

def stopped(context):
    os.kill(os.getpid(), signal.SIGSTOP)

def dies(context):
    os.kill(os.getpid(), signal.SIGKILL)

def terminated(context):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)

def later(context):
    raise TryLater("not now", 0.0, events=(WatchRestored(code=f"try {context.attempt}"),))

def lost(context):
    raise PermanentFailure("lost", events=(WatchRestored(code="found"),))

def reminder(context):
    return JobResult(summary="something is missing", once=True)

def huge(context):
    from store.events.prompt import RunsJudged, TokenUsage
    usage = TokenUsage(total=2**70)
    return JobResult((RunsJudged(runs=1, ticks=1, findings=(), evidence_sha256="e", usage=usage),))

def stubborn(context):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    forever(context)
"""
NAMES = ("good", "bad", "hopeless", "flaky", "forever", "stopped", "dies", "terminated", "stubborn")
NAMES += ("later", "lost", "reminder", "huge", "chatty", "patient")
PROJECT = "/robots/rescue"


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A state directory with a writer, and job kinds of this test's own."""
    (tmp_path / "jobkinds_for_tests.py").write_text(KINDS)
    monkeypatch.setattr(interpreter, "command", importing_from(tmp_path))
    made = Bench(tmp_path)
    yield made
    made.close()


class Bench:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.writer = open_writer(directory)
        self.reader = connect_reader(directory)
        self.state = State(self.reader)
        self.functions = {name: f"jobkinds_for_tests:{name}" for name in NAMES}
        self.made: list[Jobs] = []

    def jobs(self, where: Executor | None = None, only=lambda _job: True, **config: float) -> Jobs:
        quick = {"backoff": 0.01, "heartbeat": 0.05, "lease": 5, "timeout": 20, "attempts": 2}
        jobs = Jobs(
            Config(jobs=JobsConfig(**quick | config)),
            self.directory,
            connect_reader(self.directory),
            self.writer,
            self.functions,
            jitter=lambda: 0.5,
            executor=where,
            only=only,
        )
        self.made.append(jobs)
        return jobs

    def queue(self, kind: str, project: str = "", **spec: object) -> int:
        event = JobQueued(kind=kind, project=project, spec=spec, reason="test")
        stream = project_stream(project) if project else "daemon"
        return self.writer.append(NewEvent(stream, event))[0].position

    def ended(self, *ids: int) -> bool:
        return all(self.state.job(job).ended_us is not None for job in ids)

    def work_off(self, jobs: Jobs, *ids: int) -> None:
        self.turn_until(jobs, lambda: self.ended(*ids))

    def turn_until(self, jobs: Jobs, condition) -> None:
        """Turn the loop, which waits for its children, until a condition holds."""

        def turned() -> bool:
            if met := condition():
                return met
            jobs.turn(patience=0.02)
            return False

        eventually(turned, "what the jobs were to do", every=0)

    def types(self) -> list[str]:
        return self.writer.run(lambda t: [event.type for event in t.log.read()])

    def close(self) -> None:
        for jobs in self.made:
            jobs.stop()
            jobs._state._connection.close()
        self.reader.close()
        self.writer.close()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_job_returns_events_and_a_summary_in_one_commit(bench):
    job = bench.queue("good", code="x")
    bench.work_off(bench.jobs(), job)
    assert bench.types() == ["JobQueued", "JobStarted", "WatchRestored", "JobSucceeded"]
    ended = bench.state.job(job)
    assert (ended.state, ended.result, ended.attempt) == ("succeeded", "all well", 1)
    assert bench.state.progress(f"job:{job}") is None


def test_whoever_works_jobs_off_gives_signs_of_life_meanwhile(bench, tmp_path):
    job = bench.queue("patient", mark=str(tmp_path / "mark"))
    bench.jobs().work_off(alive=(tmp_path / "mark").touch)
    assert bench.state.job(job).result == "somebody lives"


def test_what_a_job_prints_reaches_stderr_as_lines_of_the_log(bench, capfd):
    job = bench.queue("chatty")
    bench.work_off(bench.jobs(), job)
    printed = capfd.readouterr().err
    assert bench.state.job(job).result == "said a lot"
    assert "INFO \\x1b[2Jcleared\n" in printed
    assert "INFO from a child \\x1b[1m [redacted]\n" in printed
    assert "INFO cut short\n" in printed
    logged = [record["message"] for record in read_log(job_log(bench.directory, job), 10)]
    assert logged[-2:] == ["from a child \x1b[1m [redacted]", "cut short"]
    assert "\x1b" not in printed


def test_a_failing_job_is_tried_again_and_then_given_up(bench):
    job = bench.queue("bad")
    bench.work_off(bench.jobs(attempts=3), job)
    ended = bench.state.job(job)
    assert (ended.state, ended.attempt) == ("failed", 3)
    assert ended.result == "ValueError: no such thing"
    assert bench.types().count("JobFailed") == 3


def test_a_job_that_fails_once_succeeds_the_second_time(bench, tmp_path):
    job = bench.queue("flaky", mark=str(tmp_path / "mark"))
    bench.work_off(bench.jobs(), job)
    assert bench.state.job(job).result == "second time"


def test_a_permanent_failure_is_not_tried_again(bench):
    job = bench.queue("hopeless")
    bench.work_off(bench.jobs(attempts=5), job)
    assert (bench.state.job(job).state, bench.state.job(job).attempt) == ("failed", 1)
    assert bench.state.job(job).result == "the data is wrong"


def test_what_was_found_before_a_failure_is_stored_with_it(bench):
    job = bench.queue("lost")
    bench.work_off(bench.jobs(), job)
    assert bench.types() == ["JobQueued", "JobStarted", "WatchRestored", "JobFailed"]
    assert bench.state.job(job).result == "lost"


def test_a_job_that_is_always_for_later_ends_all_the_same(bench):
    job = bench.queue("later")
    bench.work_off(bench.jobs(attempts=2), job)
    ended, most = bench.state.job(job), RetryPolicy(2, 0).later_attempts
    assert (ended.state, ended.attempt, ended.result) == ("failed", most, "not now")
    codes = bench.writer.run(
        lambda t: [r.event.code for r in t.log.read() if r.type == "WatchRestored"]
    )
    assert codes == [f"try {attempt}" for attempt in range(1, most + 1)]


def test_a_result_that_cannot_be_stored_fails_its_job_and_nothing_else(bench, caplog):
    # given a daemon's thread, and a job whose event holds a number that no column can
    jobs = bench.jobs()
    jobs.start()
    odd, next_one = bench.queue("huge", PROJECT), bench.queue("good", code="x")
    jobs.wake()

    def ended() -> bool:
        assert jobs._thread.is_alive()
        return bench.ended(odd, next_one)

    eventually(ended, "both jobs")

    # then that one has failed, in one line, and the next was done
    assert bench.state.job(next_one).state == "succeeded"
    failed = bench.state.job(odd)
    assert failed.state == "failed"
    assert failed.result.startswith("its result cannot be stored: OverflowError")
    assert "\n" not in failed.result
    assert "RunsJudged" not in bench.types()


def test_a_reminder_is_logged_once_in_a_daemons_life(bench, caplog):
    caplog.set_level("INFO", "cadenzad.jobs")
    jobs = bench.jobs()
    for project in ("/a", "/b", "/a"):
        bench.work_off(jobs, bench.queue("reminder", project))
    told = [record for record in caplog.records if "something is missing" in record.message]
    assert len(told) == 1
    bench.work_off(bench.jobs(), bench.queue("reminder", "/a"))
    told = [record for record in caplog.records if "something is missing" in record.message]
    assert len(told) == 2


def test_a_backoff_is_waited_for(bench):
    jobs = bench.jobs(backoff=100, attempts=3)
    job = bench.queue("bad")
    bench.turn_until(jobs, lambda: bench.state.job(job).result)
    waiting = bench.state.job(job)
    assert waiting.state == "queued"
    assert 95e6 < waiting.not_before_us - time.time_ns() // 1000 <= 100e6
    assert Queue(bench.state).startable() == []


def test_a_child_that_is_killed_says_so(bench):
    job = bench.queue("dies")
    bench.work_off(bench.jobs(attempts=1), job)
    assert "SIGKILL" in bench.state.job(job).result


def test_a_child_that_somebody_else_terminates_is_queued_again(bench):
    # as systemd does, which signals the daemon and its children at once
    job = bench.queue("terminated")
    bench.turn_until(bench.jobs(attempts=1), lambda: "JobRequeued" in bench.types())
    assert bench.state.job(job).attempt <= 1
    assert "JobFailed" not in bench.types()


def test_a_child_that_takes_too_long_is_ended(bench, tmp_path):
    job = bench.queue("forever", pid=str(tmp_path / "pid"))
    bench.work_off(bench.jobs(attempts=1, timeout=1.0), job)
    assert bench.state.job(job).result == "it took longer than 1 s"
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_a_child_that_falls_silent_loses_its_lease(bench, monkeypatch):
    monkeypatch.setattr("cadenzad.jobs.process.GRACE_S", 0.2)
    job = bench.queue("stopped")
    bench.work_off(bench.jobs(attempts=1, lease=0.8), job)
    assert bench.state.job(job).result == "it was silent for 0.8 s"


def test_a_child_that_ignores_sigterm_is_killed(bench, tmp_path, monkeypatch):
    monkeypatch.setattr("cadenzad.jobs.process.GRACE_S", 0.2)
    job = bench.queue("stubborn", pid=str(tmp_path / "pid"))
    bench.work_off(bench.jobs(attempts=1, timeout=1.0), job)
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_an_unknown_kind_is_given_up_at_once(bench):
    job = bench.queue("unheard")
    bench.work_off(bench.jobs(), job)
    assert bench.state.job(job).result == "no job kind 'unheard'"


def test_one_job_runs_per_project_and_workers_bound_them_all(bench, tmp_path):
    jobs = bench.jobs(workers=2)
    for project in ("/a", "/b", "/c"):
        bench.queue("forever", project, pid=str(tmp_path / f"{project[1]}-1"))
        bench.queue("good", project, code="x")
    bench.turn_until(jobs, lambda: len(bench.state.jobs(state="running")) == 2)
    jobs.turn(patience=0.05)
    running = bench.state.jobs(state="running")
    assert sorted(job.project for job in running) == ["/a", "/b"]
    assert {job.kind for job in running} == {"forever"}


def test_a_queue_that_takes_long_to_read_is_not_read_after_each_news(bench, monkeypatch):
    # given a look at the queue, and a long rest after it
    monkeypatch.setattr(runner, "QUICK_S", -1.0)
    monkeypatch.setattr(runner, "REST", 1e9)
    jobs = bench.jobs()
    first = bench.queue("unheard")
    jobs.turn(patience=0)
    assert bench.ended(first)

    # when a job is queued meanwhile, then it waits until the rest is over
    second = bench.queue("unheard")
    jobs.turn(patience=0)
    assert not bench.ended(second)
    jobs._rested_at = 0.0
    jobs.turn(patience=0)
    assert bench.ended(second)


def test_what_is_wanted_now_does_not_wait_for_what_a_daemon_left_in_the_queue(bench):
    older = bench.queue("forever", PROJECT)
    wanted = bench.queue("good", PROJECT, code="x")
    bench.work_off(bench.jobs(only=lambda job: job.id == wanted), wanted)
    assert bench.state.job(wanted).state == "succeeded"
    assert bench.state.job(older).state == "queued"


def test_only_one_job_of_a_kind_waits_per_project(bench):
    first = bench.writer.run(
        lambda t: list(queue_job(State(t.connection), "good", "", "because", {"code": "x"}))
    )
    bench.writer.append(*(NewEvent("daemon", event) for event in first))
    again = bench.writer.run(lambda t: list(queue_job(State(t.connection), "good", "", "again")))
    assert (len(first), again) == (1, [])


def test_a_paused_project_starts_no_job(bench):
    found = ProjectDiscovered.of_shape(
        {
            "name": "rescue",
            "path": PROJECT,
            "mission": "m",
            "robot": "go1",
            "phases": ["a"],
            "file": {
                "path": "env.json",
                "dev": 1,
                "ino": 1,
                "size": 1,
                "mtime_ns": 1,
                "sha256": "e" * 64,
            },
        }
    )
    bench.writer.append(NewEvent(project_stream(PROJECT), found))
    job = bench.queue("good", PROJECT, code="x")
    carry_out(new_request(Pause(PROJECT, "test")), bench.writer)
    jobs = bench.jobs()
    jobs.turn(patience=0.05)
    assert bench.state.job(job).state == "queued"
    carry_out(new_request(Resume(PROJECT, "test")), bench.writer)
    bench.work_off(jobs, job)
    assert bench.state.job(job).state == "succeeded"


def test_a_cancelled_job_is_ended_and_stays_cancelled(bench, tmp_path):
    jobs = bench.jobs()
    pid = tmp_path / "pid"
    job = bench.queue("forever", pid=str(pid))
    bench.turn_until(jobs, pid.exists)
    carry_out(new_request(CancelJob(job, "test")), bench.writer)
    bench.turn_until(jobs, lambda: not is_alive(int(pid.read_text() or 0)))
    jobs.turn(patience=0.1)
    assert bench.state.job(job).state == "cancelled"
    assert "JobFailed" not in bench.types()


def test_a_failed_job_can_be_retried_by_hand(bench):
    jobs = bench.jobs(attempts=1)
    job = bench.queue("bad")
    bench.work_off(jobs, job)
    carry_out(new_request(RetryJob(job, "test")), bench.writer)
    assert (bench.state.job(job).state, bench.state.job(job).attempt) == ("queued", 0)
    bench.work_off(jobs, job)
    assert bench.types().count("JobStarted") == 2


def test_what_an_overtaken_attempt_returns_is_not_stored(bench, tmp_path):
    # given a child whose job was requeued behind its back and taken by a later attempt
    jobs = bench.jobs()
    pid = tmp_path / "pid"
    job = bench.queue("forever", pid=str(pid))
    bench.turn_until(jobs, pid.exists)
    child = jobs._children._running[job]
    carry_out(new_request(CancelJob(job, "test")), bench.writer)
    carry_out(new_request(RetryJob(job, "test")), bench.writer)
    bench.writer.append(NewEvent("daemon", JobStarted(job=job, attempt=7, pid=1)))

    # when it comes back with a result
    child.outcome = {"summary": "too late"}
    before = len(bench.types())
    jobs._recording.ended(child, child.outcome, 0.01)

    # then
    assert len(bench.types()) == before


def test_stopping_requeues_what_runs_without_counting_the_attempt(bench, tmp_path):
    jobs = bench.jobs()
    jobs.start()
    pid = tmp_path / "pid"
    job = bench.queue("forever", pid=str(pid))
    jobs.wake()
    eventually(lambda: pid.exists() and pid.read_text(), "the job runs")
    jobs.stop()
    assert (bench.state.job(job).state, bench.state.job(job).attempt) == ("queued", 0)
    assert not is_alive(int(pid.read_text()))


def test_what_a_dead_daemon_left_running_is_queued_again_then_given_up(bench):
    job = bench.queue("good", code="x")
    bench.writer.append(NewEvent("daemon", JobStarted(job=job, attempt=1, pid=1)))
    bench.jobs().requeue_orphans()
    assert (bench.state.job(job).state, bench.state.job(job).attempt) == ("queued", 1)
    bench.writer.append(NewEvent("daemon", JobStarted(job=job, attempt=2, pid=1)))
    bench.jobs().requeue_orphans()
    assert bench.state.job(job).state == "failed"


def test_a_child_dies_with_a_parent_that_is_killed(bench, tmp_path):
    # given a parent process whose job runs
    pid = tmp_path / "child.pid"
    bench.queue("forever", pid=str(pid))
    script = (
        "import sys; from pathlib import Path\n"
        "from cadenzad.config.files import Config\nfrom cadenzad.jobs.runner import Jobs\n"
        "from store.opening import open_writer\nfrom store.schema import connect_reader\n"
        "from children import importing_from\nfrom store import interpreter\n"
        "d = Path(sys.argv[1])\ninterpreter.command = importing_from(d)\n"
        "jobs = Jobs(Config(), d, connect_reader(d), open_writer(d),"
        " {'forever': 'jobkinds_for_tests:forever'})\njobs.start()\nimport time; time.sleep(60)\n"
    )
    environ = os.environ | {"PYTHONPATH": str(ROOT / "tests" / "support")}
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], env=environ)
    eventually(lambda: pid.exists() and pid.read_text(), "the job runs")
    child = int(pid.read_text())
    assert is_alive(child)

    # when
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    # then
    eventually(lambda: not is_alive(child), "the child is gone")


def test_the_key_reaches_no_child(bench, monkeypatch):
    from cadenzad.jobs.process import _environ

    monkeypatch.setenv("GROQ_API_KEY", "gsk_secret")
    assert "GROQ_API_KEY" not in _environ()


def test_what_is_not_installed_is_waited_for_by_one_job_that_says_so(bench, monkeypatch):
    # given a kind that needs a package, and another that does not
    needs = {"good": Extra("magic", ("no_such_package_anywhere",))}
    monkeypatch.setattr(places, "NEEDS", needs)
    waits = bench.queue("good", "/robots/rescue", code="x")
    works = bench.queue("reminder", "/robots/rescue")
    jobs = bench.jobs()

    # when
    jobs.work_off()

    # then the other is done, nothing was tried, and what is missing is said
    assert bench.ended(works)
    waiting = bench.state.job(waits)
    assert (waiting.state, waiting.attempt) == ("queued", 0)
    told = bench.state.progress(f"job:{waits}")
    assert told == {"step": "waits for no_such_package_anywhere: pip install 'cadenzad[magic]'"}

    # when it is installed
    monkeypatch.setattr(places, "NEEDS", {})
    bench.work_off(jobs, waits)
    assert bench.state.job(waits).state == "succeeded"


# -- another executor ------------------------------------------------------------------------------


class Full(Local):
    """A cluster that has no place as long as `says` says so."""

    says = "waits for 1 GPU: 0 of 1 free"

    def obstacle(self, kind: str) -> str:
        return self.says


class Gone(Local):
    """A cluster that is not there when a job comes."""

    def module(self, kind: str) -> str:
        return SUBMIT

    def request(self, kind: str) -> dict[str, object]:
        cluster = {"address": "127.0.0.2:1", "lease": 5, "resources": {}, "parts": {}}
        return {"kind": "retrain", "cluster": cluster}


def test_a_job_without_a_place_stays_queued_and_says_why(bench):
    where = Full()
    jobs, job = bench.jobs(where), bench.queue("good", code="x")
    jobs.turn(patience=0)
    jobs.work_off()  # which does not wait for what may never come
    bench.writer.run(lambda _: None)
    assert bench.types() == ["JobQueued"]
    assert bench.state.progress(f"job:{job}") == {"step": where.says}
    where.says = ""
    bench.work_off(jobs, job)
    assert bench.state.job(job).state == "succeeded"
    assert bench.state.progress(f"job:{job}") is None


def test_a_job_that_found_nobody_is_put_back_and_has_lost_no_attempt(bench):
    jobs, job = bench.jobs(Gone(), backoff=60), bench.queue("good", code="x")
    bench.turn_until(jobs, lambda: "JobPostponed" in bench.types())
    assert bench.types() == ["JobQueued", "JobStarted", "JobRequeued", "JobPostponed"]
    now = bench.state.job(job)
    assert (now.state, now.attempt) == ("queued", 0)
    assert now.not_before_us > now.queued_us
