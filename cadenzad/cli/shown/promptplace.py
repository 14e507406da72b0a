"""Where a project's prompt is, and what of it is open to free text, for commands that show it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any


def place_of_prompt(project: Path, named: str) -> dict[str, Any]:
    """The place as JSON has it. `problem` says why the prompt is not edited; empty where it is.

    `label` is what the setting judge.prompt (`named`) calls the place; `file` is what is edited.
    `open`: first and last line, in the prompt, of each paragraph that is open to free text;
    `not_open`: why others that were marked are not.
    """
    from handlers.judge.prompt.opened import opened
    from handlers.judge.prompt.source import RefusedSource, find_prompt, open_paragraphs

    try:
        source = find_prompt(project, named)
    except RefusedSource as error:
        problem = error.with_hint
        found = {"label": None, "file": None, "line": None, "problem": problem}
        return found | {"open": [], "not_open": []}
    file = source.path.relative_to(project.resolve()).as_posix()
    may, marked = open_paragraphs(source), opened(source.value)
    problems = [*marked.problems]
    problems += [
        f"the paragraph of line {paragraph.lines(source.value)[0]} of the prompt is there twice,"
        " or is not written in one piece beside the managed block"
        for paragraph in marked.paragraphs
        if paragraph not in may
    ]
    return {
        "label": source.found.label,
        "file": file,
        "line": source.line,
        "problem": "",
        "open": [[*paragraph.lines(source.value)] for paragraph in may],
        "not_open": problems,
    }


def said_of(place: dict[str, Any]) -> str:
    """The place in one line."""
    return place["problem"] or f"{place['label']}, edited in {place['file']}:{place['line']}"


def said_of_open(place: dict[str, Any]) -> Iterator[str]:
    """Lines that say what of the prompt is open to free text; none where nothing was marked."""
    if place["open"]:
        spans = [f"{a}" if a == b else f"{a} to {b}" for a, b in place["open"]]
        lines = "line" if spans == [spans[0].split()[0]] else "lines"
        yield f"open to free text: {lines} {', '.join(spans)} of the prompt (judge.text)"
    for problem in place["not_open"]:
        yield f"not open to free text: {problem}"
