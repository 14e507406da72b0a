"""Have a command carried out: by the daemon if one runs, else here, as the writer for a moment.

A daemon takes requests from the inbox; another command that writes at this moment is waited for. A
daemon that stops before it came to a request leaves it to us. A request is carried out once however
often that happens: its id is the key of its events.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from cadenzad.config.files import Config
from cadenzad.config.paths import make_state_dir
from cadenzad.jobs.runner import Jobs
from cadenzad.maintenance.candidate import Candidate
from cadenzad.requests import inbox
from cadenzad.requests.commands import (
    CancelJob,
    Command,
    QueueJob,
    RecordExport,
    new_request,
)
from cadenzad.requests.handle import carry_out
from cadenzad.requests.inbox import Request, event_key, path_of, takes_requests
from cadenzad.requests.prune import PRUNED, batches
from cadenzad.watch.record import Recorder, record_project
from handlers.recovery import recover
from handlers.routes import EFFECTS, JOBS
from store.errors import CadenzaError, DaemonError, LockHeldError
from store.events.base import Event
from store.events.envelope import Recorded
from store.lock import WriterLock, is_held
from store.log import EventLog
from store.opening import open_writer
from store.ownership import expect_own
from store.reads.state import JobRow, State, job_key
from store.schema import connect_reader
from store.writer import Writer

T = TypeVar("T")
Progress = Callable[[Mapping[str, Any]], object]
"""Called with what a job says of itself while it runs."""

LOOK_S = 0.02
"""How often it is looked for an outcome, and for who could carry the request out."""

PATIENCE_S = 5.0
"""How long another command that writes at this moment is waited for to record an export."""


def perform(
    directory: Path, command: Command, timeout: float = 10.0, *, outcome: int = 0
) -> Recorded:
    """Have a command carried out and return the event number `outcome` that it leads to.

    Raises DaemonError when there is no such event in `timeout` seconds, or nothing was to be done.
    """
    request = new_request(command)
    key = event_key(request.id, outcome)
    with closing(connect_reader(directory)) as reader:
        history = EventLog(reader)

        def here(writer: Writer) -> Recorded:
            carry_out(request, writer)
            found = history.with_key(key)
            if found is None:
                raise DaemonError("there was nothing to do any more", hint="somebody was quicker")
            return found

        found = _ask(directory, request, here, lambda: history.with_key(key), timeout)
    if found is None:
        hint = "`cadenzactl ping` tests the daemon"
        raise DaemonError(f"no outcome in {timeout:g} s", hint=hint)
    return found


def record_export(directory: Path, command: RecordExport) -> None:
    """Have an export that was made by hand recorded; what nobody takes now, the next daemon does.

    Raises CadenzaError, OSError or sqlite3.Error where that is impossible.
    """
    request = new_request(command)

    def here(writer: Writer) -> bool:
        carry_out(request, writer)
        return True

    make_state_dir(directory)
    _ask(directory, request, here, lambda: True, PATIENCE_S, role="cadenza", keep=True)


def finish_prunes(directory: Path) -> None:
    """Carry out what a kill left of earlier prunes; a daemon that runs has done so at its start."""
    left = list(inbox.waiting(directory))
    if not left or is_held(directory) is not None:
        return
    with contextlib.suppress(LockHeldError), _writer(directory, "cadenzactl db prune") as writer:
        for path in left:
            with contextlib.suppress(CadenzaError, OSError):  # the next daemon says what is wrong
                request = inbox.read(path)
                if request.kind == "prune":
                    carry_out(request, writer)
                    inbox.done(path)


def prune(
    directory: Path,
    files: Sequence[Candidate],
    *,
    force: bool,
    timeout: float = 600.0,
    progress: Callable[[int], object] = lambda _files: None,
) -> dict[int, str]:
    """Have files pruned; the index and the reason of each that stayed.

    `progress` is told how many files more were gone through. Raises DaemonError when a request
    (there is one for some 200 files) is not carried out in `timeout` seconds: it stays in the inbox
    then, as it does after a kill.
    """
    kept: dict[int, str] = {}
    done = 0
    with closing(connect_reader(directory)) as reader:
        for command in batches(files, force=force):
            stayed = _prune(directory, State(reader), new_request(command), timeout)
            kept |= {done + index: reason for index, reason in stayed.items()}
            done += len(command.files)
            progress(len(command.files))
    return kept


def _prune(directory: Path, state: State, request: Request, timeout: float) -> dict[int, str]:
    def here(writer: Writer) -> dict[int, str] | None:
        carry_out(request, writer)
        return _pruned(state, request)

    def there() -> dict[int, str] | None:
        return _pruned(state, request)

    stayed = _ask(directory, request, here, there, timeout, role="cadenzactl db prune", keep=True)
    if stayed is None:
        raise DaemonError(
            f"no outcome in {timeout:g} s: the request waits in {path_of(directory, request)}",
            hint="`cadenzactl ping` tests the daemon; delete that file to take the request back",
        )
    return stayed


def _pruned(state: State, request: Request) -> dict[int, str] | None:
    """What came of a prune request; None while it is not carried out."""
    answer: dict[str, Any] | None = state.progress(PRUNED)
    if answer is None or answer["id"] != request.id:
        return None
    return dict(answer["kept"])


# -- jobs ------------------------------------------------------------------------------------------


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
        return {event.type_name(): event.model_dump(mode="json") for event in self.events}


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
    job = _Job(directory, command, progress)

    def here(writer: Writer) -> Ended:
        if job.is_queued():
            raise DaemonError("the daemon stopped meanwhile; the job goes on at its next start")
        return _work(directory, job, config, writer)

    try:
        ended = _ask(directory, job.request, here, job.ended, timeout, role=command.reason)
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

    @cached_property
    def view(self) -> sqlite3.Connection:
        """Opened when it is first needed: with the first command of all the log begins."""
        return connect_reader(self._directory)

    def is_queued(self) -> bool:
        """Whether the request was carried out; the job's id is known from then on."""
        if not self.id:
            queued = EventLog(self.view).with_key(event_key(self.request.id, 0))
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
            records = EventLog(self.view).read(self.id)
            return Ended(job, tuple(r.event for r in records if r.causation == self.id))
        self._progress(state.progress(job_key(self.id)) or {})
        return None


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


