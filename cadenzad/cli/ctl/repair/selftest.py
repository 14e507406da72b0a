"""`cadenzactl selftest`: run a job that exercises what jobs stand on, where they run."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from cadenzad.cli.base.lookup import find_project
from cadenzad.cli.base.parser import FAILED, OK, add_state_option
from cadenzad.config.files import Config
from cadenzad.config.files import Jobs as JobsConfig
from cadenzad.config.paths import make_state_dir, state_dir
from cadenzad.jobs.runner import Jobs
from cadenzad.requests.handle import carry_out
from cadenzad.requests.inbox import new_request, send
from handlers.routes import JOBS
from store.errors import DaemonError, NoEventLog
from store.lock import WriterLock, is_held
from store.opening import open_writer
from store.reads.state import JobRow, State, job_key
from store.schema import connect_reader

DESCRIPTION = """Queue a job that trains a tiny model, steps a tiny simulation and writes a file
(each where installed), and wait for it: does what jobs need work inside the service?"""
EXAMPLE = "cadenzactl selftest"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", nargs="?", help="also write into this project")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="S", help="seconds (300)")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    directory = make_state_dir(state_dir(arguments.state))
    project = ""
    if arguments.project:
        project = find_project(State(connect_reader(directory)), arguments.project).path
    body = {"kind": "selftest", "project": project, "spec": {}, "reason": "cadenzactl selftest"}
    request = new_request("queue-job", body)
    before = _newest(directory, project)
    if is_held(directory) is None:
        with WriterLock(directory, "cadenzactl selftest").acquire():
            writer = open_writer(directory)
            try:
                carry_out(request, writer)
                reader = connect_reader(directory)
                jobs = Jobs(Config(jobs=JobsConfig(attempts=1)), directory, reader, writer, JOBS)
                jobs.requeue_orphans()
                jobs.work_off()
                jobs.stop()
                reader.close()
            finally:
                writer.close()
    else:
        send(directory, request)
    job = _wait(directory, project, before, arguments.timeout)
    if arguments.json:
        print(json.dumps(job._asdict()))
    else:
        print(f"job {job.id}: {job.state}: {job.result}")
    return OK if job.state == "succeeded" else FAILED


def _newest(directory: Path, project: str) -> int:
    """The last job of this kind before ours."""
    try:
        state = State(connect_reader(directory))
    except NoEventLog:
        return 0
    return max((job.id for job in _selftests(state, project) if job.state != "queued"), default=0)


def _selftests(state: State, project: str) -> list[JobRow]:
    return [job for job in state.jobs(project, limit=50) if job.kind == "selftest"]


def _wait(directory: Path, project: str, before: int, timeout: float) -> JobRow:
    """The job, once an attempt has ended; its progress goes to a terminal meanwhile."""
    state = State(connect_reader(directory))
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        for job in _selftests(state, project):
            if job.id <= before:
                continue
            if job.ended_us is not None or (job.state == "queued" and job.result):
                return job
            progress = state.progress(job_key(job.id))
            if progress and sys.stderr.isatty():
                words = " ".join(f"{key}={value}" for key, value in progress.items())
                print(f"\r\033[K{words}", end="", file=sys.stderr)
        time.sleep(0.1)
    raise DaemonError(
        f"the job has not ended in {timeout:g} s", hint="`cadenzactl jobs` shows where it is"
    )
