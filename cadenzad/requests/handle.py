"""What a request leads to, with or without a daemon: the same events."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from cadenzad.requests import commands
from cadenzad.requests.decode import decode, unfit
from cadenzad.requests.inbox import PONG, Request, event_key
from store.errors import InputError
from store.events.adapter import CodeTrusted
from store.events.base import Event
from store.events.envelope import DAEMON_STREAM, NewEvent, project_stream
from store.events.exports import ExportFailed, ExportRequested, RunExported
from store.events.files import ProjectPaused, ProjectResumed
from store.events.process import JobCancelled, JobQueued, JobRetried, RebuildRequested, ViewRebuilt
from store.reads.state import State
from store.views import replay
from store.writer import Transaction, Writer

Unit = Callable[[Transaction], None]
RecordFiles = Callable[[Path], object]
"""Records the files of a project that somebody wants something done for."""


def carry_out(request: Request, writer: Writer, record_files: RecordFiles | None = None) -> None:
    """Do what a request asks, committed when this returns.

    `record_files` is called first for a job that wants it. Raises InputError for a kind nobody
    knows or a body that does not fit it.
    """
    command = decode(request)
    try:
        writer.run(lambda transaction: _expect_projects(command, State(transaction.connection)))
        if isinstance(command, commands.Prune):
            from cadenzad.requests.prune import prune

            # Deletes files too: more than one transaction, and safe to repeat half-way.
            prune(request.id, command, writer)
            return
        if isinstance(command, commands.QueueJob) and command.with_files and record_files:
            record_files(Path(command.project))
        # The writer refuses what no event can hold: half a character, a number beyond 64 bits.
        writer.run(_unit(request.id, command))
    except (ValueError, OverflowError) as error:
        raise unfit(request, error) from None


def _unit(request_id: str, command: commands.Command) -> Unit:
    """A command as a unit of the writer's work; its events are keyed by the request."""
    key = event_key(request_id, 0)
    match command:
        case commands.Ping():
            answer = {"id": request_id, "at": time.time()}
            return lambda transaction: transaction.set_progress(PONG, answer)
        case commands.Rebuild():
            return _rebuild(request_id, command)
        case commands.RecordExport():
            return _record_export(request_id, command)
        case commands.QueueJob():
            return _queue_job(request_id, command)
        case commands.CancelJob(job, by):
            return _change_job(key, JobCancelled(job=job, by=by), ("queued", "running"))
        case commands.RetryJob(job, by):
            return _change_job(key, JobRetried(job=job, by=by), ("failed", "cancelled"))
        case commands.Pause(project, by):
            return _change_project(key, project, ProjectPaused(by=by))
        case commands.Resume(project, by):
            return _change_project(key, project, ProjectResumed(by=by))
        case commands.Trust():
            stream = project_stream(command.project)
            trusted = CodeTrusted(
                path=command.path, sha256=command.sha256, by=command.by, files=command.files
            )
            return lambda transaction: _append(transaction, NewEvent(stream, trusted, key))
        case commands.Prune():
            raise AssertionError("is carried out by prune.py")
    assert_never(command)


def _append(transaction: Transaction, event: NewEvent) -> None:
    transaction.append(event)


def _expect_projects(command: commands.Command, state: State) -> None:
    """Raises ValueError unless every project is a real path of one that is known, or was named."""
    named = False
    match command:
        case commands.Prune(files=files):
            projects = {item.project for item in files}
        case commands.QueueJob(project=project, named=named):
            projects = {project} - {""}
        case commands.RecordExport(project=project, named=named):
            projects = {project}
        case commands.Trust(project=project, named=named):
            projects = {project}
        case commands.Pause(project) | commands.Resume(project):
            projects = {project}
        case _:
            return
    for project in projects:
        if not os.path.isabs(project):
            raise ValueError(f"project: {project!r} is not an absolute path")
        if (real := os.path.realpath(project)) != project:
            raise ValueError(f"project: {project!r} is not its real path, which is {real!r}")
        if not named and state.project(project) is None:
            raise ValueError(f"project: {project!r} is none that the log knows, nor was it named")


