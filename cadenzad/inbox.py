"""Requests to the daemon are files: `inbox/<uuid>.json`, written whole and renamed into place.

Reading and writing them is here; what a request leads to is the daemon's. The same request twice is
one: its id is the dedup key of the events it causes.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cadenzad.paths import INBOX
from store.errors import InputError, StoreError

SUFFIX = ".json"
REFUSED_SUFFIX = ".refused"
LIMIT_BYTES = 1 << 20
PONG = "pong"
"""The progress key under which a ping's answer lands."""


@dataclass(frozen=True)
class Request:
    """`kind` says what is wanted ("ping", "rebuild", "record-export"); `body` its details."""

    id: str
    kind: str
    body: dict[str, Any]


def new_request(kind: str, body: dict[str, Any] | None = None) -> Request:
    return Request(uuid.uuid4().hex, kind, body or {})


def send(state_dir: Path, request: Request) -> Path:
    """Put a request into the inbox, whole or not at all."""
    folder = state_dir / INBOX
    target = folder / f"{request.id}{SUFFIX}"
    draft = folder / f".{request.id}.tmp"
    try:
        with draft.open("w", encoding="utf-8") as stream:
            json.dump({"id": request.id, "kind": request.kind, "body": request.body}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(target)
    except OSError as error:
        raise StoreError(f"{folder}: a request cannot be left there: {error.strerror}") from error
    return target


def waiting(state_dir: Path) -> Iterator[Path]:
    """Requests not yet taken, oldest first."""
    folder = state_dir / INBOX
    files = [file for file in folder.glob(f"*{SUFFIX}") if not file.name.startswith(".")]
    yield from sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name))


def read(path: Path) -> Request:
    """A request file. Raises InputError with one line when it is none."""
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise InputError(f"{path}: larger than a request can be")
        value = json.loads(path.read_bytes())
        return Request(str(value["id"]), str(value["kind"]), dict(value["body"]))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{path}: not a request: {error}") from None


def done(path: Path) -> None:
    """A request was carried out: its file goes."""
    path.unlink(missing_ok=True)


def refuse(path: Path) -> Path:
    """A file that is no request stays, under a name that is not looked at again."""
    return path.rename(path.with_name(path.name + REFUSED_SUFFIX))
