"""Have a job done, by the daemon or here, show how it goes, and return what came of it."""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cadenzad.cli.base.parser import one_line
from cadenzad.config.files import Config
from cadenzad.config.files import Jobs as JobsConfig
from cadenzad.config.paths import make_state_dir, state_dir
from cadenzad.jobs.runner import Jobs
from cadenzad.requests.handle import carry_out
from cadenzad.requests.inbox import Request, new_request, send, takes_requests
from cadenzad.watch.record import Recorder, record_project
from handlers.lora.recovery import make_good
from handlers.project.paths import printable
from handlers.routes import JOBS
from store.errors import CadenzaError, DaemonError, LockHeldError
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.files import ExportRequested
from store.lock import WriterLock, is_held
from store.log import EventLog
from store.opening import open_writer
from store.reads.state import JobRow, State, job_key
from store.schema import connect_reader

LOOK_S = 0.1
Progress = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Ended:
    """A job and the events it led to, in order."""

    job: JobRow
    events: tuple[Event, ...]

    def of(self, event_type: type[Event]) -> Event | None:
        """The last of these events with a type."""
        return next((e for e in reversed(self.events) if isinstance(e, event_type)), None)


def run_job(
    directory: Path,
    kind: str,
    project: Path,
    spec: Mapping[str, Any],
    reason: str,
    *,
    config: Config,
    timeout: float = 7200.0,
    with_files: bool = False,
) -> Ended:
    """Queue a job and wait for its end; one attempt only when it runs here.

    `with_files`: first have the project's files recorded, as a daemon that watches it would.

    Raises DaemonError when it has not ended in `timeout` seconds. Interrupted, a job that runs here
    is cancelled; one of the daemon goes on, and it is said how to end it.
    """
    make_state_dir(directory)
    body = {
        "kind": kind,
        "project": str(project),
        "spec": {"by": os.environ.get("USER", "user"), **spec},
        "reason": reason,
        "instead": True,
        "with_files": with_files,
    }
    request = new_request("queue-job", body)
    deadline = time.monotonic() + timeout
    with _bar() as show:
        while time.monotonic() < deadline:
            holder = is_held(directory)
            if holder is not None and takes_requests(holder):
                return _by_daemon(directory, request, deadline, show)
            if holder is None:
                try:
                    lock = WriterLock(directory, "cadenza env").acquire()
                except LockHeldError:
                    continue
                with lock:
                    return _here(directory, request, config, show)
            time.sleep(LOOK_S)
    raise DaemonError(f"another command has held the event log for {timeout:g} s")


def _by_daemon(directory: Path, request: Request, deadline: float, show: Progress) -> Ended:
    history = EventLog(connect_reader(directory))
    after = history.head()
    path = send(directory, request)
    state = State(connect_reader(directory))
    job_id: int | None = None
    try:
        while time.monotonic() < deadline:
            if job_id is None:
                job_id = _queued(history, after, request)
            else:
                job = state.job(job_id)
                if job is not None and (job.ended_us or (job.state == "queued" and job.result)):
                    return Ended(job, _led_to(history, job_id))
                show(state.progress(job_key(job_id)) or {})
            if is_held(directory) is None:
                raise DaemonError("the daemon stopped meanwhile; the job goes on at its next start")
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        if job_id is not None:
            print(
                f"\nthe job goes on in the daemon; `cadenzactl cancel {job_id}` ends it",
                file=sys.stderr,
            )
        raise
    finally:
        path.unlink(missing_ok=True)
    raise DaemonError("the job has not ended", hint="`cadenzactl jobs` shows where it is")


def _here(directory: Path, request: Request, config: Config, show: Progress) -> Ended:
    writer = open_writer(directory)
    reader = connect_reader(directory)
    history, state = EventLog(reader), State(reader)
    mine: set[int] = set()

    def ended(job: JobRow) -> None:
        if job.project:
            make_good(Path(job.project), writer)

    # How the job ends is for our caller to say, and once.
    logging.getLogger("cadenzad.jobs").addHandler(logging.NullHandler())
    alone = config.model_copy(
        update={"jobs": JobsConfig(**{**config.jobs.model_dump(), "attempts": 1})}
    )
    jobs = Jobs(
        alone,
        directory,
        connect_reader(directory),
        writer,
        JOBS,
        only=lambda job: job.id in mine,
        ended=ended,
    )
    try:
        jobs.requeue_orphans()
        make_good(Path(request.body["project"]), writer)
        if request.body["with_files"]:
            # Nobody else is there to read a file once more that changes while it is read.
            record_project(
                Path(request.body["project"]), Recorder(reader, writer, lambda _path: None)
            )
        after = history.head()
        carry_out(request, writer)
        job_id = _queued(history, after, request)
        if job_id is None:
            raise DaemonError("the job could not be queued", hint="`cadenzactl jobs` shows why")
        mine.add(job_id)
        try:
            while True:
                job = state.job(job_id)
                assert job is not None
                if job.ended_us or (job.state == "queued" and job.result):
                    return Ended(job, _led_to(history, job_id))
                jobs.turn(patience=LOOK_S)
                show(state.progress(job_key(job_id)) or {})
        except KeyboardInterrupt:
            cancel = new_request("cancel-job", {"job": job_id, "by": "interrupted"})
            carry_out(cancel, writer)
            print(f"interrupted: job {job_id} is cancelled", file=sys.stderr)
            raise
    finally:
        jobs.stop()
        writer.close()
        reader.close()


