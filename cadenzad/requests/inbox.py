"""Requests to the daemon are files: `inbox/<uuid>.json`, written whole and renamed into place.

Reading and writing them is here; what a request leads to is the daemon's. The same request twice is
one: its id is the dedup key of the events it causes.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from cadenzad.config.paths import INBOX
from cadenzad.requests.role import DAEMON_ROLE as DAEMON_ROLE
from cadenzad.requests.role import takes_requests as takes_requests
from store.durable import write_file
from store.errors import InputError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".json"
REFUSED_SUFFIX = ".refused"
LIMIT_BYTES = 1 << 20
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
PONG = "pong"
"""The progress key under which a ping's answer lands."""


class Request(NamedTuple):
    """A request as it is sent: `kind` is one of commands.KINDS, `body` that command's fields."""

    id: str
    kind: str
    body: dict[str, Any]


def new_id() -> str:
    """An id that no other request has."""
    return os.urandom(16).hex()


def event_key(request_id: str, index: int) -> str:
    """The dedup key of a request's event number `index`."""
    return f"request:{request_id}:{index}"


def path_of(state_dir: Path, request: Request) -> Path:
    """Where a request lies until it is taken."""
    return state_dir / INBOX / f"{request.id}{SUFFIX}"


def send(state_dir: Path, request: Request) -> Path:
    """Put a request into the inbox, whole or not at all."""
    target = path_of(state_dir, request)
    shape = {"id": request.id, "kind": request.kind, "body": request.body}
    try:
        write_file(target, json.dumps(shape).encode())
    except OSError as error:
        reason = f"a request cannot be left there: {error.strerror}"
        raise StoreError(f"{target.parent}: {reason}") from error
    return target


def waiting(state_dir: Path) -> Iterator[Path]:
    """Requests not yet taken, oldest first."""
    folder = state_dir / INBOX
    found: list[tuple[int, Path]] = []
    for file in folder.glob(f"*{SUFFIX}"):
        # Whoever sent it may take it back at this moment.
        with contextlib.suppress(OSError):
            if not file.name.startswith("."):
                found.append((file.lstat().st_mtime_ns, file))
    yield from (file for _, file in sorted(found))


def read(path: Path) -> Request:
    """A request file, which is a regular one of this user's; root's is no exception.

    Raises InputError with one line when it is none, FileNotFoundError.
    """
    try:
        with open(_opened(path), "rb") as stream:
            data = stream.read(LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > LIMIT_BYTES:
        raise InputError(f"{path}: larger than a request can be")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a request: {error}") from None
    return _checked(path, value)


def _opened(path: Path) -> int:
    """A descriptor of a regular file of ours. No link is followed, no pipe waited for."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise InputError(f"{path}: not a request: a symbolic link") from None
    info = os.fstat(fd)
    wrong = "" if info.st_uid == os.geteuid() else f"it belongs to uid {info.st_uid}"
    if not stat.S_ISREG(info.st_mode):
        wrong = "not a regular file"
    if wrong:
        os.close(fd)
        raise InputError(f"{path}: not a request: {wrong}")
    return fd


def _checked(path: Path, value: Any) -> Request:
    """The request in a JSON value."""
    if not isinstance(value, dict):
        raise InputError(f"{path}: not a request: not a JSON object")
    request_id, kind, body = value.get("id"), value.get("kind"), value.get("body")
    # The id becomes part of a key in the event log.
    if not isinstance(request_id, str) or not _ID.fullmatch(request_id):
        raise InputError(f"{path}: not a request: its id must be 1 to 64 letters, digits, - or _")
    if not isinstance(kind, str) or not isinstance(body, dict):
        raise InputError(f"{path}: not a request: it needs a kind (text) and a body (object)")
    return Request(request_id, kind, body)


def done(path: Path) -> None:
    """A request was carried out: its file goes."""
    path.unlink(missing_ok=True)


def refuse(path: Path) -> None:
    """A file that is no request stays, under a name that is not looked at again."""
    with contextlib.suppress(OSError):  # then it is looked at, and refused, again
        path.rename(path.with_name(path.name + REFUSED_SUFFIX))