def _rebuild(request_id: str, command: commands.Rebuild) -> Unit:
    requested = RebuildRequested(requested_by=command.requested_by)

    def unit(transaction: Transaction) -> None:
        key = event_key(request_id, 0)
        first = transaction.append(NewEvent(DAEMON_STREAM, requested, dedup_key=key))
        if not first:
            return
        before = replay.view_hash(transaction.connection)
        count = replay.rebuild(transaction.connection)
        after = replay.view_hash(transaction.connection)
        rebuilt = ViewRebuilt(
            events=count, previous_hash=before, new_hash=after, same=before == after
        )
        transaction.append(
            NewEvent(
                DAEMON_STREAM,
                rebuilt,
                dedup_key=event_key(request_id, 1),
                causation=first[0].position,
            )
        )

    return unit


def _record_export(request_id: str, command: commands.RecordExport) -> Unit:
    """An export that somebody made by hand: that it was asked for, and what came of it."""
    stream = project_stream(command.project)
    requested = ExportRequested.of_shape(command.requested)
    outcome: Event
    if command.outcome.type == RunExported.type_name():
        outcome = RunExported.of_shape(command.outcome.data)
    else:
        outcome = ExportFailed.of_shape(command.outcome.data)

    def unit(transaction: Transaction) -> None:
        key = event_key(request_id, 0)
        first = transaction.append(NewEvent(stream, requested, dedup_key=key))
        if first:
            key, cause = event_key(request_id, 1), first[0].position
            transaction.append(NewEvent(stream, outcome, dedup_key=key, causation=cause))

    return unit


def _queue_job(request_id: str, command: commands.QueueJob) -> Unit:
    from handlers.routes import JOBS  # all capabilities with it, and an export needs none

    kind, project = command.kind, command.project
    queued = JobQueued(kind=kind, project=project, spec=dict(command.spec), reason=command.reason)
    if kind not in JOBS:
        raise InputError(f"request {request_id}: no job kind {kind!r}")

    def unit(transaction: Transaction) -> None:
        stream = project_stream(project) if project else DAEMON_STREAM
        for job in State(transaction.connection).jobs(project, "queued"):
            if job.kind != kind:
                continue
            if not command.instead:
                return
            # What somebody asks for by hand has its own settings: it takes the waiting one's place.
            cancelled = JobCancelled(job=job.id, by=command.reason)
            key = event_key(request_id, 1)
            transaction.append(NewEvent(stream, cancelled, dedup_key=key, causation=job.id))
        transaction.append(NewEvent(stream, queued, dedup_key=event_key(request_id, 0)))

    return unit


def _change_job(key: str, event: JobCancelled | JobRetried, allowed: tuple[str, ...]) -> Unit:
    """An event about one job, if the job is in a state that allows it."""

    def unit(transaction: Transaction) -> None:
        state = State(transaction.connection)
        job = state.job(event.job)
        if job is None or job.state not in allowed:
            return
        if isinstance(event, JobRetried) and any(
            other.kind == job.kind for other in state.jobs(job.project, "queued")
        ):
            return
        stream = project_stream(job.project) if job.project else DAEMON_STREAM
        transaction.append(NewEvent(stream, event, dedup_key=key, causation=job.id))

    return unit


def _change_project(key: str, project: str, event: ProjectPaused | ProjectResumed) -> Unit:
    """Pause or resume: an event about one project, if it changes anything."""

    def unit(transaction: Transaction) -> None:
        row = State(transaction.connection).project(project)
        if row is not None and row.paused != isinstance(event, ProjectPaused):
            transaction.append(NewEvent(project_stream(project), event, dedup_key=key))

    return unit
