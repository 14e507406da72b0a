"""The dashboard's pages and their addresses.

/                        every project                      ?at=POSITION|TIME
/project/KEY             one project                        ?at=
/project/KEY/runs        two runs in step                   ?a=RUN &b=RUN &tick=N &at=
/project/KEY/film        a film beside a run's log          ?run=RUN
/live                    server-sent events
/static/...              style sheets and scripts
/token                   where the token is given (POST)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cadenzad.dashboard.fleet import fleet, keys_of, project_called
from cadenzad.dashboard.moment import Moment, Moments
from cadenzad.dashboard.panels.replay import film_of
from cadenzad.dashboard.panels.runs import Run, called, contrasting, runs
from cadenzad.dashboard.project import pair, project_page
from cadenzad.dashboard.render import STATIC, page
from cadenzad.dashboard.web.guard import COOKIE, HEADERS, Guard
from cadenzad.dashboard.web.live import changes
from handlers.project.paths import inside
from store.errors import CadenzaError, ConfigError, NoEventLog, ProjectNotFound, StoreError
from store.reads.state import ProjectRow, State

CHOICES = 200
"""Runs that the page of two runs offers, the newest."""

STATUS = {ConfigError: 400, ProjectNotFound: 404, NoEventLog: 503, StoreError: 503}
WORDS = {400: "That cannot be shown", 404: "There is no such thing", 503: "The event log"}
LONGEST_FORM = 4096


def app(moments: Moments, guard: Guard, stopping: Callable[[], bool]) -> ASGIApp:
    """The application. `stopping`: whether the server is about to end, so that streams end."""
    pages = _Pages(moments)

    async def live(request: Request) -> Response:
        return StreamingResponse(changes(moments.state, stopping), media_type="text/event-stream")

    async def token(request: Request) -> Response:
        return await _take_token(request, guard)

    routes = [
        Route("/", pages.overview),
        Route("/project/{key}", pages.project),
        Route("/project/{key}/runs", pages.two_runs),
        Route("/project/{key}/film", pages.film),
        Route("/live", live),
        Route("/token", token, methods=["POST"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    return _Guarded(Starlette(routes=routes, exception_handlers={404: _not_found}), guard)


class _Pages:
    """What is read for an address; every handler runs in a thread of its own."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments

    async def overview(self, request: Request) -> Response:
        def make(moment: Moment) -> str:
            return page("fleet.html", moment=moment, fleet=fleet(moment, self._moments.state))

        return await self._answer(request, make)

    async def project(self, request: Request) -> Response:
        def make(moment: Moment) -> str:
            row = _called(moment, request)
            base = _base(moment, row)
            return page(
                "project.html",
                moment=moment,
                page=project_page(moment, row),
                base=base,
                film=lambda run: f"{base}/film?run={quote(run, safe='')}",
            )

        return await self._answer(request, make)

    async def two_runs(self, request: Request) -> Response:
        def make(moment: Moment) -> str:
            row = _called(moment, request)
            base = _base(moment, row)
            found = runs(moment, row.path)
            asked = request.query_params
            a, b = asked.get("a"), asked.get("b")
            chosen = pair(row, found, _two(found, a, b))
            tick = asked.get("tick", "")
            return page(
                "runs.html",
                moment=moment,
                row=row,
                base=base,
                pair=chosen,
                alone=bool(a) != bool(b),
                choices=found[: -CHOICES - 1 : -1],
                tick=int(tick) if tick.isascii() and tick.isdecimal() and len(tick) < 10 else 0,
                film=lambda run: f"{base}/film?run={quote(run, safe='')}",
            )

        return await self._answer(request, make)

    async def film(self, request: Request) -> Response:
        def find() -> Path:
            with self._moments.at(None) as moment:
                row = _called(moment, request)
                run = called(runs(moment, row.path), request.query_params.get("run", ""))
                log = inside(Path(row.path), Path(run.path))
                film = film_of(log)
                if film is None:
                    raise ProjectNotFound(f"{run.path}: no film lies beside it")
                return log.with_name(film)

        try:
            return FileResponse(await run_in_threadpool(find))
        except CadenzaError as error:
            return _error_page(error)

    async def _answer(self, request: Request, make: Callable[[Moment], str]) -> Response:
        def read() -> str:
            with self._moments.at(_at(request.query_params)) as moment:
                return make(moment)

        try:
            return HTMLResponse(await run_in_threadpool(read))
        except CadenzaError as error:
            return _error_page(error)
        except sqlite3.Error as error:
            hint = "`cadenzactl verify` checks the file; the daemon's next start folds its view"
            return _error_page(StoreError(f"the event log: {error}", hint=hint))


