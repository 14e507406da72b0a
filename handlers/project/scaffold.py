"""A new project to start from: a complete small mission that can be run, judged and trained on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from handlers.project.paths import CADENZA_DIR
from store.durable import make_folder, write_file
from store.errors import ProjectError

SAMPLE = Path(__file__).parent / "sample"
_RENAMED = {"gitignore": ".gitignore"}
"""Stored without the dot, so that no tool takes it for this repository's own."""


def init_project(target: Path) -> list[Path]:
    """Write the sample mission into `target`, made if need be; the files written, in order.

    The folder may exist and hold other files, but none of the sample's. Raises ProjectError when
    one of them is there already (nothing is written then) or when the folder cannot be written.
    """
    plan = {target / name: content for name, content in _sample_files()}
    for path in plan:
        if os.path.lexists(path):
            raise ProjectError(
                f"{path}: exists already, nothing was written",
                hint="choose an empty folder, or move the file away",
            )
    try:
        make_folder(target / CADENZA_DIR)
        # env.json last: a folder becomes a project when it appears, and by then it is complete.
        ordered = sorted(plan, key=lambda path: (path.name == "env.json", path))
        for path in ordered:
            make_folder(path.parent)
            write_file(path, plan[path], mode=0o644)
    except OSError as error:
        where = error.filename or target
        raise ProjectError(f"{where}: cannot be written: {error.strerror or error}") from None
    return ordered


def recorded_run() -> Path:
    """A recorded run of the sample mission, to drop into a project's `.cadenza-env/`."""
    return SAMPLE / "recorded-run.log.jsonl"


def _sample_files() -> Iterator[tuple[str, bytes]]:
    """(path inside the project, content) of every file of the sample mission."""
    root = SAMPLE / "mission"
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":
            name = path.relative_to(root).as_posix()
            yield _RENAMED.get(name, name), path.read_bytes()
