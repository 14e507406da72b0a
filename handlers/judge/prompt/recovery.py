"""A prompt's file and its event, made to agree after a job that was killed between the two."""

from __future__ import annotations

from pathlib import Path

from handlers.judge.prompt import versions
from handlers.project.paths import PROMPTS_DIR, inside
from handlers.project.writing import sha256_of
from handlers.recovery import Effect
from store.errors import UnsafePathError
from store.events.base import Event
from store.events.prompt import (
    PromptConflictFound,
    PromptProposed,
    PromptRejected,
    PromptRewritten,
    PromptRolledBack,
)


def complete(project: Path, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """The events, if the file holds the bytes that the last of them speaks of; else none."""
    for event in reversed(events):
        if isinstance(event, PromptRewritten | PromptRolledBack):
            try:
                current = sha256_of(inside(project, Path(event.file)))
            except UnsafePathError:
                return ()  # another file than the one that was replaced
            return events if current == event.after_sha256 else ()
    return ()


PROMPTS = Effect(
    "prompts",
    PROMPTS_DIR,
    (PromptRewritten, PromptRolledBack, PromptProposed, PromptRejected, PromptConflictFound),
    complete,
    tidy=versions.tidy,
)
"""What the judge and people's actions do: the file with SYSTEM_PROMPT is replaced."""
