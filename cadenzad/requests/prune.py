"""Pruning: doomed files go, and the history says so, whatever happens in between.

Three steps, the one that cannot be taken back last:

    1. set aside   renamed, in its folder, to a hidden name that follows from the request's id
    2. recorded    FilePruned is committed for what was set aside and may still go
    3. deleted     what was recorded; what was not is put back

Deleting first would lose the file's facts to a kill before the event (and the next scan would
record a plain removal); recording first would claim what a full or read-only disk then refuses. A
kill after 1 leaves a hidden file, a kill after 2 one that is recorded: the same request, carried
out again, finds either under its name and goes on. So the request stays in the inbox until then.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from cadenzad.protect import Doomed, folder_of, objection
from cadenzad.requests.inbox import Request, new_request
from store.durable import sync
from store.errors import CadenzaError
from store.events.envelope import NewEvent, project_stream
from store.events.files import FilePruned
from store.reads.state import State
from store.writer import Transaction, Writer

KIND = "prune"
PRUNED = "pruned"
"""The progress key under which the outcome of the last prune request lands."""

BATCH = 100
REQUEST_BYTES = 64 * 1024
"""So few files (some 200) that the daemon, which does nothing else meanwhile, is soon back."""

ASIDE = ".pruned-"


def requests_for(doomed: Sequence[Doomed], *, force: bool) -> Iterable[Request]:
    """Requests that prune these, in their order; as many as it takes to keep each one small."""
    files: list[object] = []
    size = 0
    for item in doomed:
        files.append(item.model_dump(mode="json"))
        size += len(item.model_dump_json())
        if size >= REQUEST_BYTES:
            yield new_request(KIND, {"force": force, "files": files})
            files, size = [], 0
    if files:
        yield new_request(KIND, {"force": force, "files": files})


def prune(request: Request, writer: Writer) -> None:
    """Carry out a prune request; may be repeated, also after a kill at any point.

    Its outcome goes to the progress key `pruned`: {"id", "kept": [[index, reason], ...]}. Raises
    KeyError, TypeError or ValidationError for a body that is none.
    """
    force = bool(request.body["force"])
    files = [Doomed.model_validate(file) for file in request.body["files"]]
    kept: list[tuple[int, str]] = []
    for begin in range(0, len(files), BATCH):
        items = [
            _Item(begin + offset, doomed, f"request:{request.id}:{begin + offset}")
            for offset, doomed in enumerate(files[begin : begin + BATCH])
        ]
        kept += _Batch(items, request.id, force).carry_out(writer)
    answer = {"id": request.id, "kept": kept}
    writer.run(lambda transaction: transaction.set_progress(PRUNED, answer))


class _Item(NamedTuple):
    number: int
    doomed: Doomed
    key: str


class _Aside(NamedTuple):
    """A file that lies under its hidden name."""

    item: _Item
    there: Path
    aside: Path


class _Batch:
    """Some files through the three steps together, so that one commit serves them all."""

    def __init__(self, items: Sequence[_Item], request_id: str, force: bool) -> None:
        self._items = items
        self._request_id = request_id
        self._force = force
        self._kept: dict[int, str] = {}

    def carry_out(self, writer: Writer) -> list[tuple[int, str]]:
        """All three steps; (index, reason) for every file that stayed."""
        # Asked before anything moves, and again in the transaction that records it.
        objections = writer.run(self._object)
        tried = [self._set_aside(item, objections) for item in self._items]
        moved = [aside for aside in tried if aside is not None]
        _sync_folders(moved)
        recorded = writer.run(lambda transaction: self._record(transaction, moved))
        for aside in moved:
            if aside.item.number in recorded:
                _delete(aside.aside)
            else:
                self._put_back(aside)
        _sync_folders(moved)
        return sorted(self._kept.items())

    def _object(self, transaction: Transaction) -> dict[int, str]:
        state = State(transaction.connection)
        return {
            item.number: reason
            for item in self._items
            if (reason := objection(state, item.doomed, force=self._force))
            # The manifest's export is pruned by the commit that is still to come.
            and item.doomed.kind != "manifest"
        }

    def _set_aside(self, item: _Item, objections: dict[int, str]) -> _Aside | None:
        """Rename a file to its hidden name; None (and a reason) when it must not or cannot be."""
        doomed = item.doomed
        try:
            folder = folder_of(doomed)
            there = folder / os.path.basename(doomed.path)
            aside = folder / f"{ASIDE}{self._request_id}-{item.number}"
            moved = _Aside(item, there, aside)
            if os.path.lexists(aside):
                return moved  # by this same request, before it was interrupted
            reason = objections.get(item.number) or _difference(there, doomed)
            if not reason:
                there.rename(aside)
                reason = _difference(aside, doomed)
                if not reason:
                    return moved
                self._put_back(moved)  # it was replaced between the look and the rename
        except CadenzaError as error:
            reason = error.message
        except OSError as error:
            reason = f"it cannot be moved: {error.strerror}"
        self._kept[item.number] = reason
        return None

    def _record(self, transaction: Transaction, moved: Sequence[_Aside]) -> set[int]:
        """Append FilePruned for what may still go; the indexes of what is recorded."""
        state = State(transaction.connection)
        recorded = set()
        for aside in moved:
            item = aside.item
            if not _is_recorded(transaction, item.key):
                reason = objection(state, item.doomed, force=self._force)
                if reason:
                    self._kept[item.number] = reason
                    continue
                event = FilePruned(
                    path=item.doomed.path,
                    kind=item.doomed.kind,
                    bytes=item.doomed.bytes,
                    sha256=item.doomed.sha256,
                )
                stream = project_stream(item.doomed.project)
                transaction.append(NewEvent(stream, event, dedup_key=item.key))
            recorded.add(item.number)
        return recorded

    def _put_back(self, moved: _Aside) -> None:
        """Undo a set-aside, never over something that came under the name meanwhile."""
        try:
            if moved.item.doomed.kind == "adapter":
                moved.aside.rename(moved.there)
            else:
                os.link(moved.aside, moved.there)
                moved.aside.unlink()
        except OSError as error:
            reason = self._kept.get(moved.item.number, "it changed")
            self._kept[moved.item.number] = f"{reason}; it lies at {moved.aside}: {error.strerror}"


def _is_recorded(transaction: Transaction, key: str) -> bool:
    query = "SELECT 1 FROM events WHERE dedup_key = ?"
    return transaction.connection.execute(query, (key,)).fetchone() is not None


def _difference(path: Path, doomed: Doomed) -> str:
    """How what lies at a path differs from what was chosen; "" when it does not."""
    try:
        info = path.lstat()
    except FileNotFoundError:
        return "it is gone already"
    expected = stat.S_IFDIR if doomed.kind == "adapter" else stat.S_IFREG
    if stat.S_IFMT(info.st_mode) != expected:
        return "it is something else now"
    same = (info.st_dev, info.st_ino, info.st_mtime_ns) == doomed.identity()
    if same and (doomed.kind == "adapter" or info.st_size == doomed.bytes):
        return ""
    return "it changed since it was chosen"


def _delete(path: Path) -> None:
    """Delete what is recorded as gone; what resists stays hidden, and the next scan ignores it."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _sync_folders(moved: Sequence[_Aside]) -> None:
    """Make renames or deletions durable, once per folder."""
    for folder in {aside.aside.parent for aside in moved}:
        sync(folder)
