"""Projects that look as they did when a scan found nothing to do in them: the next one passes by.

A whole scan asks the database for every file; whether anything is different since the last one, the
folders tell for a seventh of that. What tells it is what tells whether a file was read as it is:
the stat of each entry, of what a link leads to. So a write that no watch reported (by another name
of the file, or by another machine) is found as it was, and only what nobody touched is passed by.
"""

from __future__ import annotations

import os
from pathlib import Path

from handlers.project.paths import EXPORTS_DIR, WATCHED_DIRS

LOOKED_AT = (*WATCHED_DIRS, EXPORTS_DIR)
"""Folders of a project that hold what a scan looks at."""
WHOLE = 10
"""Of so many rounds one passes nothing by: a file does not tell that the database is damaged."""


class Quiet:
    """Which projects may be passed by. Use from one thread.

    In a round `passes` is asked of each project, before it is scanned; `stir`, at any time, says
    that there was something to do in one. `end` is called when all were looked at in every way:
    what was not stirred is quiet until it looks different. A round that comes to no `end` told
    nothing.
    """

    def __init__(self) -> None:
        self._left: dict[Path, int] = {}
        """What quiet projects looked like."""
        self._scanned: dict[Path, int] = {}
        """What those looked like that are scanned in this round."""
        self._passed: set[Path] = set()
        self._rounds = 0

    def begin(self) -> None:
        """A round begins, and one that did not come to its end is forgotten."""
        self._scanned.clear()
        self._passed.clear()
        self._rounds += 1
        if self._rounds % WHOLE == 0:
            self._left.clear()

    def passes(self, project: Path) -> bool:
        """Whether nothing is different in a project since a scan found nothing to do in it."""
        look = look_at(project)
        if look is not None and self._left.get(project) == look:
            self._passed.add(project)
            return True
        self._left.pop(project, None)
        if look is not None:
            self._scanned[project] = look
        return False

    def was_passed(self, project: Path) -> bool:
        """Whether a project was passed by in this round."""
        return project in self._passed

    def stir(self, project: Path) -> None:
        """There was something to do in a project: the next round scans it."""
        self._scanned.pop(project, None)
        self._left.pop(project, None)

    def end(self) -> None:
        """Everything was looked at: what was not stirred is quiet."""
        self._left.update(self._scanned)
        self._scanned.clear()

    def forget(self) -> None:
        """Something that a scan rests on is different: everything is scanned."""
        self._scanned.clear()
        self._passed.clear()
        self._left.clear()


def look_at(project: Path) -> int | None:
    """A hash of everything in a project that a scan looks at; None where only a scan can tell."""
    seen: list[object] = []
    for name in LOOKED_AT:
        try:
            with os.scandir(f"{project}/{name}") as entries:
                seen.append((name, *sorted(map(_entry, entries))))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return None
    return hash(tuple(seen))


def _entry(entry: os.DirEntry[str]) -> tuple[str, bool, int, int, int, int, int]:
    name, is_link = entry.name, entry.is_symlink()
    try:
        found = entry.stat()
        if entry.is_dir():  # what is in it has a look of its own, or is not ours
            return name, is_link, found.st_dev, found.st_ino, 0, 0, 0
    except OSError as error:  # a link that leads nowhere, say: as long as it does
        return name, is_link, error.errno or 0, 0, 0, 0, 0
    size, modified, changed = found.st_size, found.st_mtime_ns, found.st_ctime_ns
    return name, is_link, found.st_dev, found.st_ino, size, modified, changed
