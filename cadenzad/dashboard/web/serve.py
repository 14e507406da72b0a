"""Listening and serving: a socket of our own, uvicorn on it, until somebody stops it."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.dashboard.render import load
from cadenzad.dashboard.web.guard import Guard, is_any, is_loopback
from store.errors import ConfigError

if TYPE_CHECKING:
    import uvicorn

GRACE_S = 2


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ConfigError where there is none."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"--host {host}: {reason}", hint="--host 127.0.0.1") from None
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(address)
        made.listen(64)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            what, hint = f"port {port} of {host} is taken", "`--port 0` takes a free one"
        else:
            what, hint = f"{host}, port {port}: {error.strerror}", "--host 127.0.0.1 --port 8732"
        raise ConfigError(what, hint=hint) from None
    return made


def address_of(listening: socket.socket, host: str) -> str:
    """What somebody types into a browser; for all addresses, with the machine's name."""
    port = listening.getsockname()[1]
    name = socket.gethostname() if is_any(host) else host
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{port}/"


def serve(
    state: Path, host: str, listening: socket.socket, token: str | None, ready: Callable[[], None]
) -> None:
    """Serve until SIGINT or SIGTERM. `ready` is called before the first request is taken.

    Raises MissingExtraError without the extra, ConfigError for an address that others can connect
    to without a token.
    """
    if token is None and not is_loopback(host):
        raise ConfigError(
            f"--host {host}: others can connect to that, and nothing keeps them out",
            hint="openssl rand -hex 24 > token && chmod 600 token, then --token-file token",
        )
    uvicorn_module = load("uvicorn", "the dashboard")
    for name in ("starlette", "jinja2"):
        load(name, "the dashboard")
    from cadenzad.dashboard.moment import Moments
    from cadenzad.dashboard.web.app import app

    holder: list[uvicorn.Server] = []
    moments = Moments(state)
    made = app(moments, Guard(host, token), lambda: bool(holder and holder[0].should_exit))
    settings = uvicorn_module.Config(
        made,
        log_config=None,
        access_log=False,  # an address may hold the token
        server_header=False,
        lifespan="off",
        loop="asyncio",
        http="h11",
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    holder.append(uvicorn_module.Server(settings))
    ready()
    with closing(listening), closing(moments):
        holder[0].run(sockets=[listening])
