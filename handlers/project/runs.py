"""A project's run logs, as they lie on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

from handlers.project.paths import CADENZA_DIR, classify, inside, run_id_of
from store.errors import UnsafePathError


class LogFile(NamedTuple):
    """A run log. `path` is real and lies in the project."""

    run_id: str
    path: Path
    format: Literal["mission", "orchestrator"]


def run_logs(project: Path) -> list[LogFile]:
    """Every run log of a project, the oldest first (by when it was last written, then by name)."""
    found: list[tuple[int, LogFile]] = []
    for folder in (".", CADENZA_DIR):
        try:
            names = sorted(os.listdir(project / folder))
        except OSError:
            continue
        for name in names:
            relative = name if folder == "." else f"{folder}/{name}"
            role = classify(relative)
            if role not in ("run", "orchestrator"):
                continue
            try:
                path = inside(project, Path(relative))
                when = path.stat().st_mtime_ns
            except (OSError, UnsafePathError):
                continue
            kind: Literal["mission", "orchestrator"] = (
                "orchestrator" if role == "orchestrator" else "mission"
            )
            found.append((when, LogFile(run_id_of(name), path, kind)))
    return [log for _, log in sorted(found)]
