"""Run logs that nobody has read yet: at a rewrite, what they tell was driven before it."""

from __future__ import annotations

import os
from pathlib import Path

from handlers.project.formats.runs import run_logs
from store.reads.state import State


def unread_logs(state: State, project: Path) -> tuple[str, ...]:
    """Run logs on disk that the event log does not know as they are now."""
    found = []
    root = Path(os.path.realpath(project))
    for log in run_logs(project):
        name = log.path.relative_to(root).as_posix()
        known = state.file(str(project), name)
        try:
            info = log.path.stat()
        except OSError:
            continue
        if known is None or (known.size, known.mtime_ns) != (info.st_size, info.st_mtime_ns):
            found.append(name)
    return tuple(found)
