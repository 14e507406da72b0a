"""From a drop to committed events: read the file, then decide inside the writer's transaction."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from handlers.intake.decide import Known, decide
from handlers.intake.observe import Observation, Stat, observe, unnameable
from handlers.project.paths import (
    SPEC_FILE,
    WATCHED_DIRS,
    classify,
    held_out,
    inside,
    printable,
)
from store import identity
from store.errors import StoreError, UnsafePathError
from store.events.base import Event
from store.events.envelope import NewEvent, Recorded, project_stream
from store.events.files import FileRejected, FileRemoved, ProjectRemoved
from store.reads.state import FileRow, State
from store.writer import Transaction, Writer

log = logging.getLogger("cadenzad.ingest")

Unit = Callable[[Transaction], list[Recorded]]


class StaleObservation(Exception):
    """What was known changed between reading a file and deciding: read it again."""


TOGETHER = 64
"""Outcomes that are handed to the writer at once: one commit for files that come together."""


class Recorder:
    """Reads settled files and records what is new. Use from one thread."""

    def __init__(
        self,
        reader: sqlite3.Connection,
        writer: Writer,
        again: Callable[[str], None],
        trouble: Callable[[Exception], object] = lambda error: log.error("%s", error),
    ) -> None:
        """`again(path)` is called, from any thread, for a file that must be looked at once more.

        `trouble(error)`, from any thread, when the log cannot be written: the next scan tries
        again.
        """
        self._trouble = trouble
        self._state = State(reader)
        self._writer = writer
        self._again = again
        self._read: list[tuple[Unit, Callable[[Future[list[Recorded]]], None]]] = []
        """Outcomes that the writer has not got yet, and who is told what became of them."""
        self._pending: set[Future[list[Recorded]]] = set()
        self._on_the_way: dict[str, tuple[int, ...]] = {}
        """The stat of files that were read and whose outcome the writer still has."""
        self.finds = 0
        """Files that only a scan found, and of which there was something to record."""

    def is_unchanged(self, path: str, stat: os.stat_result) -> bool:
        """Whether the file was read before, just as it is now, by the stat of what it leads to."""
        path, now = printable(path), Stat.of(stat).as_tuple()
        return now in (self._on_the_way.get(path), self._state.seen(path))

    def is_on_the_way(self, path: str) -> bool:
        """Whether what was read of a file is not recorded yet, and may never be."""
        return printable(path) in self._on_the_way

    def other_names(self, project: Path, path: str) -> list[str]:
        """Known files of a project that are `path` under another name, and not as last read.

        A write through one name of a file, hard or symbolic link, is reported for that name alone.
        """
        prior = self._state.file(str(project), printable(path))
        same = {(prior.dev, prior.ino)} if prior is not None else set()
        names = []
        with contextlib.suppress(OSError):
            info = os.stat(project / path)
            same.add((info.st_dev, info.st_ino))
        for row in [row for one in same for row in self._state.file_by_inode(str(project), *one)]:
            if row.path != path and row.present:
                with contextlib.suppress(OSError):  # gone: the scan records that
                    full = project / row.path
                    if not self.is_unchanged(str(full), os.stat(full)):
                        names.append(row.path)
        return names

    def is_misplaced(self, project: Path, path: str) -> bool:
        """Whether a file is known as examples although its name says that it is held out.

        An earlier version took copies of an exam for examples.
        """
        if not held_out(path):
            return False
        file = self._state.file(str(project), printable(path))
        return file is not None and file.kind == "examples" and classify(path) != "examples"

    def take(self, project: Path, path: str, *, found: bool = False) -> None:
        """Read `path` of `project`; `hand_over` gives what was read to the writer.

        `found`: only a scan came upon it.
        """
        full = str(project / path)
        raw, path = path, printable(path)
        known = self._look_up(self._state, project, path)
        spec = str(project / SPEC_FILE)
        if known.project is None and path != SPEC_FILE and spec not in self._on_the_way:
            # Files of a project count for it once it is known: env.json may settle after them.
            self.take(project, SPEC_FILE)
        seen: Observation | Stat | None
        if path != raw:
            seen = unnameable(project, path, full)
            full = printable(full)
        else:
            seen = observe(project, path, known.prior or known.moved_from)
        if seen is None:
            return
        stat = seen if isinstance(seen, Stat) else seen.stat
        known_by = self._known_by(project, path, seen) if isinstance(seen, Observation) else ()

        def record(transaction: Transaction) -> list[Recorded]:
            state = State(transaction.connection)
            observed = seen if isinstance(seen, Observation) else None
            now = self._look_up(state, project, path, observed, known_by)
            if now.project is None and path != SPEC_FILE:
                return []  # its env.json has gone meanwhile
            if isinstance(seen, Stat):
                transaction.mark_seen(full, *stat.as_tuple())
                return []
            if _basis(now) != _basis(known):
                raise StaleObservation
            transaction.mark_seen(full, *stat.as_tuple())
            stream = project_stream(str(project))
            events = [NewEvent(stream, event) for event in decide(seen, now)]
            return transaction.append(*events)

        def done(future: Future[list[Recorded]]) -> None:
            self._pending.discard(future)
            self._on_the_way.pop(full, None)
            error = future.exception()
            if isinstance(error, StaleObservation):
                self._again(full)
            elif isinstance(error, StoreError | sqlite3.Error):
                self._trouble(error)
            elif error is not None:
                log.error("%s: not recorded: %s", full, error)
            else:
                self.finds += found and bool(future.result())
                for recorded in future.result():
                    _log(recorded)

        self._on_the_way[full] = stat.as_tuple()
        self._read.append((record, done))
        if len(self._read) >= TOGETHER:
            self.hand_over()

    def hand_over(self) -> None:
        """Give what was read to the writer; does not wait for it."""
        read, self._read = self._read, []
        for record, done in read:
            future = self._writer.submit(record)
            self._pending.add(future)
            future.add_done_callback(done)

    def flush(self) -> None:
        """Wait until everything taken is committed (or has failed)."""
        self.hand_over()
        for future in list(self._pending):
            future.exception()

    def remove_missing(self, project: Path) -> bool:
        """Record which known files of a project, or the project itself, are gone; whether any is.

        What is not known at all counts as gone.
        """
        row = self._state.project(str(project))
        if row is None:
            return True
        if _is_gone(project / SPEC_FILE):
            if row.state != "removed":
                gone = ProjectRemoved(name=row.name, path=str(project))
                self._append_if(project, SPEC_FILE, gone, lambda s: _is_ready(s, str(project)))
            return True
        gone_files = False
        for file in self._state.present_files(str(project)):
            if file.kind != "config" and _leads_nowhere(project / file.path):
                gone_files = True
                event = FileRemoved.of_shape({"path": file.path, "kind": file.kind})
                self._append_if(project, file.path, event, _still(file))
        return gone_files

    def _append_if(
        self, project: Path, path: str, event: Event, holds: Callable[[State], bool]
    ) -> None:
        def record(transaction: Transaction) -> list[Recorded]:
            if not holds(State(transaction.connection)):
                return []
            # A folder that is moved away and back has files that look as they were when read.
            transaction.forget_seen(str(project / path))
            return transaction.append(NewEvent(project_stream(str(project)), event))

        for recorded in self._writer.run(record):
            _log(recorded)

    def _look_up(
        self,
        state: State,
        project: Path,
        path: str,
        seen: Observation | None = None,
        known_by: tuple[str, ...] = (),
    ) -> Known:
        """What the view knows of a file; with an observation also its twin and last episode.

        `known_by`: see `_known_by`.
        """
        prior = state.file(str(project), path)
        moved = self._moved_from(state, project, path) if prior is None else None
        twin, last = None, None
        if seen is not None and seen.log is not None:
            twins = (
                state.run_with_bytes(str(project), seen.size, known, but_not=path)
                for known in known_by
            )
            twin = next(filter(None, twins), None)
            basis = prior or moved
            last = state.last_episode(str(project), basis.path) if basis is not None else None
        return Known(state.project(str(project)), prior, moved, twin, last)

    def _known_by(self, project: Path, path: str, seen: Observation) -> tuple[str, ...]:
        """What the bytes of a run are known by where they were recorded under another name.

        Where an older log has a run of this size, that is also the hash that it was known by.
        """
        older = self._state.older_hash(str(project), seen.size) if seen.log is not None else None
        if older is None:
            return (seen.digest,)
        with contextlib.suppress(OSError):  # gone meanwhile: a later look says so
            return seen.digest, identity.of_file(project / path, size=seen.size, like=older)
        return (seen.digest,)

    @staticmethod
    def _moved_from(state: State, project: Path, path: str) -> FileRow | None:
        try:
            info = os.stat(project / path)
        except OSError:
            return None
        rows = state.file_by_inode(str(project), info.st_dev, info.st_ino)
        # Of several names that are gone, one that was there until now rather than one long removed.
        for row in sorted(rows, key=lambda row: not row.present):
            if row.path != path and row.accepted and _is_gone(project / row.path):
                return row
        return None


def _is_gone(path: Path) -> bool:
    """The name is not there any more; a folder that cannot be looked into proves nothing."""
    return _is_missing(path, os.lstat)


def _leads_nowhere(path: Path) -> bool:
    """The file is not there any more, or only a link to it is left."""
    return _is_missing(path, os.stat)


def _is_missing(path: Path, look: Callable[[Path], os.stat_result]) -> bool:
    try:
        look(path)
    except (FileNotFoundError, NotADirectoryError):
        return not _is_there_escaped(path)
    except OSError:
        return False
    return False


def _is_there_escaped(path: Path) -> bool:
    """Whether a file is there whose name is not UTF-8 and which is known as `path` (printable)."""
    if "\\x" not in path.name:
        return False
    try:
        return path.name in map(printable, os.listdir(path.parent))
    except OSError:
        return False


def _still(file: FileRow) -> Callable[[State], bool]:
    def holds(state: State) -> bool:
        now = state.file(file.project, file.path)
        gone = now is not None and now.revision == file.revision and now.present
        return gone and _leads_nowhere(Path(file.project) / file.path)

    return holds


def _is_ready(state: State, project: str) -> bool:
    row = state.project(project)
    return row is not None and row.state != "removed"


def _basis(known: Known) -> tuple[object, ...]:
    """What the reading of a file rested on."""
    row = known.prior or known.moved_from
    return (row.path, row.revision, row.present) if row is not None else ()


def _log(recorded: Recorded) -> None:
    event = recorded.event
    place = {"project": recorded.project or "", "position": recorded.position}
    if isinstance(event, FileRejected):
        log.warning("rejected %s: %s", event.file.path, event.reason, extra=place)
    else:
        log.info("%s %s", recorded.type, _subject(recorded), extra=place)


def _subject(recorded: Recorded) -> str:
    """What the event is about: a file's path inside its project, where there is one."""
    file = getattr(recorded.event, "file", None)
    return str(file.path) if file is not None else str(getattr(recorded.event, "path", ""))


def record_project(project: Path, recorder: Recorder) -> None:
    """Record a project and every file of it that is not known as it is now; wait for that.

    It need not lie in a workspace. A project whose name is not UTF-8 cannot be recorded at all.
    """
    if printable(str(project)) != str(project):
        return
    for name in WATCHED_DIRS:
        try:
            folder = inside(project, Path(name))
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except (OSError, UnsafePathError):
            continue
        for entry in entries:
            relative = entry.name if name == "." else f"{name}/{entry.name}"
            if classify(relative) != "ignore" and not _is_known(recorder, project / relative):
                recorder.take(project, relative)
                # One after another: what a file means rests on what the one before it was.
                recorder.flush()
    recorder.remove_missing(project)


def _is_known(recorder: Recorder, path: Path) -> bool:
    try:
        return recorder.is_unchanged(str(path), path.stat())
    except OSError:
        return False
