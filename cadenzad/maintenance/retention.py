"""Retention: which files of a project go, and what must stay whatever somebody asks for.

A policy selects (all but the newest N, older than D). A blocker keeps a run log without a current
export of what it holds now, an export that somebody changed, the deployed adapter always, and
everything that is not as it was when it was chosen. Nothing is deleted here: see
`cadenzad.requests.prune`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from cadenzad.maintenance.candidate import Candidate
from cadenzad.maintenance.sorts import WHAT
from handlers.project.paths import ADAPTERS_DIR, EXPORTS_DIR, inside
from store.errors import UnsafePathError
from store.reads.improvements import adapters
from store.reads.state import ExportRow, State

if TYPE_CHECKING:
    from cadenzad.maintenance.sorts import What

DEPLOYED = "deployed"
MANIFEST_SUFFIX = ".manifest.json"


@dataclass(frozen=True)
class Policy:
    """What to prune: all but the newest `keep_last` of each sort that are older than `older_than`.

    `older_than` is in seconds, against the file's modification time; None: of any age. `force` also
    takes run logs without a current export and exports that were changed since they were written.
    """

    what: frozenset[What] = frozenset(WHAT)
    keep_last: int = 0
    older_than: float | None = None
    force: bool = False


class Kept(NamedTuple):
    """A file that the policy selected and a rule protects."""

    project: str
    path: str
    kind: str
    reason: str

    @classmethod
    def of(cls, item: Candidate, reason: str) -> Kept:
        """A candidate that stays, and why."""
        return cls(item.project, item.path, item.kind, reason)


class Plan(NamedTuple):
    """What is to go, and what the policy selected but stays."""

    to_go: list[Candidate]
    kept: list[Kept]


def make_plan(
    state: State, project: str, policy: Policy, now: float, limit: int | None = None
) -> Plan:
    """What pruning a project means now (`now` in Unix seconds). Reads files, changes nothing.

    `limit`: so many files to go are enough, the oldest of them.
    """
    chosen: list[Candidate] = []
    for what in WHAT:
        if what in policy.what:
            chosen += _select(_candidates(state, project, what), policy, now)
    to_go: list[Candidate] = []
    kept: list[Kept] = []
    for item in chosen:
        if limit is not None and len(to_go) >= limit:
            break
        reason = _unsafe(item)
        if not reason:
            item = _with_hash(state, item) if item.kind == "export" else item
            reason = blocker(state, item, force=policy.force)
        if not reason and item.kind == "run" and not policy.force:
            reason = _export_missing(state, item)
        if reason:
            kept.append(Kept.of(item, reason))
            continue
        to_go.append(item)
        if item.kind == "export":
            to_go += _manifest(state, item)
    return Plan(to_go, kept)


def _select(candidates: Iterable[Candidate], policy: Policy, now: float) -> Iterator[Candidate]:
    """The policy: all but the last `keep_last` of candidates in order of age, if old enough."""
    ordered = list(candidates)
    for item in ordered[: max(0, len(ordered) - policy.keep_last)]:
        if policy.older_than is None or now - item.mtime_ns / 1e9 >= policy.older_than:
            yield item


# -- what there is, the oldest first ---------------------------------------------------------------


def _candidates(state: State, project: str, what: What) -> list[Candidate]:
    if what == "adapters":
        return _adapters(state, project)
    if what == "logs":
        known = [
            _look(project, row.path, "run", row.sha256, row.size) for row in state.runs(project)
        ]
    else:
        known = [
            _look(project, row.output, "export", of=row.run_path)
            for row in state.exports(project)
            if row.output is not None
        ]
    # The sort is stable: files of one moment stay in the order in which they were recorded.
    return sorted((item for item in known if item is not None), key=lambda item: item.mtime_ns)


def _look(
    project: str,
    path: str,
    kind: Literal["run", "export", "manifest"],
    sha256: str | None = None,
    hashed: int | None = None,
    of: str = "",
) -> Candidate | None:
    """A file as it lies there; None for what is not a regular file.

    `sha256` is kept where it covers the whole file, that is `hashed` bytes.
    """
    try:
        info = os.lstat(os.path.join(project, path))
    except OSError:
        return None
    if not stat.S_ISREG(info.st_mode):
        return None
    return Candidate(
        project=project,
        path=path,
        kind=kind,
        bytes=info.st_size,
        dev=info.st_dev,
        ino=info.st_ino,
        mtime_ns=info.st_mtime_ns,
        sha256=sha256 if hashed == info.st_size else None,
        of=of,
    )


def _adapters(state: State, project: str) -> list[Candidate]:
    """Adapter folders by their number; one that no event speaks of is not ours."""
    found = []
    recorded = {row.version for row in adapters(state.connection, project)}
    try:
        entries = list(os.scandir(os.path.join(project, ADAPTERS_DIR)))
    except OSError:
        return []
    for entry in entries:
        ours = _is_number(entry.name) and int(entry.name) in recorded
        if ours and entry.is_dir(follow_symlinks=False):
            info = entry.stat(follow_symlinks=False)
            found.append(
                Candidate(
                    project=project,
                    path=f"{ADAPTERS_DIR}/{entry.name}",
                    kind="adapter",
                    bytes=_tree_bytes(entry.path),
                    dev=info.st_dev,
                    ino=info.st_ino,
                    mtime_ns=info.st_mtime_ns,
                )
            )
    return sorted(found, key=lambda item: int(item.path.rpartition("/")[2]))


def _tree_bytes(folder: str) -> int:
    """The bytes of all files below a folder; symlinks are not followed."""
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except OSError:
                continue
    return total


def _with_hash(state: State, item: Candidate) -> Candidate:
    """An export with what its bytes are known by, hashed as what is recorded of it."""
    from store import identity  # who only asks what may go hashes nothing

    row = state.export(item.project, item.of)
    known = row.output_sha256 or "" if row is not None else ""
    try:
        return replace(
            item, sha256=identity.of_file(os.path.join(item.project, item.path), like=known)
        )
    except OSError:
        return item


def _manifest(state: State, export: Candidate) -> list[Candidate]:
    """The manifest goes with its export."""
    row = state.export(export.project, export.of)
    if row is None or row.manifest is None:
        return []
    item = _look(export.project, row.manifest, "manifest", of=export.of)
    return [item] if item is not None and not _unsafe(item) else []


# -- what must stay -------------------------------------------------------------------------------


def blocker(state: State, item: Candidate, *, force: bool = False) -> str:
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


def _keep_log(state: State, item: Candidate, force: bool) -> str:
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


def _export_missing(state: State, item: Candidate) -> str:
    """Whether the export for which a log may go has been deleted by somebody."""
    export = state.export(item.project, item.path)
    assert export is not None
    output = export.output
    there = output is not None and os.path.isfile(os.path.join(item.project, output))
    return "" if there else f"its export {output} is not there"


def _keep_export(state: State, item: Candidate, force: bool) -> str:
    row = state.export(item.project, item.of)
    if row is None or row.output != item.path or not _is_in(item, EXPORTS_DIR):
        return "it is not recorded as an export"
    return "" if force else _changed(state, item, row)


def _changed(state: State, item: Candidate, row: ExportRow) -> str:
    if item.sha256 != row.output_sha256:
        return "it is not as it was written: somebody changed it"
    # A file is always written before its event. One that is newer, even with the same bytes, is an
    # export whose event is still on its way: pruned now, it would be missing from the view's truth.
    if item.mtime_ns / 1e9 > state.recorded_at(row.position):
        return "it is newer than what is recorded of it"
    return ""


def _keep_adapter(state: State, item: Candidate) -> str:
    folder, _, name = item.path.rpartition("/")
    if folder != ADAPTERS_DIR or not _is_number(name):
        return "it is not an adapter"
    if state.jobs(item.project, "running"):
        return "a job is running on the project"
    return deployment_blocker(item)


def deployment_blocker(item: Candidate) -> str:
    """Whether an adapter is, or may be, the deployed one; "" when it is not."""
    deployed = os.path.join(item.project, ADAPTERS_DIR, DEPLOYED)
    try:
        target = os.readlink(deployed)
    except FileNotFoundError:
        return ""
    except OSError:
        return f"which adapter is deployed cannot be told: {deployed} is no symlink"
    if os.path.basename(os.path.normpath(target)) == os.path.basename(item.path):
        return "it is deployed"
    if not os.path.exists(deployed):
        return f"which adapter is deployed cannot be told: {deployed} leads nowhere"
    return ""


def _is_in(item: Candidate, folder: str) -> bool:
    return item.path.rpartition("/")[0] == folder


def _unsafe(item: Candidate) -> str:
    """Why a path does not lead where it says; "" when it does."""
    try:
        path_of(item)
    except UnsafePathError as error:
        return error.message
    return ""


def path_of(item: Candidate) -> Path:
    """Where an item lies, its folder resolved. Raises UnsafePathError when it leaves the project.

    The item itself is not resolved: it may not be a symlink, and goes as what it is.
    """
    project = Path(item.project)
    name = os.path.basename(item.path)
    if name in ("", ".", ".."):
        raise UnsafePathError(f"{item.path}: not a file of a project")
    return inside(project, (project / item.path).parent) / name


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()
