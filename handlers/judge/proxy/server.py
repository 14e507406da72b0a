"""The process that listens: `python -m handlers.judge.proxy.server`.

The first line on stdin says what it is to do (keys, limits: never in arguments or environment), and
the port is its first line on stdout. Each further line on stdin is answered with what was asked so
far. It ends with stdin, and with who started it. It listens on loopback, answers who has the token,
one request a connection, and looks at sizes and times before it looks at anything else.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h11

from handlers.judge.proxy.exchange import Exchange, Limits
from handlers.judge.proxy.providers import is_token
from handlers.judge.proxy.request import MAX_BODY, Call, NotPassed, call_of
from handlers.judge.proxy.upstream import Upstream
from store import interpreter

MAX_HEAD = 16 << 10
"""Bytes of a request's line and headers."""
READ_S = 10.0
"""A request has to be here whole by then."""
WRITE_S = 10.0
"""And its answer has to be taken by then."""
CONNECTIONS = 64
"""At once; what comes besides is closed."""
NOT_AGAIN = "x-should-retry"
"""With "false" the SDKs do not repeat a request that was refused."""


class Listener:
    """Answers brains' requests."""

    def __init__(self, exchange: Exchange, token: str) -> None:
        self._exchange = exchange
        self._token = token
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: a request, its answer, the end. Whatever comes, it does not raise."""
        self._open += 1
        try:
            if self._open <= CONNECTIONS:
                await self._serve(reader, writer)
        except (OSError, TimeoutError, h11.ProtocolError):
            pass  # it went away, was too slow, or spoke no HTTP: nobody to answer
        finally:
            self._open -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        try:
            async with asyncio.timeout(READ_S):
                call = await self._read(connection, reader)
            reply = await self._exchange.answer(call)
            status, body = reply.status, reply.body
        except h11.RemoteProtocolError as error:
            status, body = error.error_status_hint, _error("not_http", "this is no HTTP request")
        except NotPassed as refusal:
            status, body = refusal.status, _error(refusal.code, refusal.message)
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
            (NOT_AGAIN, "false"),
        ]
        writer.write(connection.send(h11.Response(status_code=status, headers=headers)) or b"")
        writer.write(connection.send(h11.Data(data=body)) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        async with asyncio.timeout(WRITE_S):
            await writer.drain()

    async def _read(self, connection: h11.Connection, reader: asyncio.StreamReader) -> Call:
        """The call that a request is. Raises NotPassed, after which nothing more is answered; but
        not for who has no token: that may be anybody."""
        request = await _event(connection, reader)
        if not isinstance(request, h11.Request):
            raise h11.RemoteProtocolError("it ended before it began")
        if not is_token(_header(request, b"authorization"), self._token):
            raise NotPassed("no_token", "this proxy is for the trial that it was made for", 401)
        try:
            body = await _body(connection, reader, request)
            return call_of(request.method.decode(), request.target.decode(), body)
        except NotPassed as refusal:
            self._exchange.end(f"its decide sent what does not pass: {refusal.message}")
            raise


async def _event(connection: h11.Connection, reader: asyncio.StreamReader) -> Any:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(MAX_HEAD))
    return event


async def _body(
    connection: h11.Connection, reader: asyncio.StreamReader, request: h11.Request
) -> bytes:
    """A request's body. Raises NotPassed for one that is, or says it will be, too long."""
    too_long = NotPassed("too_long", f"a request has {MAX_BODY >> 20} MiB at most", 413)
    if int(_header(request, b"content-length") or b"0") > MAX_BODY:
        raise too_long
    body = b""
    while isinstance(event := await _event(connection, reader), h11.Data):
        body += event.data
        if len(body) > MAX_BODY:
            raise too_long
    return body


def _header(request: h11.Request, name: bytes) -> bytes:
    return next((value for key, value in request.headers if key == name), b"")


def _error(code: str, message: str) -> bytes:
    """In the shape in which SDKs show it."""
    error = {"message": f"cadenzad: {message}", "type": "cadenzad", "code": code}
    return json.dumps({"error": error}).encode()


async def run(task: Mapping[str, Any]) -> None:
    """Listen until stdin ends."""
    upstream = Upstream(task["keys"], task["addresses"])
    exchange = Exchange(upstream, Path(task["state_dir"]), Limits(**task["limits"]))
    listener = Listener(exchange, task["token"])
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    asked = await _stdin()
    async with server:
        _say({"port": server.sockets[0].getsockname()[1]})
        while await asked.readline():
            _say({**asdict(exchange.counts), "ended": exchange.ended})
    await upstream.close()


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _say(message: Mapping[str, Any]) -> None:
    """To who started us, on a pipe."""
    os.write(1, json.dumps(message).encode() + b"\n")


def main() -> None:
    interpreter.hide_memory()
    task = json.loads(sys.stdin.readline())
    interpreter.die_with(int(task["parent"]))
    asyncio.run(run(task))
    os._exit(0)  # whatever is still under way has nobody who waits for it


if __name__ == "__main__":
    main()
