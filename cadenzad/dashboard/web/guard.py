"""Who may ask: the Host header, the token, and what a browser may do with the pages.

A page of another site can make a browser send requests to loopback, and can give its own name our
address (DNS rebinding). So a request must name the host that we serve. Where others than this
machine can connect, whoever asks must know the token as well.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from store.errors import ConfigError

COOKIE = "cadenza-dashboard"
SHORTEST = 16

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer."""

LOCAL_NAMES = ("localhost", "localhost.localdomain")


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to what listens there."""
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_token(path: Path) -> str:
    """The token in a file, without the white space around it.

    Raises ConfigError where there is none, it is short, or others may read it.
    """
    try:
        mode, text = path.stat().st_mode, path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise ConfigError(f"--token-file {path}: {reason}") from None
    if mode & 0o077:
        raise ConfigError(f"--token-file {path}: others may read it", hint=f"chmod 600 {path}")
    if len(text) < SHORTEST or not (text.isascii() and text.isprintable()) or " " in text:
        raise ConfigError(
            f"--token-file {path}: a token has {SHORTEST} characters of ASCII or more, no spaces",
            hint=f"openssl rand -hex 24 > {path} && chmod 600 {path}",
        )
    return text


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides about requests. `host`: what we listen on; `token`: None where none is asked for."""

    host: str
    token: str | None = None

    def knows_host(self, header: str | None) -> bool:
        """Whether a request is meant for us, by its Host header."""
        name = _name_of(header or "")
        if name is None:
            return False
        if is_loopback(name) or name == self.host.strip("[]").lower():
            return True
        # With an address for all, whoever asks names one of them or the machine: a name of another
        # site is none of those, and its page has no cookie of ours.
        if is_loopback(self.host) or not is_any(self.host):
            return False
        return _is_address(name) or name == socket.gethostname().lower()

    def lets_in(self, cookie: str | None, authorization: str | None) -> bool:
        """Whether a request shows that its sender knows the token."""
        if self.token is None:
            return True
        scheme, _, given = (authorization or "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return True
        return cookie is not None and hmac.compare_digest(_bytes(cookie), _bytes(self.pass_of()))

    def is_token(self, given: str) -> bool:
        """Whether this is the token; how long that takes says nothing of it."""
        return self.token is not None and hmac.compare_digest(_bytes(given), _bytes(self.token))

    def pass_of(self) -> str:
        """What a browser keeps in the token's place: the token cannot be found from it."""
        key = (self.token or "").encode()
        return hmac.new(key, COOKIE.encode(), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _name_of(header: str) -> str | None:
    """A Host header's name, without its port; None where it is none."""
    header = header.strip().lower()
    if header.startswith("["):
        name, end, port = header[1:].partition("]")
        return name if end and (not port or port[1:].isdecimal()) else None
    name, colon, port = header.partition(":")
    return name if name and (not colon or port.isdecimal()) else None


def is_any(host: str) -> bool:
    """Whether what listens there is reached by every address of the machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
