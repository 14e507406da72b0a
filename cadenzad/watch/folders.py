"""Which folders are watched and scanned; what comes of it is settled and goes to the recorder.

Runs on one thread (the daemon's main loop). Watches come first, then a scan, so that nothing falls
between; a periodic reconcile repeats both and finds what a watch missed.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cadenzad.config.files import Config
from cadenzad.config.project import load_project_config
from cadenzad.watch.arming import Arming
from cadenzad.watch.changes import Change, ChangeQueue, FileChange, Overflowed, WatchLost
from cadenzad.watch.degraded import DegradedReasons
from cadenzad.watch.exports import Exports
from cadenzad.watch.inotify import FolderWatches, is_cookie
from cadenzad.watch.quiet import Quiet
from cadenzad.watch.record import Recorder
from cadenzad.watch.recordings import Recordings, is_candidate
from cadenzad.watch.settlers import Settlers
from handlers.project.paths import CADENZA_DIR, SPEC_FILE, WATCHED_DIRS, classify, printable
from store.errors import ConfigError, StoreError
from store.reads.state import State
from store.writer import Writer

log = logging.getLogger("cadenzad.collector")


class Folders:
    """Keeps watches on the workspaces and brings their files to the recorder."""

    def __init__(
        self,
        config: Config,
        state: State,
        writer: Writer,
        recorder: Recorder,
        exports: Exports,
        recordings: Recordings,
        changes: ChangeQueue,
        watches: FolderWatches | None,
    ) -> None:
        """`watches` None: no watching, scans alone (`--once`)."""
        self._config = config
        self._state = state
        self._recorder = recorder
        self._exports = exports
        self._recordings = recordings
        self._changes = changes
        self._settlers = Settlers(config.watch)
        self._projects: dict[Path, None] = {}
        self._folders: set[Path] = set()
        """Those in which an env.json makes a project."""
        self._extra: dict[Path, Callable[[Path], None]] = {}
        self.on_cookie: Callable[[Path], None] = lambda path: None
        self.on_trouble: Callable[[Exception], object] = lambda error: log.error("%s", error)
        """Told when the event log cannot be read or written; the next scan tries again."""
        self.alive: Callable[[], object] = lambda: None
        """Called between files: a long scan is no silence."""
        self.overflows = 0
        self._found: set[str] = set()
        """What a periodic scan alone came upon, until it is taken or a change of it is reported."""
        self._periodic = False
        self._quiet = Quiet()
        self._degraded = DegradedReasons(state, writer, lambda error: self.on_trouble(error))
        self._arming = Arming(watches, self._degraded)

    # -- what is watched ---------------------------------------------------------------------------

    @property
    def projects(self) -> list[Path]:
        return list(self._projects.copy())  # also asked for from other threads

    @property
    def directories(self) -> int:
        return len(self._arming.armed)

    @property
    def degraded(self) -> list[str]:
        """Why watching is incomplete now, for people."""
        return self._degraded.details

    @property
    def reconcile_finds(self) -> int:
        """How many files only a periodic scan found, and something was to be recorded of."""
        return self._recorder.finds

    @property
    def recordings_dropped(self) -> int:
        """How many recordings of other tools were recorded, each of which a job takes in."""
        return self._recordings.dropped

    def watch_extra(self, folder: Path, on_file: Callable[[Path], None]) -> None:
        """Watch a folder that is no project's (the inbox); `on_file` gets what settles in it."""
        self._extra[folder] = on_file
        self._arm(folder)

    def reconfigure(self, config: Config) -> None:
        """New workspaces and delays; what is no longer asked for is no longer watched."""
        self._config = config
        self._settlers.reconfigure(config.watch)
        for project in [path for path in self._projects if not config.watches(path)]:
            del self._projects[project]
        self._folders.clear()  # the scan below finds those that still count
        self._quiet.forget()
        self._arming.disarm_all_but(
            lambda folder: (
                folder in self._extra
                or any(w == folder or w in folder.parents for w in config.workspaces)
            )
        )
        self.reconcile()

    def is_quiet(self, project: Path) -> bool:
        """Whether the last scan passed a project by: nothing is different since the one before."""
        return self._quiet.was_passed(project)

    def probe(self, folder: Path) -> bool:
        """Send a cookie through the watcher; False where no folder is watched at all."""
        return self._arming.probe(folder)

    def reconcile(self, *, periodic: bool = False) -> None:
        """Arm what should be armed, scan everything, record what is gone.

        A periodic one also clears reasons that have not come up since the one before, and passes
        by projects that look as the last one left them: nothing but a scan says whether a reason
        still holds, so it does that only while there is none.
        """
        self._periodic = periodic
        before = self._degraded.begin_round()
        self._arming.check(self._config)
        self._quiet.begin()
        if not periodic or self._degraded.details:
            self._quiet.forget()
        for folder in self._extra:
            self._arm(folder)
        workspaces = self._config.workspaces
        found = {
            project for workspace in workspaces for project in self._adopt_workspace(workspace)
        }
        # A known one that was not come upon has lost its env.json, or is in what cannot be listed.
        known = [Path(row.path) for row in self._state.projects() if row.state != "removed"]
        for project in known:
            if project not in found and not {project, project.parent}.isdisjoint(workspaces):
                self._adopt_project(project)
        for code, detail in self._recordings.refused(self._projects):
            self._degraded.add(code, detail)
        self._degraded.end_round(before, periodic=periodic)

    def record_removals(self) -> None:
        """Record what is gone; call when the drops of a scan are in (a rename is no removal)."""
        self._exports.begin_scan()
        try:
            for project in self._projects:
                self.alive()
                if self._quiet.was_passed(project):
                    continue
                missing = self._recorder.remove_missing(project)
                if not self._exports.check(project) or missing:
                    self._quiet.stir(project)
            if not self._degraded.details:
                self._quiet.end()
        except (StoreError, sqlite3.Error) as error:
            self.on_trouble(error)

    def cannot_look(self, path: str, why: str) -> None:
        """A file that a scan came to could not be looked at."""
        self._degraded.add(f"unreadable:{path}", f"{path}: {why}")

    def _adopt_workspace(self, workspace: Path) -> list[Path]:
        """Adopt what lies in a workspace; the projects among it."""
        if not self._arm(workspace):
            if not self._arming.watching:
                log.warning("%s: no such folder, or none that can be listed", workspace)
            return []
        try:
            real = os.path.realpath(workspace)
            with os.scandir(real) as entries:
                folders = [
                    Path(os.path.realpath(entry.path) if entry.is_symlink() else entry.path)
                    for entry in entries
                    if entry.is_dir() and not entry.name.startswith(".")
                ]
        except OSError as error:
            self._degraded.add(f"unreadable:{workspace}", f"{workspace}: {error.strerror}")
            return []
        # The workspace may be a project itself: people point the daemon at what they have.
        all_of_it = dict.fromkeys([workspace, *sorted(folders)])
        return [folder for folder in all_of_it if self._adopt_folder(folder)]

    def _adopt_folder(self, folder: Path) -> bool:
        """A folder in a workspace: a project (then True), or one that may become a project."""
        is_project = os.path.lexists(folder / SPEC_FILE)
        if (name := printable(str(folder))) != str(folder):
            if is_project:  # no event could name it
                self._degraded.add(f"name:{name}", f"{name}: its name is not UTF-8: rename it")
            return False
        self._folders.add(folder)
        self._arm(folder)
        if is_project:
            self._adopt_project(folder)
        return is_project

    def _adopt_project(self, project: Path) -> None:
        self._projects[project] = None
        if self._quiet.passes(project):
            return
        self._configure_project(project)
        for name in WATCHED_DIRS:
            folder = project / name if name != "." else project
            if self._is_real_folder(project, folder) and self._arm(folder):
                self._scan(project, name)

    def _configure_project(self, project: Path) -> None:
        """Take over the delays of the project's own cadenzad.toml; a bad one is named, not used."""
        try:
            watch = load_project_config(project, self._config).watch
        except ConfigError as error:
            self._degraded.add(f"config:{project}", error.message)
            watch = self._config.watch
        self._settlers.set_own(project, watch)

    def _is_real_folder(self, project: Path, folder: Path) -> bool:
        """A folder of the project itself: a symlink that leads out is refused, and said so."""
        if not os.path.isdir(folder):
            return False
        own = folder.relative_to(project).parents
        if not any(os.path.islink(part) for part in (folder, *(project / p for p in own[:-1]))):
            return True  # as the project's own path is real
        real = Path(os.path.realpath(folder))
        if real == project or project in real.parents:
            return True
        self._degraded.add(f"outside:{folder}", f"{folder} is a symlink that leaves its project")
        return False

    def _scan(self, project: Path, name: str) -> None:
        """Note every file of one folder that is not as it was when last read."""
        now, wall = time.monotonic(), time.time()
        for entry in self._entries(project / name if name != "." else project):
            relative = entry.name if name == "." else f"{name}/{entry.name}"
            if is_candidate(relative, is_dir=_is_folder(entry)):
                self._quiet.stir(project)  # what is in it, nothing but a look at all of it tells
                self._recordings.look(project, relative, self._config, now)
            if classify(relative) in ("ignore", "recording"):
                continue
            path = str(project / relative)
            try:
                unchanged = self._recorder.is_unchanged(path, entry.stat())
                unchanged = unchanged and not self._recorder.is_misplaced(project, relative)
            except FileNotFoundError:
                continue
            except OSError:
                unchanged = False  # a loop of links, perhaps: reading it will say why
            if not unchanged or self._recorder.is_on_the_way(path):
                self._quiet.stir(project)
            if not unchanged:
                settler = self._settlers.of(Path(path))
                if self._periodic and path not in settler:
                    self._found.add(path)
                settler.found(path, now, wall)

    def _entries(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                yield from sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self._degraded.add(f"unreadable:{folder}", f"{folder}: {error.strerror}")

    # -- what happens ------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When `turn` has something to do without a change, by time.monotonic."""
        deadlines = (
            self._settlers.next_deadline(),
            self._recordings.next_deadline(),
            self._arming.next_look(),
        )
        return min((when for when in deadlines if when is not None), default=None)

    def handle(self, change: Change, now: float) -> None:
        """One change from the watches, at `now` (seconds of time.monotonic)."""
        match change:
            case Overflowed():
                self.overflows += 1
                self._degraded.add(
                    "overflow", "the kernel dropped file changes; everything was scanned instead"
                )
                self.reconcile()
            case WatchLost(folder, reason):
                self._quiet.forget()  # what looks as before may be watched no more
                self._arming.lose(folder, reason, self._config)
            case FileChange(path, kind, is_dir):
                if is_cookie(path):
                    if kind == "closed":
                        self.on_cookie(Path(path))
                    return
                if is_dir:
                    self._folder_changed(Path(path), kind)
                else:
                    self._found.discard(path)
                    self._settlers.of(Path(path)).note(path, kind, now)

    def turn(self, now: float) -> int:
        """Bring drops due by `now` to the recorder, look for lost folders; returns the drops."""
        if self._arming.came_back(now):
            self.reconcile()
        drops = self._settlers.due(now)
        self._recordings.turn(self._config, now)
        try:
            for drop in drops:
                self.take(drop.path)
        finally:
            self._recorder.hand_over()
        return len(drops)

    def take(self, path: str) -> None:
        """Bring one file to whom it concerns."""
        full = Path(path)
        found = path in self._found
        self._found.discard(path)
        on_file = self._extra.get(full.parent)
        if on_file is not None:
            on_file(full)
            return
        place = self._locate(full)
        if place is None:
            return
        project, relative = place
        if relative == SPEC_FILE and project not in self._projects:
            self._adopt_project(project)
        if project in self._projects and (role := classify(relative)) != "ignore":
            self.alive()
            try:
                if role == "recording":
                    self._recordings.look(project, relative, self._config, time.monotonic())
                    return
                others = self._recorder.other_names(project, relative)
                self._recorder.take(project, relative, found=found)
                for other in others:
                    if str(project / other) not in self._settlers.of(full):  # else it comes anyway
                        self._recorder.take(project, other)
            except (StoreError, sqlite3.Error) as error:
                self.on_trouble(error)
            except Exception as error:
                log.exception("%s: intake failed", path)
                detail = f"{path}: could not be taken in: {type(error).__name__}: {error}"
                self._degraded.add(f"intake:{path}", detail)

    def finish_scan(self, report: Callable[[int, int], object] = lambda _done, _of: None) -> None:
        """Take everything that waits, settled or not (`--once`); `report` hears how far it is."""
        done = 0
        while (deadline := self._settlers.next_deadline()) is not None:
            drops = self._settlers.due(deadline)
            total = done + len(drops) + len(self._settlers)
            for done, drop in enumerate(drops, done + 1):  # noqa: B020 - it counts on
                self.take(drop.path)
                report(done, total)
        self._recorder.flush()
        self._recordings.finish(self._config)

    def _locate(self, path: Path) -> tuple[Path, str] | None:
        """The project a path belongs to (or may make one) and the path inside it."""
        if path.name == SPEC_FILE and path.parent in self._folders:
            return path.parent, SPEC_FILE
        for depth in (path.parent, path.parent.parent, path.parent.parent.parent):
            if depth in self._projects:
                return depth, path.relative_to(depth).as_posix()
        return None

    def _folder_changed(self, folder: Path, kind: str) -> None:
        """A folder came (or went: its own watch or the reconcile tells)."""
        for moved in (folder, folder.parent, folder.parent.parent):
            self._quiet.stir(moved)  # it may be back as it was, and not be watched any more
        if kind not in ("created", "moved_in"):
            return
        parent = folder.parent
        for project in (parent, parent.parent):
            if project in self._projects:
                relative = folder.relative_to(project).as_posix()
                if is_candidate(relative, is_dir=True):
                    self._recordings.look(project, relative, self._config, time.monotonic())
                if relative in WATCHED_DIRS and self._is_real_folder(project, folder):
                    self._arm(folder)
                    self._scan(project, relative)
                    if relative == CADENZA_DIR:
                        self._adopt_project(project)
        # A workspace may be a project too: then a new folder may be one of its projects.
        if parent in self._config.workspaces and not folder.name.startswith("."):
            self._adopt_folder(Path(os.path.realpath(folder)))

    def _arm(self, folder: Path) -> bool:
        """Watch a folder; False when it is not there at all."""
        return self._arming.arm(folder, self._config)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry leads to a folder; a loop of links leads nowhere."""
    try:
        return entry.is_dir()
    except OSError:
        return False