def _at(asked: QueryParams) -> str | None:
    return asked.get("at", "").strip() or None


def _called(moment: Moment, request: Request) -> ProjectRow:
    key = str(request.path_params["key"])
    row = project_called(moment, key)
    if row is None:
        when = f" as of position {moment.position}" if moment.past else ""
        raise ProjectNotFound(f"no project {key!r}{when}", hint="the overview lists them all")
    return row


def _base(moment: Moment, row: ProjectRow) -> str:
    return f"/project/{keys_of(State(moment.view).projects())[row.path]}"


def _two(found: Sequence[Run], first: str | None, second: str | None) -> tuple[str, ...]:
    """The names of the runs to compare: what is asked for, and something to hold it against."""
    if not first and not second:
        return ()
    if first and second:
        return first, second
    one = first or second or ""
    telling = contrasting(found)
    others = [run.name for run in reversed(telling or ())] or [one]
    other = next((name for name in others if name != one), one)
    return (one, other) if first else (other, one)


def _error_page(error: CadenzaError) -> Response:
    code = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    title = WORDS.get(code, "Something went wrong")
    text = page("error.html", moment=None, title=title, message=error.message, hint=error.hint)
    return HTMLResponse(text, code)


def _not_found(request: Request, error: Exception) -> Response:
    return _error_page(ProjectNotFound("no such page", hint="the overview is at /"))


# -- who may ask -----------------------------------------------------------------------------------


async def _take_token(request: Request, guard: Guard) -> Response:
    """The form of the token's page: a cookie for whoever knows it."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            return _ask_for_token("That is no token.")
    given = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0].strip()
    return _with_cookie("/", guard) if guard.is_token(given) else _ask_for_token("That is not it.")


def _with_cookie(target: str, guard: Guard) -> Response:
    answer = RedirectResponse(target, 303)
    answer.set_cookie(COOKIE, guard.pass_of(), httponly=True, samesite="strict", path="/")
    return answer


def _ask_for_token(message: str) -> Response:
    text = page("token.html", moment=None, message=message)
    return HTMLResponse(text, 401, {"WWW-Authenticate": "Bearer"})


class _Guarded:
    """Lets requests through that are meant for us and may ask; sets the headers of every answer."""

    def __init__(self, inner: ASGIApp, guard: Guard) -> None:
        self._inner, self._guard = inner, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message["headers"]]
                kept += [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
                message = {**message, "headers": kept}
            await send(message)

        request = Request(scope)
        refused = self._refused(request)
        await (self._inner if refused is None else refused)(scope, receive, careful)

    def _refused(self, request: Request) -> Any:
        """The answer to a request that goes no further; None for one that may."""
        guard, path = self._guard, request.url.path
        if not guard.knows_host(request.headers.get("host")):
            return Response("This is not the host that is served here.\n", 421)
        given = request.query_params.get("token")
        if given is not None and request.method == "GET" and guard.is_token(given):
            rest = [pair for pair in request.query_params.multi_items() if pair[0] != "token"]
            query = str(QueryParams(rest))
            return _with_cookie(f"{_local(path)}?{query}" if query else _local(path), guard)
        open_to_all = path.startswith("/static/") or path == "/token"
        if open_to_all or guard.lets_in(
            request.cookies.get(COOKIE), request.headers.get("authorization")
        ):
            return None
        return _ask_for_token("Whoever opens it from another machine has to know it.")


def _local(path: str) -> str:
    """A path of ours: one that begins with two slashes would name another host."""
    return quote("/" + path.lstrip("/\\"), safe="/~%")
