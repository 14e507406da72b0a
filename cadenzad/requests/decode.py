"""From a request as it was read to the command it holds, checked field by field."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cadenzad.requests.commands import KINDS, Command
from cadenzad.requests.inbox import Request
from store.errors import InputError


def decode(request: Request) -> Command:
    """The command in a request; fields that this version does not know are ignored.

    Raises InputError, in one line, for a kind nobody knows or a body that does not fit it.
    """
    if request.kind not in KINDS:
        raise InputError(f"request {request.id}: unknown kind {request.kind!r}")
    try:
        # As JSON: strictly checked, a list is a tuple and an object a dataclass there.
        body = json.dumps(request.body, ensure_ascii=False).encode()
        command: Command = _adapter(request.kind).validate_json(body, strict=True)
    except ValueError as error:
        raise unfit(request, error) from None
    return command


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[kind])


def unfit(request: Request, error: Exception) -> InputError:
    """What is wrong with a request's body, as one line."""
    text = str(error)
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        if first["type"] == "missing":
            text = f"no {place}"
        else:
            text = f"{place}: {first['msg']}" if place else first["msg"]
    return InputError(f"request {request.id} ({request.kind}): {text}")
