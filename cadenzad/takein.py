"""A project that somebody names, taken in at once: what a watch or a scan would have found."""

from __future__ import annotations

import os
from pathlib import Path

from cadenzad.ingest import Ingest
from cadenzad.paths import printable
from handlers.project.paths import WATCHED_DIRS, classify, inside
from store.errors import UnsafePathError


def take_in(project: Path, ingest: Ingest) -> None:
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
            if classify(relative) != "ignore" and not _is_known(ingest, project / relative):
                ingest.take(project, relative)
                # One after another: what a file means rests on what the one before it was.
                ingest.flush()
    ingest.remove_missing(project)


def _is_known(ingest: Ingest, path: Path) -> bool:
    try:
        return ingest.is_unchanged(str(path), path.stat())
    except OSError:
        return False
