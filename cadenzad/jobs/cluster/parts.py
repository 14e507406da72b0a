"""A part of a computation, on a node: its files from the cache, its function by name."""

from __future__ import annotations

import importlib
import json
from typing import Any

from cadenzad.jobs.cluster.bundle import Bundle
from cadenzad.jobs.cluster.cache import Cache
from handlers.routes import PARTS
from store.errors import CadenzaError


def computed(function: str, manifest: list[Any], small: bytes, part: str) -> tuple[str, str]:
    """(what it raised, its value as JSON); a function that is not in PARTS is refused."""
    if function not in PARTS:
        return f"{function}: is no part of a job", ""
    module, _, name = function.partition(":")
    try:
        folder = Cache().copy(Bundle.from_manifest(manifest, small))
        value = getattr(importlib.import_module(module), name)(folder, json.loads(part))
    except CadenzaError as error:
        return error.with_hint, ""
    return "", json.dumps(value)
