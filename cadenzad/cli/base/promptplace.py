"""Where a project's prompt is, for commands that show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def place_of_prompt(project: Path, named: str) -> dict[str, Any]:
    """The place as JSON has it. `problem` says why the prompt is not edited; empty where it is.

    `label` is what the setting judge.prompt (`named`) calls the place; `file` is what is edited.
    """
    from handlers.judge.prompt.source import RefusedSource, find_prompt

    try:
        source = find_prompt(project, named)
    except RefusedSource as error:
        return {"label": None, "file": None, "line": None, "problem": error.with_hint}
    file = source.path.relative_to(project.resolve()).as_posix()
    return {"label": source.found.label, "file": file, "line": source.line, "problem": ""}


def said_of(place: dict[str, Any]) -> str:
    """The place in one line."""
    return place["problem"] or f"{place['label']}, edited in {place['file']}:{place['line']}"