# -- who does it -----------------------------------------------------------------------------------


def _ask(
    directory: Path,
    request: Request,
    here: Callable[[Writer], T | None],
    there: Callable[[], T | None],
    timeout: float,
    *,
    role: str = "cadenzactl",
    keep: bool = False,
) -> T | None:
    """What comes of a request; None when nothing has in `timeout` seconds.

    `here(writer)` carries it out, when nobody else writes. `there()` looks for the outcome while a
    daemon has the request; None: not yet. `role` is what others call us while we write. `keep`: the
    request lies in the inbox from the beginning, and stays there until it is carried out; else it
    is taken back.
    """
    expect_own(directory)
    path = inbox.send(directory, request) if keep else None
    deadline = time.monotonic() + timeout
    try:
        while time.monotonic() < deadline:
            holder = is_held(directory)
            if holder is None:
                with contextlib.suppress(LockHeldError), _writer(directory, role) as writer:
                    result = here(writer)
                    keep = False
                    return result
            elif takes_requests(holder):
                path = path or inbox.send(directory, request)
                if (result := there()) is not None:
                    return result
            time.sleep(LOOK_S)
        return None
    finally:
        if path is not None and not keep:
            path.unlink(missing_ok=True)


@contextmanager
def _writer(directory: Path, role: str) -> Iterator[Writer]:
    """Be the writer for a moment. Raises LockHeldError when somebody else is."""
    with WriterLock(directory, role).acquire(), closing(open_writer(directory)) as writer:
        yield writer
