"""Tells news: posts it, or hands it to a command. At least once: a kill tells it again."""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import sqlite3
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from handlers.jobs import JobContext, JobResult, PermanentFailure
from handlers.notify.news import message, told_of
from handlers.notify.reactions import is_delivery
from handlers.notify.settings import EXAMPLE, NotifySettings, Way, fault_of
from store.errors import CadenzaError, one_line
from store.log import History
from store.reads.state import State
from store.schema import connect_reader

LONGEST = 300
"""Characters of an answer or of stderr that are kept as the reason of a failure."""

Deliver = Callable[[bytes, Mapping[str, Any]], None]


def notify(context: JobContext) -> JobResult:
    """Tell every piece of news from `first` to the end of the log, the oldest first.

    By the `way` of the job; one that an earlier version queued names none, and tells by each.
    """
    settings = context.settings.of(NotifySettings)
    asked = context.spec.get("way")
    ways = [way for way in settings.ways if asked in (None, way)]
    if not ways:
        return JobResult(summary="nobody is to be told any more")
    with contextlib.closing(connect_reader(context.state_dir)) as reader:
        waiting = list(_news(reader, context, settings))
    deliveries = [_delivery(way, settings) for way in ways]
    for number, news in enumerate(waiting):
        context.report({"step": "telling", "done": number, "total": len(waiting)})
        body = json.dumps(news, ensure_ascii=False).encode()
        for deliver in deliveries:
            deliver(body, news)
    return JobResult(summary=f"told {len(waiting)}")


def _news(
    reader: sqlite3.Connection, context: JobContext, settings: NotifySettings
) -> Iterator[Mapping[str, Any]]:
    log, state = History(reader), State(reader)
    for record in log.read(int(context.spec["first"]) - 1, until=log.head()):
        told = told_of(record.event)
        if told is None or told.kind not in settings.on or is_delivery(record.event, state):
            continue
        yield message(record, told)


def _delivery(way: Way, settings: NotifySettings) -> Deliver:
    """How news is delivered; raises PermanentFailure for an address that is none."""
    if way == "argv":
        return _command(settings.argv, settings.timeout)
    return _webhook(settings.url or _read(settings.url_file), settings.timeout)


def _read(file: str) -> str:
    if not file:
        return ""
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is no text"
        raise PermanentFailure(
            f"notify.url_file: {file}: {said}", hint="it holds one line, the address"
        ) from error


def _webhook(url: str, timeout: float) -> Deliver:
    if fault := fault_of(url):
        # The address may be a secret: it is named by its key alone.
        raise PermanentFailure(f"notify.url {fault}", hint=f"for example {EXAMPLE}")
    host = urllib.parse.urlsplit(url).hostname
    opener = urllib.request.build_opener(_NoRedirect)

    def post(body: bytes, news: Mapping[str, Any]) -> None:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "cadenzad",
            "Idempotency-Key": str(news["id"]),
        }
        request = urllib.request.Request(url, body, headers, method="POST")
        try:
            with opener.open(request, timeout=timeout) as answer:
                answer.read(LONGEST)
        except urllib.error.HTTPError as error:
            with error:  # it holds the connection
                said = f"{host} answered {error.code} {error.reason}"
            raise NotTold(said) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise NotTold(f"{host} cannot be reached: {reason}") from None

    return lambda body, news: _in_time(lambda: post(body, news), timeout, str(host))


def _in_time(deliver: Callable[[], None], timeout: float, who: str) -> None:
    """Deliver in `timeout` seconds, all of it: a socket's timeout is for each of its steps.

    A step that is stuck is left behind; it ends with this job's process. Raises NotTold.
    """
    ended: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            deliver()
        except Exception as error:  # noqa: BLE001 - it is raised below
            ended.put(error)
        else:
            ended.put(None)

    threading.Thread(target=work, name="notify", daemon=True).start()
    try:
        error = ended.get(timeout=timeout)
    except queue.Empty:
        raise NotTold(f"{who} took longer than {timeout:g} s") from None
    if error is not None:
        raise error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """News goes where it was told to go, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _command(argv: tuple[str, ...], timeout: float) -> Deliver:
    def call(body: bytes, _news: Mapping[str, Any]) -> None:
        try:
            done = subprocess.run(
                argv, input=body, capture_output=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            raise NotTold(f"{argv[0]} took longer than {timeout:g} s") from None
        except OSError as error:
            raise PermanentFailure(
                f"notify.argv: {argv[0]}: {error.strerror}", hint="an absolute path is surest"
            ) from error
        if done.returncode:
            said = one_line(done.stderr.decode(errors="replace").strip())[-LONGEST:]
            raise NotTold(f"{argv[0]} ended with {done.returncode}" + (f": {said}" if said else ""))

    return call


class NotTold(CadenzaError):
    """Whoever is to be told did not hear it: the job is tried again."""
