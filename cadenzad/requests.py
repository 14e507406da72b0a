"""What a request leads to, with or without a daemon: the same events."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cadenzad.inbox import PONG, Request
from store import views
from store.errors import InputError
from store.events import (
    DAEMON_STREAM,
    Event,
    ExportFailed,
    ExportRequested,
    NewEvent,
    RebuildRequested,
    RunExported,
    ViewRebuilt,
    project_stream,
)
from store.writer import Transaction, Writer


def carry_out(request: Request, writer: Writer) -> None:
    """Do what a request asks, committed when this returns.

    Raises InputError for a kind nobody knows or a body that does not fit it.
    """
    act = _KINDS.get(request.kind)
    if act is None:
        raise InputError(f"request {request.id}: unknown kind {request.kind!r}")
    try:
        unit = act(request)
    except (KeyError, TypeError, ValidationError) as error:
        raise InputError(f"request {request.id} ({request.kind}): {error}") from None
    writer.run(unit)


def _ping(request: Request) -> Callable[[Transaction], None]:
    answer = {"id": request.id, "at": time.time()}
    return lambda transaction: transaction.set_progress(PONG, answer)


def _rebuild(request: Request) -> Callable[[Transaction], None]:
    wanted = RebuildRequested(requested_by=str(request.body["requested_by"]))

    def unit(transaction: Transaction) -> None:
        first = transaction.append(NewEvent(DAEMON_STREAM, wanted, dedup_key=_key(request, 0)))
        if not first:
            return
        before = views.view_hash(transaction.connection)
        count = views.rebuild(transaction.connection)
        after = views.view_hash(transaction.connection)
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


_KINDS: Mapping[str, Callable[[Request], Callable[[Transaction], None]]] = {
    "ping": _ping,
    "rebuild": _rebuild,
    "record-export": _record_export,
}
