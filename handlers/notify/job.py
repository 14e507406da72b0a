"""Tells news: posts it, or hands it to a command. At least once: a kill tells it again."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from handlers.jobs import JobContext, JobResult, PermanentFailure
from handlers.notify.news import message, told_of
from handlers.notify.settings import NotifySettings
from store.errors import CadenzaError, one_line
from store.events.process import JobFailed
from store.log import History
from store.schema import connect_reader

LONGEST = 300
"""Characters of an answer or of stderr that are kept as the reason of a failure."""

Deliver = Callable[[bytes, Mapping[str, Any]], None]


def notify(context: JobContext) -> JobResult:
    """Tell every piece of news from `first` to the end of the log, the oldest first."""
    settings = context.settings.of(NotifySettings)
    ways = list(_ways(settings))
    if not ways:
        return JobResult(summary="nobody is to be told any more")
    with contextlib.closing(connect_reader(context.state_dir)) as reader:
        log = History(reader)
        waiting = list(_news(log, context, settings))
    for number, news in enumerate(waiting):
        context.report({"step": "telling", "done": number, "total": len(waiting)})
        body = json.dumps(news, ensure_ascii=False).encode()
        for deliver in ways:
            deliver(body, news)
    return JobResult(summary=f"told {len(waiting)}")


def _news(
    log: History, context: JobContext, settings: NotifySettings
) -> Iterator[Mapping[str, Any]]:
    for record in log.read(int(context.spec["first"]) - 1, until=log.head()):
        told = told_of(record.event)
        if told is None or told.kind not in settings.on:
            continue
        if isinstance(record.event, JobFailed) and record.event.job == context.job:
            continue  # an earlier end of this very job
        yield message(record, told)


def _ways(settings: NotifySettings) -> Iterator[Deliver]:
    """How news is delivered; raises PermanentFailure for an address that is none."""
    if url := settings.url or _read(settings.url_file):
        yield _webhook(url, settings.timeout)
    if settings.argv:
        yield _command(settings.argv, settings.timeout)


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
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        # The address may be a secret: it is named by its key alone.
        raise PermanentFailure(
            "notify.url is no http or https address",
            hint='for example "http://127.0.0.1:8080/hook"',
        )
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
                said = f"{parts.hostname} answered {error.code} {error.reason}"
            raise NotTold(said) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise NotTold(f"{parts.hostname} cannot be reached: {reason}") from None

    return post


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
