"""A job that somebody wants now: queued and waited for, or run here where no daemon is."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cadenzad.config.files import Config
from cadenzad.config.paths import make_state_dir
from cadenzad.jobs.runner import Jobs
from cadenzad.progress import Progress
from cadenzad.requests.client import ask
from cadenzad.requests.commands import CancelJob, QueueJob, new_request
from cadenzad.requests.handle import carry_out
from cadenzad.requests.inbox import event_key, takes_requests
from cadenzad.watch.record import Recorder, record_project
from handlers.recovery import recover
from handlers.routes import EFFECTS, JOBS, NEEDS
from store.errors import DaemonError, MissingExtraError
from store.events.base import Event
from store.lock import is_held
from store.log import History
from store.reads.live import job_key
from store.reads.state import JobRow, State
from store.schema import connect_reader
from store.writer import Writer


@dataclass(frozen=True)
class Ended:
    """A job and the events it led to, in order."""

    job: JobRow
    events: tuple[Event, ...]

    def of(self, event_type: type[Event]) -> Event | None:
        """The last of these events with a type."""
        return next((e for e in reversed(self.events) if isinstance(e, event_type)), None)

    def as_json(self) -> dict[str, Any]:
        """The last event of each type, as programs see it."""
        return {event.type_name(): event.as_shape() for event in self.events}


class Interrupted(KeyboardInterrupt):
    """The user broke off; `message` says what becomes of the job."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def run_job(
    directory: Path,
    command: QueueJob,
    *,
    config: Config,
    progress: Progress = lambda _values: None,
    timeout: float = 7200.0,
) -> Ended:
    """Queue a job and wait for the end of an attempt; the only attempt when it runs here.

    Raises DaemonError when that has not come in `timeout` seconds, Interrupted when the user breaks
    off: a job that runs here is cancelled, one of the daemon goes on.
    """
    make_state_dir(directory)
    extra = NEEDS.get(command.kind)
    if extra is not None and extra.missing:
        raise MissingExtraError(f"{', '.join(extra.missing)}: not installed", hint=extra.fix)
    with closing(_Job(directory, command, progress)) as job:
        return _ended(directory, job, config, timeout)


def _ended(directory: Path, job: _Job, config: Config, timeout: float) -> Ended:
    """The job once it has ended: by the daemon, else in this process."""

    def here(writer: Writer) -> Ended:
        if job.is_queued():
            raise DaemonError("the daemon stopped meanwhile; the job goes on at its next start")
        return _work(directory, job, config, writer)

    try:
        ended = ask(directory, job.request, here, job.ended, timeout, role=job.command.reason)
    except Interrupted:
        raise
    except KeyboardInterrupt:
        if not job.is_queued():  # looked at once more: it may have been taken since
            raise
        hint = f"the job goes on in the daemon; `cadenzactl jobs cancel {job.id}` ends it"
        raise Interrupted(hint) from None
    if ended is None and not takes_requests(is_held(directory)):
        raise DaemonError(f"another command has held the event log for {timeout:g} s")
    if ended is None:
        raise DaemonError(
            f"the job has not ended in {timeout:g} s", hint="`cadenzactl jobs` shows where it is"
        )
    return ended


class _Job:
    """A job that was asked for: which one it is, how it goes, how it ended."""

    def __init__(self, directory: Path, command: QueueJob, progress: Progress) -> None:
        self.command = command
        self.request = new_request(command)
        self.id = 0
        self._directory = directory
        self._progress = progress
        self._opened = ExitStack()

    @cached_property
    def view(self) -> sqlite3.Connection:
        """Opened when it is first needed: with the first command of all the log begins."""
        return self._opened.enter_context(closing(connect_reader(self._directory)))

    def close(self) -> None:
        self._opened.close()

    def is_queued(self) -> bool:
        """Whether the request was carried out; the job's id is known from then on."""
        if not self.id:
            queued = History(self.view).with_key(event_key(self.request.id, 0))
            self.id = queued.position if queued is not None else 0
        return bool(self.id)

    def ended(self) -> Ended | None:
        """The job once an attempt has ended; its progress is told meanwhile."""
        if not self.is_queued():
            return None
        state = State(self.view)
        job = state.job(self.id)
        assert job is not None
        if job.ended_us or (job.state == "queued" and job.result):
            records = History(self.view).read(self.id)
            return Ended(job, tuple(r.event for r in records if r.causation == self.id))
        self._progress(state.progress(job_key(self.id)) or _waiting(state, job))
        return None


def _waiting(state: State, job: JobRow) -> dict[str, Any]:
    """What a job of the daemon's waits for, as progress: another of its project, or its turn."""
    if job.state != "queued":
        return {"step": "starting"}
    running = state.jobs(job.project, "running", limit=1)
    behind = f" for job {running[0].id} ({running[0].kind})" if running else ""
    return {"step": f"waiting{behind}"}


def _work(directory: Path, job: _Job, config: Config, writer: Writer) -> Ended:
    """Queue a job and run it to its end, in this process and once."""
    # How the job ends is for our caller to say, and once.
    logging.getLogger("cadenzad.jobs").addHandler(logging.NullHandler())
    limits = config.jobs.model_copy(update={"attempts": 1})

    def recover_project(project: str) -> None:
        if project:
            recover(Path(project), writer, EFFECTS)

    with closing(connect_reader(directory)) as reader:
        jobs = Jobs(
            config.model_copy(update={"jobs": limits}),
            directory,
            reader,
            writer,
            JOBS,
            only=lambda row: row.id == job.id,
            ended=lambda row: recover_project(row.project),
        )
        try:
            jobs.requeue_orphans()
            recover_project(job.command.project)
            # Nobody else is there to read a file once more that changes while it is read.
            recorder = Recorder(job.view, writer, lambda _path: None)
            carry_out(job.request, writer, lambda project: record_project(project, recorder))
            if not job.is_queued():
                raise DaemonError("the job could not be queued", hint="`cadenzactl jobs` shows why")
            while (outcome := job.ended()) is None:
                jobs.turn(patience=0.1)
            return outcome
        except KeyboardInterrupt:
            if not job.is_queued():
                raise
            carry_out(new_request(CancelJob(job.id, "interrupted")), writer)
            raise Interrupted(f"interrupted: job {job.id} is cancelled") from None
        finally:
            jobs.stop()
