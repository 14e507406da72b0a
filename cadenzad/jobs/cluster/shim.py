"""What is sent to a node by value: it says which cadenzad is there before anything of it runs.

A node may have no cadenzad, or another one. So this module imports the standard library alone, and
ray carries it there as code; what is installed there is imported by it, and only once it is the
same as here.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import socket
from typing import Any


def here() -> dict[str, str]:
    """What has to be the same on both sides, and what this machine is called."""
    try:
        version = importlib.metadata.version("cadenzad")
    except importlib.metadata.PackageNotFoundError:
        version = ""
    return {
        "node": socket.gethostname(),
        "cadenzad": version,
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def difference(wanted: dict[str, str], found: dict[str, str]) -> str:
    """Why a node cannot do work of ours, and the fix; "" when it can."""
    node = found["node"]
    if not found["cadenzad"]:
        install = f"pip install cadenzad=={wanted['cadenzad']}"
        return f"node {node}: cadenzad is not installed there: {install}"
    for name in ("cadenzad", "python"):
        if found[name] != wanted[name]:
            return f"node {node}: has {name} {found[name]}, and here it is {wanted[name]}"
    return ""


class Shim:
    """An actor: a job's end on a node, once the node is known to have what we have."""

    def __init__(self) -> None:
        self._task: Any = None

    def begin(self, wanted: dict[str, str], request: str) -> tuple[str, str]:
        """The node's name, and why it cannot do this; "" when it can."""
        found = here()
        problem = difference(wanted, found)
        if not problem:
            self._task = importlib.import_module("cadenzad.jobs.cluster.task").Task(request)
        return found["node"], problem

    def do(self, name: str, *arguments: Any) -> Any:
        """Call a method of the task."""
        return getattr(self._task, name)(*arguments)


def compute(
    wanted: dict[str, str], function: str, manifest: list[Any], small: bytes, part: str
) -> tuple[str, str, str]:
    """A part of a computation, as JSON: (why it cannot be done here, what it raised, its value)."""
    problem = difference(wanted, here())
    if problem:
        return problem, "", ""
    parts = importlib.import_module("cadenzad.jobs.cluster.parts")
    error, value = parts.computed(function, manifest, small, part)
    return "", error, value