def _queued(history: EventLog, after: int, request: Request) -> int | None:
    """The id of the job a request queued: the position of that event."""
    wanted = f"request:{request.id}:0"
    found = (record for record in history.read(after) if record.dedup_key == wanted)
    return next((record.position for record in found), None)


def _led_to(history: EventLog, job_id: int) -> tuple[Event, ...]:
    def ours(record: Recorded) -> bool:
        return record.causation == job_id

    return tuple(record.event for record in history.read(job_id) if ours(record))


@contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar on a terminal, nothing elsewhere. Shows `done`/`total` and other values."""
    if not sys.stderr.isatty():
        yield lambda _values: None
        return
    from tqdm import tqdm

    with tqdm(total=None, leave=False, file=sys.stderr) as bar:

        def show(values: Mapping[str, Any]) -> None:
            if not values:
                return
            done, total = values.get("done"), values.get("total")
            if isinstance(total, int) and isinstance(done, int):
                bar.total, bar.n = total, done
            bar.set_description_str(str(values.get("step", "")), refresh=False)
            rest = {k: v for k, v in values.items() if k not in ("done", "total", "step")}
            bar.set_postfix(rest, refresh=True)

        yield show


PATIENCE_S = 5.0
"""How long another command that writes at this moment is waited for."""


def record(flag: str | None, project: Path, requested: ExportRequested, outcome: Event) -> None:
    """Record what was asked for and what came of it; where that is impossible, only warn."""
    request = new_request(
        "record-export",
        {
            "project": printable(str(project)),
            "requested": requested.model_dump(mode="json"),
            "outcome": {"type": outcome.type_name(), "data": outcome.model_dump(mode="json")},
        },
    )
    directory = state_dir(flag)
    try:
        make_state_dir(directory)
        if takes_requests(is_held(directory)):
            send(directory, request)
            return
        try:
            lock = WriterLock(directory, "cadenza").acquire(PATIENCE_S)
        except LockHeldError:
            send(directory, request)  # the next daemon takes it up
            return
        with lock:
            writer = open_writer(directory)
            try:
                carry_out(request, writer)
            finally:
                writer.close()
    except (CadenzaError, OSError, sqlite3.Error) as error:
        print(f"warning: not recorded in the history: {one_line(str(error))}", file=sys.stderr)


LOOK_S = 0.5
"""How often it is looked who could carry the request out, while it is not."""


def perform(directory: Path, request: Request, timeout: float, *, outcome: int = 0) -> Recorded:
    """Have a request carried out, by the daemon or here, and return the event number `outcome`.

    A daemon that stops before it came to the request leaves it to us, another command that writes
    at this moment is waited for. Raises DaemonError when there is no outcome in `timeout` seconds.
    """
    history = EventLog(connect_reader(directory))
    after = history.head()
    wanted = f"request:{request.id}:{outcome}"
    deadline = time.monotonic() + timeout
    path: Path | None = None
    try:
        while time.monotonic() < deadline:
            holder, done = is_held(directory), False
            if holder is None:
                done = _carry_out_here(directory, request)
            elif path is None and takes_requests(holder):
                path = send(directory, request)
            now = time.monotonic()
            for record in history.follow(after, deadline=now if done else now + LOOK_S):
                if record.dedup_key == wanted:
                    return record
            if done:
                raise DaemonError("there was nothing to do any more", hint="somebody was quicker")
    finally:
        if path is not None:
            path.unlink(missing_ok=True)
    raise DaemonError(f"no outcome in {timeout:g} s", hint="`cadenzactl ping` tests the daemon")


def _carry_out_here(directory: Path, request: Request) -> bool:
    """Be the writer for a moment; False when somebody else is."""
    try:
        lock = WriterLock(directory, "cadenzactl").acquire()
    except LockHeldError:
        return False
    with lock:
        writer = open_writer(directory)
        try:
            carry_out(request, writer)
        finally:
            writer.close()
    return True
