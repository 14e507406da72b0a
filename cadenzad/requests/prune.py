"""Pruning: what may go is recorded, then deleted, and the two agree whatever happens in between.

    1. recorded   FilePruned is committed for every file that is as it was when it was chosen, and
                  that nothing keeps
    2. deleted    what was recorded, if it is still exactly that

A kill between the two leaves files that the log says are gone. The request lies in the inbox until
both are done, so the next start, or the next prune, carries it out again: nothing is recorded
twice, and what is still there goes. A file that was changed in between is another one: it stays,
and the next scan records it.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from cadenzad.maintenance.candidate import Candidate
from cadenzad.maintenance.retention import blocker, deployment_blocker, path_of
from cadenzad.requests.commands import Prune
from cadenzad.requests.inbox import event_key
from store.durable import sync
from store.errors import CadenzaError, StoreError
from store.events.envelope import NewEvent, project_stream
from store.events.files import FilePruned
from store.reads.state import State
from store.writer import Transaction, Writer

PRUNED = "pruned"
"""The progress key under which the outcome of the last prune request lands."""

BATCH = 100
REQUEST_BYTES = 64 * 1024
"""So few files (some 200) that the daemon, which does nothing else meanwhile, is soon back."""

ASIDE = ".pruned-"
GONE = "it is gone already"


class _Item(NamedTuple):
    number: int
    candidate: Candidate
    key: str


def batches(candidates: Sequence[Candidate], *, force: bool) -> Iterator[Prune]:
    """Commands that prune these, in their order; as many as it takes to keep each one small."""
    files: list[Candidate] = []
    size = 0
    for item in candidates:
        files.append(item)
        size += len(json.dumps(asdict(item)))
        if size >= REQUEST_BYTES:
            yield Prune(force, tuple(files))
            files, size = [], 0
    if files:
        yield Prune(force, tuple(files))


def prune(request_id: str, command: Prune, writer: Writer) -> None:
    """Carry out a prune request; may be repeated, also after a kill at any point.

    Its outcome goes to the progress key `pruned`: {"id", "kept": [[index, reason], ...]}. Raises
    StoreError when something resists that is recorded: then the request is to be repeated.
    """
    items = [
        _Item(number, candidate, event_key(request_id, number))
        for number, candidate in enumerate(command.files)
    ]
    kept: dict[int, str] = {}
    resisting: list[OSError] = []
    for begin in range(0, len(items), BATCH):
        batch = items[begin : begin + BATCH]

        def record(transaction: Transaction, batch: Sequence[_Item] = batch) -> dict[int, str]:
            return _record(transaction, batch, command.force)

        kept |= writer.run(record)
        kept |= _delete([item for item in batch if item.number not in kept], resisting)
    answer = {"id": request_id, "kept": sorted(kept.items())}
    writer.run(lambda transaction: transaction.set_progress(PRUNED, answer))
    if resisting:
        raise StoreError(
            f"pruned, but not deleted: {resisting[0]}", hint="the next start tries it again"
        )


def _record(transaction: Transaction, items: Sequence[_Item], force: bool) -> dict[int, str]:
    """Append FilePruned for what may go; the reasons of what may not."""
    state = State(transaction.connection)
    kept: dict[int, str] = {}
    for number, item, key in items:
        stream = project_stream(item.project)
        event = FilePruned(path=item.path, kind=item.kind, bytes=item.bytes, sha256=item.sha256)
        recorded = transaction.log.with_key(key)
        if recorded is None:
            reason = blocker(state, item, force=force) or _obstacle(item)
            if not reason:
                transaction.append(NewEvent(stream, event, dedup_key=key))
                transaction.forget_seen(os.path.join(item.project, item.path))
        elif (recorded.stream, recorded.event) != (stream, event):
            reason = "another file was pruned by this request"
        else:  # before this request was interrupted
            reason = "it was recorded anew" if _is_recorded_anew(state, item) else ""
        if reason:
            kept[number] = reason
    return kept


def _is_recorded_anew(state: State, item: Candidate) -> bool:
    row = state.file(item.project, item.path) if item.kind == "run" else None
    return row is not None and row.present


def _obstacle(item: Candidate) -> str:
    """Why a file cannot be deleted as it was chosen; "" when it can."""
    try:
        path = path_of(item)
    except CadenzaError as error:
        return error.message
    reason = _difference(path, item)
    # Asked before it is recorded: what is recorded has to go.
    if not reason and not os.access(path.parent, os.W_OK | os.X_OK, effective_ids=True):
        return f"it cannot be deleted: {path.parent} may not be written"
    return reason


def _difference(path: Path, item: Candidate) -> str:
    """How what lies at a path differs from what was chosen; "" when it does not."""
    try:
        info = path.lstat()
    except FileNotFoundError:
        return GONE
    except OSError as error:
        return f"it cannot be looked at: {error.strerror}"
    expected = stat.S_IFDIR if item.kind == "adapter" else stat.S_IFREG
    if stat.S_IFMT(info.st_mode) != expected:
        return "it is something else now"
    same = (info.st_dev, info.st_ino, info.st_mtime_ns) == item.identity()
    if same and (item.kind == "adapter" or info.st_size == item.bytes):
        return ""
    return "it changed since it was chosen"


def _delete(items: Sequence[_Item], resisting: list[OSError]) -> dict[int, str]:
    """Delete what is recorded as gone; the reasons of what stays.

    What could not be deleted is added to `resisting`.
    """
    kept: dict[int, str] = {}
    folders: set[Path] = set()
    for number, item, _ in items:
        try:
            path = path_of(item)
            reason = _delete_one(path, item)
            folders.add(path.parent)
        except CadenzaError as error:
            reason = error.message
        except OSError as error:
            resisting.append(error)
            reason = f"it cannot be deleted: {error.strerror}"
        if reason:
            kept[number] = reason
    for folder in folders:
        sync(folder)
    return kept


def _delete_one(path: Path, item: Candidate) -> str:
    """Delete a file that is still the one recorded; why it stays, "" when it is gone."""
    reason = _difference(path, item)
    if item.kind == "adapter":
        reason = reason or deployment_blocker(item)
        aside = path.with_name(ASIDE + path.name)
        _delete_folder(aside)  # of a deletion that was cut short
        if not reason:
            # A folder that is deleted half-way must not look like an adapter.
            path.rename(aside)
            _delete_folder(aside)
    elif not reason:
        path.unlink()
    return "" if reason == GONE else reason


def _delete_folder(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
