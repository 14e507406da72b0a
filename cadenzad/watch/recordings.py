"""Recordings that are dropped into `.cadenza-env/`: files and folders of other tools.

They may be of many GiB, so they are looked at, not read, until a job does: what one is known by
here are the names, sizes and times of its files, and the mapping that it is taken in by. Folders
are not watched from within: one that is still being copied is looked at again until it is quiet.
"""

from __future__ import annotations

import logging
import math
import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from cadenzad.config.files import Config
from cadenzad.config.project import load_project_config
from handlers.intake.observe import Stat
from handlers.project.paths import CADENZA_DIR, classify, inside, printable
from handlers.takein.reactions import KIND, dropped_since
from handlers.takein.recognise import QUIET_S, kind_of, look_at
from store import identity
from store.errors import ConfigError, UnsafePathError
from store.events.envelope import NewEvent, Recorded, project_stream
from store.events.files import RecordingDropped
from store.reads.state import State
from store.writer import Transaction, Writer

log = logging.getLogger("cadenzad.ingest")
OURS = frozenset({"exports", "prompts", "adapters", "dataset", "examples"})
"""Folders there that are no recording's."""


class Recordings:
    """Notices recordings, and says of those that could not be taken in. Use from one thread."""

    def __init__(self, reader: sqlite3.Connection, writer: Writer) -> None:
        self._state, self._writer = State(reader), writer
        self._again: dict[tuple[Path, str], float] = {}
        """What is not whole yet, and when it is looked at again, by time.monotonic."""
        self._unfit: dict[tuple[Path, str], str] = {}
        """Why what lies there cannot be recorded at all."""
        self.dropped = 0
        """How many were recorded."""

    def next_deadline(self) -> float | None:
        """When `turn` has something to do, by time.monotonic."""
        return min(self._again.values(), default=None)

    def turn(self, config: Config, now: float) -> None:
        """Look again at what was not whole yet."""
        for (project, path), due in list(self._again.items()):
            if now >= due:
                self.look(project, path, config, time.monotonic())

    def finish(self, config: Config) -> None:
        """Look again at once, and at what only has to be quiet when it is; the rest is said."""
        deadline = time.monotonic() + QUIET_S
        self.turn(config, math.inf)
        while self._again and (now := time.monotonic()) < deadline:
            time.sleep(max(0.0, min(min(self._again.values()), deadline) - now))
            self.turn(config, time.monotonic())
        for project, path in self._again:
            if kind_of(project / path) is not None:
                log.warning(
                    "%s: not taken in yet, it is still being written", path,
                    extra={"project": str(project)},
                )  # fmt: skip
        self._again.clear()

    def look(self, project: Path, path: str, config: Config, now: float) -> None:
        """Record the recording at `path` of a project, if it is one, is whole, and is news.

        Raises StoreError, sqlite3.Error.
        """
        self._again.pop((project, path), None)
        self._unfit.pop((project, path), None)
        if printable(path) != path and kind_of(project / path) is not None:
            name = printable(f"{project}/{path}")
            self._unfit[project, path] = f"{name}: its name is not UTF-8: rename it"
        if printable(path) != path:
            return
        try:
            source = inside(project, project / path)
            seen = look_at(source)
            wait = seen.wait(source, time.time())
            if kind_of(source) is None:
                if wait > 0:  # of a folder that is being copied the telling file may come last
                    self._again[project, path] = now + wait
                return
        except UnsafePathError as error:
            if kind_of(project / path) is not None:
                self._unfit[project, path] = error.with_hint
            return
        except OSError:
            return  # gone, or not to be looked into: that says nothing of it
        known = Stat(seen.dev, seen.ino, seen.size, seen.digest, _mapping(project, config))
        if known.as_tuple() == self._state.seen(str(project / path)):
            return
        if wait > 0:
            self._again[project, path] = now + wait
            return
        dropped = RecordingDropped(path=path, size=seen.size)

        def record(transaction: Transaction) -> list[Recorded]:
            if State(transaction.connection).project(str(project)) is None:
                return []  # its env.json is not known yet
            transaction.mark_seen(str(project / path), *known.as_tuple())
            return transaction.append(NewEvent(project_stream(str(project)), dropped))

        if not self._writer.run(record):
            self._again[project, path] = now + QUIET_S
        else:
            self.dropped += 1
            log.info("RecordingDropped %s", path, extra={"project": str(project)})

    def refused(self, projects: Iterable[Path]) -> list[tuple[str, str]]:
        """(code, detail) of what lies there and could not be taken in: one for each project."""
        there = set(map(str, projects))
        found = [
            (f"recording:{project}/{path}", reason)
            for (project, path), reason in self._unfit.items()
            if os.path.lexists(project / path)
        ]
        for job in self._state.jobs(None, "failed"):
            if job.kind != KIND or job.project not in there:
                continue
            newest = next(one for one in self._state.jobs(job.project) if one.kind == KIND)
            named = dropped_since(self._state.connection, job.project, int(job.spec["first"]))
            blamed = [path for path in (f"{job.project}/{name}" for name in named)
                      if path in job.result and os.path.lexists(path)]  # fmt: skip
            if newest.id == job.id and blamed:
                found.append((f"recording:{job.project}", job.result))
        return found


def is_candidate(relative: str, *, is_dir: bool) -> bool:
    """Whether a path of a project may be a recording's, by its name."""
    if not is_dir:
        return classify(relative) == "recording"
    folder, _, name = relative.rpartition("/")
    return folder == CADENZA_DIR and name not in OURS and not name.startswith(".")


def _mapping(project: Path, config: Config) -> int:
    """What recordings of a project are taken in by, as a number: another one makes them news."""
    try:
        wanted = load_project_config(project, config).takein
    except ConfigError:
        return 0  # said elsewhere
    digest = identity.of(wanted.model_dump_json().encode())
    return int(digest.rpartition(":")[2][:15], 16)
