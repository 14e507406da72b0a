"""A job away from its project: what it takes along to another machine, and what it brings back.

The job's own function runs there, on copies, under the same protocol; only what is around it
differs. What it would ask of the event log comes along (`past`), so no log travels, and nothing is
written there that counts. Back here its files are put in place under the log's fence: for the
attempt that is the running one, and for no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlers.jobs import JobContext
from store.errors import CadenzaError
from store.reads.state import State

if TYPE_CHECKING:
    from store.database.backend import Readable


@dataclass(frozen=True)
class Parcel:
    """What a job takes along. `files`: name in the copy of the project -> where it lies here.

    `links`: symlinks of the copy and where they lead, relative. `spec`, `past`: of its JobContext.
    """

    files: Mapping[str, Path]
    spec: Mapping[str, Any]
    past: Mapping[str, Any]
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Away:
    """How a kind of job is done away from its project; functions are named "module:function".

    `pack(context) -> Parcel` is called before, `land(context, copy, events)` after it ended well,
    with the copy of the project as the job left it: `folder` of it, relative, is all that is there.
    """

    pack: str
    land: str
    folder: str


class Overtaken(CadenzaError):
    """An attempt came back after another had begun, or after its job was cancelled."""


def expect_running(history: Readable, context: JobContext) -> None:
    """Raise Overtaken unless this attempt is the one that runs, as the log has it now."""
    if context.job is None:
        return
    now = State(history).job(context.job)
    if now is None or (now.state, now.attempt) != ("running", context.attempt):
        raise Overtaken(f"attempt {context.attempt} came too late: nothing of it is stored")
