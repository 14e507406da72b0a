"""The proxy's listener on a thread of this process, before a scripted upstream: quick to begin."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any

from groq_stub import GroqStub

from handlers.judge.proxy.exchange import Exchange, Limits
from handlers.judge.proxy.server import Listener
from handlers.judge.proxy.upstream import Upstream

KEY = "gsk_the-key-that-no-brain-may-see"
TOKEN = "a-token"


class Listening:
    """`exchange` may be looked at when nothing is under way. No wait is slept through."""

    def __init__(self, stub: GroqStub, state: Path, limits: Limits, keys: Any = None) -> None:
        self.stub, self.state = stub, state
        self._limits = limits
        self._keys = {"groq": KEY} if keys is None else keys
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.slept: list[float] = []

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def _run(self) -> None:
        addresses = {"groq": self.stub.url, "openai": f"{self.stub.url}/v1"}
        upstream = Upstream(self._keys, addresses)
        self.exchange = Exchange(upstream, self.state, self._limits, sleep=self._sleep)
        listener = Listener(self.exchange, TOKEN)
        server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with server:
            self._ready.set()
            await self._end.wait()
        await upstream.close()

    def __enter__(self) -> Listening:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    @property
    def ended(self) -> str:
        return self.exchange.ended

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def send(self, data: bytes) -> bytes:
        """Bytes as they are; all that comes back until it closes."""
        with self.connect() as connection:
            try:
                connection.sendall(data)
                return b"".join(iter(lambda: connection.recv(65536), b""))
            except ConnectionError:
                return b""


def request(
    body: bytes = b"",
    target: str = "/openai/v1/chat/completions",
    method: str = "POST",
    token: str | None = f"gsk_{TOKEN}",
    headers: tuple[str, ...] = (),
) -> bytes:
    """An HTTP request, byte by byte as somebody would write it who uses no SDK."""
    lines = [f"{method} {target} HTTP/1.1", "host: x", *headers]
    if token is not None:
        lines.append(f"authorization: Bearer {token}")
    if not any(header.lower().startswith(("content-length", "transfer")) for header in headers):
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
