"""A brain's question as it goes out, with the key, and what of the answer comes back, without it.

Nothing of the brain's headers goes along. Redirects are not followed, proxies of the environment
not used, bodies not decompressed; an answer has a size and a time by which it must be whole.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from handlers.judge.proxy.request import Call

MAX_ANSWER = 4 << 20
"""Bytes of an answer."""


class Silent(Exception):
    """The server gave no answer that can be used. `is_heard`: it may have heard the question."""

    def __init__(self, message: str, *, is_heard: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.is_heard = is_heard


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said. `retry_after`: that header; nothing else of them is kept."""

    status: int
    body: bytes
    retry_after: str = ""


class Upstream:
    """The servers behind the proxy. `keys`, `addresses`: by the provider's name."""

    def __init__(self, keys: dict[str, str], addresses: dict[str, str]) -> None:
        import httpx

        self._keys = keys
        self._addresses = addresses
        self._http = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=None)

    async def close(self) -> None:
        await self._http.aclose()

    def has_key(self, call: Call) -> bool:
        return call.provider.name in self._keys

    def server(self, call: Call) -> str:
        """The server's name, by which it is known in the ledger."""
        return urlsplit(self._addresses[call.provider.name]).netloc

    async def send(self, call: Call, seconds: float) -> Reply:
        """Ask, and wait for the whole answer. Raises Silent, with no word that could be the key."""
        import httpx

        title = call.provider.title
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(call)
        except TimeoutError:
            raise Silent(f"{title} did not answer within {seconds:.0f} s") from None
        except httpx.ConnectError:
            raise Silent(f"no connection to {title}", is_heard=False) from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            what = type(error).__name__
            raise Silent(f"the connection to {title} failed ({what})") from None

    async def _exchange(self, call: Call) -> Reply:
        key = self._keys[call.provider.name]
        async with self._http.stream(
            "GET" if call.body is None else "POST",
            self._url(call),
            content=call.body,
            headers={
                "authorization": f"Bearer {key}",
                "content-type": "application/json",
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": "cadenzad",
            },
        ) as response:
            return Reply(
                response.status_code,
                (await _whole(response, call)).replace(key.encode(), b"[key]"),
                response.headers.get("retry-after", ""),
            )

    def _url(self, call: Call) -> str:
        added = call.provider.prefix.removeprefix(call.provider.base_path)
        return self._addresses[call.provider.name] + added + call.path


async def _whole(response: Any, call: Call) -> bytes:
    """The body as it came. Raises Silent for one that is too long or compressed."""
    title = call.provider.title
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Silent(f"{title} answered in a compression that was not asked for")
    body = b""
    async for block in response.aiter_raw():
        body += block
        if len(body) > MAX_ANSWER:
            raise Silent(f"{title}'s answer is longer than {MAX_ANSWER >> 20} MiB")
    return body
