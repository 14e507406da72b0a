"""What must stay, whatever somebody asks to be deleted.

A run log stays without a current export of what it holds now, an export when somebody changed it, a
deployed adapter always, and everything that is not as it was when it was chosen to go.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from handlers.project.paths import ADAPTERS_DIR, EXPORTS_DIR, inside
from store.errors import UnsafePathError
from store.reads.state import ExportRow, State

DEPLOYED = "deployed"
MANIFEST_SUFFIX = ".manifest.json"


class Doomed(BaseModel):
    """A file (for an adapter: a folder) that is to go, as it was when it was chosen.

    `path` is relative to the project. `of` is the run log that an export or manifest belongs to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: str
    path: str
    kind: Literal["run", "export", "manifest", "adapter"]
    bytes: int
    dev: int
    ino: int
    mtime_ns: int
    sha256: str | None = None
    of: str = ""

    def identity(self) -> tuple[int, int, int]:
        return self.dev, self.ino, self.mtime_ns


def objection(state: State, item: Doomed, *, force: bool = False) -> str:
    """Why a file must stay whatever a policy says; "" when it may go."""
    match item.kind:
        case "run":
            return _keep_log(state, item, force)
        case "export":
            return _keep_export(state, item, force)
        case "manifest":
            row = state.export(item.project, item.of)
            if not item.path.endswith(MANIFEST_SUFFIX) or not _is_in(item, EXPORTS_DIR):
                return "it is not a manifest of an export"
            return "its export stays" if row is not None and row.manifest == item.path else ""
        case "adapter":
            return _keep_adapter(state, item)


def _keep_log(state: State, item: Doomed, force: bool) -> str:
    row = state.file(item.project, item.path)
    if row is None or row.kind != "run" or not (row.accepted and row.present):
        return "it is not recorded as a run log"
    seen = state.seen(os.path.join(item.project, item.path))
    if seen is None or seen[:4] != (item.dev, item.ino, item.bytes, item.mtime_ns):
        return "it is not as it was last read: let the daemon (or `cadenzad --once`) read it first"
    if force:
        return ""
    export = state.export(item.project, item.path)
    if export is None:
        orchestrator = row.format == "orchestrator"
        return "an orchestrator log has no export" if orchestrator else "it has no export"
    return "" if export.state == "current" else f"its export is {export.state}"


def export_missing(state: State, item: Doomed) -> str:
    """Whether the export for which a log may go has been deleted by somebody."""
    export = state.export(item.project, item.path)
    assert export is not None
    output = export.output
    there = output is not None and os.path.isfile(os.path.join(item.project, output))
    return "" if there else f"its export {output} is not there"


def _keep_export(state: State, item: Doomed, force: bool) -> str:
    row = state.export(item.project, item.of)
    if row is None or row.output != item.path or not _is_in(item, EXPORTS_DIR):
        return "it is not recorded as an export"
    return "" if force else _changed(state, item, row)


def _changed(state: State, item: Doomed, row: ExportRow) -> str:
    if item.sha256 != row.output_sha256:
        return "it is not as it was written: somebody changed it"
    # A file is always written before its event. One that is newer, even with the same bytes, is an
    # export whose event is still on its way: pruned now, it would be missing from the view's truth.
    if item.mtime_ns / 1e9 > state.recorded_at(row.position):
        return "it is newer than what is recorded of it"
    return ""


def _keep_adapter(state: State, item: Doomed) -> str:
    folder, _, name = item.path.rpartition("/")
    if folder != ADAPTERS_DIR or not is_number(name):
        return "it is not an adapter"
    if state.jobs(item.project, "running"):
        return "a job is running on the project"
    deployed = os.path.join(item.project, ADAPTERS_DIR, DEPLOYED)
    try:
        target = os.readlink(deployed)
    except FileNotFoundError:
        return ""
    except OSError:
        return f"which adapter is deployed cannot be told: {deployed} is no symlink"
    if os.path.basename(os.path.normpath(target)) == name:
        return "it is deployed"
    if not os.path.exists(deployed):
        return f"which adapter is deployed cannot be told: {deployed} leads nowhere"
    return ""


def _is_in(item: Doomed, folder: str) -> bool:
    return item.path.rpartition("/")[0] == folder


def unsafe(item: Doomed) -> str:
    """Why a path does not lead where it says; "" when it does."""
    try:
        folder_of(item)
    except UnsafePathError as error:
        return error.message
    return ""


def folder_of(item: Doomed) -> Path:
    """The real folder of an item. Raises UnsafePathError when it leaves the project.

    The item itself is not resolved: it may not be a symlink, and is moved as what it is.
    """
    project = Path(item.project)
    if os.path.basename(item.path) in ("", ".", ".."):
        raise UnsafePathError(f"{item.path}: not a file of a project")
    return inside(project, (project / item.path).parent)


def is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()
