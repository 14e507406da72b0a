"""What a request leads to, with or without a daemon: the same events."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cadenzad.requests import prune
from cadenzad.requests.inbox import PONG, Request
from handlers.routes import JOBS
from store.errors import InputError
from store.events.adapter import CodeTrusted
from store.events.base import Event
from store.events.envelope import DAEMON_STREAM, NewEvent, project_stream
from store.events.files import (
    ExportFailed,
    ExportRequested,
    ProjectPaused,
    ProjectResumed,
    RunExported,
)
from store.events.process import JobCancelled, JobQueued, JobRetried, RebuildRequested, ViewRebuilt
from store.reads.state import State
from store.views import replay
from store.writer import Transaction, Writer


def carry_out(request: Request, writer: Writer) -> None:
    """Do what a request asks, committed when this returns.

    Raises InputError for a kind nobody knows or a body that does not fit it.
    """
    act, deed = _KINDS.get(request.kind), _DEEDS.get(request.kind)
    try:
        if deed is not None:
            deed(request, writer)
        elif act is not None:
            # The writer refuses what no event can hold: half a character, a number beyond 64 bits.
            writer.run(act(request))
        else:
            raise InputError(f"request {request.id}: unknown kind {request.kind!r}")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"request {request.id} ({request.kind}): {_why(error)}") from None


def _why(error: Exception) -> str:
    """What is wrong with a request's body, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)


def _ping(request: Request) -> Callable[[Transaction], None]:
    answer = {"id": request.id, "at": time.time()}
    return lambda transaction: transaction.set_progress(PONG, answer)


def _rebuild(request: Request) -> Callable[[Transaction], None]:
    wanted = RebuildRequested(requested_by=str(request.body["requested_by"]))

    def unit(transaction: Transaction) -> None:
        first = transaction.append(NewEvent(DAEMON_STREAM, wanted, dedup_key=_key(request, 0)))
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
                dedup_key=_key(request, 1),
                causation=first[0].position,
            )
        )

    return unit


def _record_export(request: Request) -> Callable[[Transaction], None]:
    """An export that somebody made by hand joins the history: the wish, and what came of it."""
    body: Mapping[str, Any] = request.body
    project = str(Path(body["project"]))
    if not Path(project).is_absolute():
        raise ValueError(f"project: {project!r} is not an absolute path")
    wanted = ExportRequested.model_validate(body["requested"])
    outcome: Event
    if body["outcome"]["type"] == RunExported.type_name():
        outcome = RunExported.model_validate(body["outcome"]["data"])
    else:
        outcome = ExportFailed.model_validate(body["outcome"]["data"])

    def unit(transaction: Transaction) -> None:
        stream = project_stream(project)
        first = transaction.append(NewEvent(stream, wanted, dedup_key=_key(request, 0)))
        if first:
            transaction.append(
                NewEvent(stream, outcome, dedup_key=_key(request, 1), causation=first[0].position)
            )

    return unit


def _key(request: Request, index: int) -> str:
    return f"request:{request.id}:{index}"


def _queue_job(request: Request) -> Callable[[Transaction], None]:
    body = request.body
    project = str(body["project"])
    wanted = JobQueued(
        kind=str(body["kind"]), project=project, spec=dict(body["spec"]), reason=str(body["reason"])
    )
    if wanted.kind not in JOBS:
        raise InputError(f"request {request.id}: no job kind {wanted.kind!r}")

    def unit(transaction: Transaction) -> None:
        stream = project_stream(project) if project else DAEMON_STREAM
        for job in State(transaction.connection).jobs(project, "queued"):
            if job.kind != wanted.kind:
                continue
            if not body.get("instead"):
                return
            # What somebody asks for by hand has its own settings: it takes the waiting one's place.
            gone = JobCancelled(job=job.id, by=wanted.reason)
            transaction.append(NewEvent(stream, gone, dedup_key=_key(request, 1), causation=job.id))
        transaction.append(NewEvent(stream, wanted, dedup_key=_key(request, 0)))

    return unit


def _about_job(
    event_type: type[JobCancelled | JobRetried], allowed: tuple[str, ...]
) -> Callable[[Request], Callable[[Transaction], None]]:
    """Cancel or retry: an event about one job, if the job is in a state that allows it."""

    def act(request: Request) -> Callable[[Transaction], None]:
        job_id = int(request.body["job"])
        by = str(request.body["by"])

        def unit(transaction: Transaction) -> None:
            state = State(transaction.connection)
            job = state.job(job_id)
            if job is None or job.state not in allowed:
                return
            if event_type is JobRetried and any(
                other.kind == job.kind for other in state.jobs(job.project, "queued")
            ):
                return
            stream = project_stream(job.project) if job.project else DAEMON_STREAM
            event = event_type(job=job_id, by=by)
            transaction.append(
                NewEvent(stream, event, dedup_key=_key(request, 0), causation=job_id)
            )

        return unit

    return act


def _about_project(
    event_type: type[ProjectPaused | ProjectResumed],
) -> Callable[[Request], Callable[[Transaction], None]]:
    """Pause or resume: an event about one project, if it changes anything."""

    def act(request: Request) -> Callable[[Transaction], None]:
        project = str(request.body["project"])
        event = event_type(by=str(request.body["by"]))

        def unit(transaction: Transaction) -> None:
            row = State(transaction.connection).project(project)
            if row is not None and row.paused != isinstance(event, ProjectPaused):
                stream = project_stream(project)
                transaction.append(NewEvent(stream, event, dedup_key=_key(request, 0)))

        return unit

    return act


def _trust(request: Request) -> Callable[[Transaction], None]:
    project = str(request.body["project"])
    if not Path(project).is_absolute():
        raise ValueError(f"project: {project!r} is not an absolute path")
    facts: dict[str, Any] = {name: str(request.body[name]) for name in ("path", "sha256", "by")}
    files = request.body.get("files", ())
    if not isinstance(files, list | tuple):
        raise ValueError(f"files: {files!r} is no list")
    event = CodeTrusted.model_validate(facts | {"files": tuple(files)})

    def unit(transaction: Transaction) -> None:
        transaction.append(NewEvent(project_stream(project), event, dedup_key=_key(request, 0)))

    return unit


_KINDS: Mapping[str, Callable[[Request], Callable[[Transaction], None]]] = {
    "queue-job": _queue_job,
    "cancel-job": _about_job(JobCancelled, ("queued", "running")),
    "retry-job": _about_job(JobRetried, ("failed", "cancelled")),
    "pause": _about_project(ProjectPaused),
    "resume": _about_project(ProjectResumed),
    "trust": _trust,
    "ping": _ping,
    "rebuild": _rebuild,
    "record-export": _record_export,
}

_DEEDS: Mapping[str, Callable[[Request, Writer], None]] = {
    prune.KIND: prune.prune,
}
"""Requests that change files too: more than one transaction, and safe to repeat half-way."""
