"""What the log does not know yet of the prompt's file, and the versions with that taken in.

Two things happen to a file behind the log's back: somebody dies between its replacement and the
event, and people edit it. Every job about a prompt begins here, goes on with what is so, and
returns the events that say it before its own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from handlers.judge.prompt import versions
from handlers.judge.prompt.drift import changed_by_hand
from handlers.judge.prompt.source import find_prompt
from store import views
from store.errors import CadenzaError
from store.events.base import Event
from store.events.envelope import Recorded, project_stream
from store.events.prompt import (
    PromptConflictFound,
    PromptProposed,
    PromptRewritten,
    PromptRolledBack,
    PromptVersion,
)
from store.reads.improvements import PromptRow, prompt_versions
from store.reads.state import State
from store.schema import memory_view

log = logging.getLogger(__name__)
JOB_KINDS = frozenset({"judge", "prompt"})
FOUND = "a version that was written just before a crash is recorded now"


@dataclass(frozen=True)
class Known:
    """The versions of a project's prompt, and the events the log lacks for that."""

    rows: tuple[PromptRow, ...]
    events: tuple[Event, ...] = ()

    @property
    def current(self) -> PromptRow | None:
        return next((row for row in self.rows if row.state == "current"), None)

    def after(self, state: State, project: Path, event: Event) -> Known:
        """As it will be once an event is in the log; folded as the log would."""
        view = memory_view()
        cursor = state.connection.execute(
            "SELECT * FROM view_prompts WHERE project = ?", (str(project),)
        )
        marks = ", ".join("?" * len(cursor.description))
        view.executemany(f"INSERT INTO view_prompts VALUES ({marks})", cursor)
        events, stream = (*self.events, event), project_stream(str(project))
        for number, item in enumerate(events, state.head() + 1):
            views.apply(view, Recorded(number, stream, 0, item, None, number, 0))
        return Known(tuple(prompt_versions(view, str(project))), events)

    @property
    def next_version(self) -> int:
        return max((row.version for row in self.rows), default=0) + 1


def known(state: State, project: Path) -> Known:
    """The versions as they are, by the log and by the file."""
    now = Known(tuple(prompt_versions(state.connection, str(project))))
    found = recovered(state, project)
    if found is not None:
        now = now.after(state, project, found)
    current = now.current
    if current is not None and (changed := changed_by_hand(project, current, broken=False)):
        conflict = PromptConflictFound(file=current.file, reason=changed, version=current.version)
        now = now.after(state, project, conflict)
    return now


def recovered(state: State, project: Path) -> Event | None:
    """The event of a version that is in the file and not in the log; None when there is none."""
    try:
        source = find_prompt(project)
    except CadenzaError:
        return None
    rows = prompt_versions(state.connection, str(project))
    # A proposal that is in the file was approved by somebody who died, or put there by hand.
    recorded = {row.version for row in rows if row.state != "proposed"}
    found: list[Event] = []

    def ours(saved: versions.Saved) -> bool:
        event = _event(saved) if _is_ours(state, project, saved) else None
        found.extend([event] if event is not None else [])
        return event is not None

    versions.unrecorded(project, recorded, source.sha256, ours)
    return found[0] if found else None


def bound(project: Path, job: int | None) -> dict[str, object]:
    """What a version's record says of where it comes from."""
    return {"project": str(project), "job": job}


def _is_ours(state: State, project: Path, saved: versions.Saved) -> bool:
    """Whether a version was written for this project by a job that this log knows."""
    if saved.facts.get("project") != str(project):
        return False
    number = saved.facts.get("job")
    if number is None:
        return True
    job = state.job(number) if isinstance(number, int) else None
    return job is not None and job.project == str(project) and job.kind in JOB_KINDS


def _event(saved: versions.Saved) -> Event | None:
    """The event that a version's record holds; None, and a line, when it holds none."""
    facts = {name: value for name, value in saved.facts.items() if name not in ("project", "job")}
    kind = facts.pop("type", "")
    try:
        if kind == PromptRewritten.type_name():
            return PromptRewritten.model_validate(facts)
        if kind == PromptRolledBack.type_name():
            return PromptRolledBack.model_validate(facts)
        if kind == PromptProposed.type_name():
            made = {name: facts[name] for name in PromptVersion.model_fields if name in facts}
            return PromptRewritten.model_validate(made | {"by": "somebody, by hand"})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        log.warning("prompt version %d is passed by: %s: %s", saved.number, where, first["msg"])
        return None
    log.warning("prompt version %d is passed by: it is no version but %r", saved.number, kind)
    return None
