"""Housekeeping: which files of a project go, by what a person asked for.

A policy selects (all but the newest N, older than D), the rules of `cadenzad.protect` take out what
must stay whatever the policy says. Nothing is deleted here: see `cadenzad.requests.prune`.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from cadenzad.protect import Doomed, export_missing, is_number, objection, unsafe
from handlers.project.paths import ADAPTERS_DIR
from store.reads.improvements import adapters
from store.reads.state import State

What = Literal["logs", "exports", "adapters"]
WHAT: tuple[What, ...] = ("logs", "exports", "adapters")
"""Everything that can be pruned, in the order in which it is: a log while its export is there."""


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


class Plan(NamedTuple):
    doomed: list[Doomed]
    kept: list[Kept]


def make_plan(state: State, project: str, policy: Policy, now: float) -> Plan:
    """What pruning a project means now (`now` in Unix seconds). Reads files, changes nothing."""
    chosen: list[Doomed] = []
    for what in WHAT:
        if what in policy.what:
            chosen += _select(_candidates(state, project, what), policy, now)
    doomed: list[Doomed] = []
    kept: list[Kept] = []
    for item in chosen:
        reason = unsafe(item)
        if not reason:
            item = _with_hash(item) if item.kind == "export" else item
            reason = objection(state, item, force=policy.force)
        if not reason and item.kind == "run" and not policy.force:
            reason = export_missing(state, item)
        if reason:
            kept.append(Kept(item.project, item.path, item.kind, reason))
            continue
        doomed.append(item)
        if item.kind == "export":
            doomed += _manifest(state, item)
    return Plan(doomed, kept)


def _select(candidates: Iterable[Doomed], policy: Policy, now: float) -> Iterator[Doomed]:
    """The policy: all but the last `keep_last` of candidates in order of age, if old enough."""
    ordered = list(candidates)
    for item in ordered[: max(0, len(ordered) - policy.keep_last)]:
        if policy.older_than is None or now - item.mtime_ns / 1e9 >= policy.older_than:
            yield item


# -- what there is, the oldest first ---------------------------------------------------------------


def _candidates(state: State, project: str, what: What) -> list[Doomed]:
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
) -> Doomed | None:
    """A file as it lies there; None for what is not a regular file.

    `sha256` is kept where it covers the whole file, that is `hashed` bytes.
    """
    try:
        info = os.lstat(os.path.join(project, path))
    except OSError:
        return None
    if not stat.S_ISREG(info.st_mode):
        return None
    return Doomed(
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


def _adapters(state: State, project: str) -> list[Doomed]:
    """Adapter folders by their number; one that no event speaks of is not ours."""
    found = []
    recorded = {row.version for row in adapters(state.connection, project)}
    try:
        entries = list(os.scandir(os.path.join(project, ADAPTERS_DIR)))
    except OSError:
        return []
    for entry in entries:
        ours = is_number(entry.name) and int(entry.name) in recorded
        if ours and entry.is_dir(follow_symlinks=False):
            info = entry.stat(follow_symlinks=False)
            found.append(
                Doomed(
                    project=project,
                    path=f"{ADAPTERS_DIR}/{entry.name}",
                    kind="adapter",
                    bytes=tree_bytes(entry.path),
                    dev=info.st_dev,
                    ino=info.st_ino,
                    mtime_ns=info.st_mtime_ns,
                )
            )
    return sorted(found, key=lambda item: int(item.path.rpartition("/")[2]))


def tree_bytes(folder: str) -> int:
    """The bytes of all files below a folder; symlinks are not followed."""
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except OSError:
                continue
    return total


def _with_hash(item: Doomed) -> Doomed:
    try:
        with open(os.path.join(item.project, item.path), "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return item
    return item.model_copy(update={"sha256": digest})


def _manifest(state: State, export: Doomed) -> list[Doomed]:
    """The manifest goes with its export."""
    row = state.export(export.project, export.of)
    if row is None or row.manifest is None:
        return []
    item = _look(export.project, row.manifest, "manifest", of=export.of)
    return [item] if item is not None and not unsafe(item) else []
