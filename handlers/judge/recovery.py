"""After a crash between the prompt's file and its event: the event, from the version on disk."""

from __future__ import annotations

from pathlib import Path

from handlers.judge import versions
from handlers.judge.source import find_prompt
from store.errors import CadenzaError
from store.events import EVENT_TYPES, Event
from store.improvements import prompt_versions
from store.promptevents import PromptRewritten, PromptRolledBack
from store.queries import State


def recovered(state: State, project: Path) -> Event | None:
    """The event of a version that is in the file and not in the log; None when there is none."""
    try:
        source = find_prompt(project)
    except CadenzaError:
        return None
    known = {row.version for row in prompt_versions(state.connection, str(project))}
    saved = versions.unrecorded(project, known, source.sha256)
    if saved is None:
        return None
    facts = dict(saved.facts)
    kind = facts.pop("type", "")
    if kind not in (PromptRewritten.type_name(), PromptRolledBack.type_name()):
        return None
    return EVENT_TYPES[kind].model_validate(facts)
