"""What the log does not know yet of the prompt's file, and the versions with that taken in.

People edit their files behind the log's back: they put a proposal in by hand, or change a version
that is there. Every job about a prompt begins here, goes on with what is so, and returns the events
that say it before its own.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from handlers.judge.prompt.drift import changed_by_hand
from handlers.project.paths import inside
from handlers.project.writing import sha256_of
from store import views
from store.database.view import PROMPTS
from store.errors import UnsafePathError
from store.events.base import Event
from store.events.envelope import Recorded, project_stream
from store.events.prompt import (
    PromptConflictFound,
    PromptProposed,
    PromptRewritten,
    PromptVersion,
)
from store.log import History
from store.reads.improvements import PromptRow, pending_prompt, prompt_versions
from store.reads.state import State
from store.schema import memory_view

FOUND = "a proposal that is in the file already is recorded now"


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
        names = tuple(column.name for column in PROMPTS.columns)
        query = f"SELECT {', '.join(names)} FROM view_prompts WHERE project = ?"
        events, stream = (*self.events, event), project_stream(str(project))
        with closing(memory_view()) as view:
            view.put(PROMPTS, names, state.connection.execute(query, (str(project),)))
            views.fold(
                view,
                [
                    Recorded(number, stream, 0, item, None, number, 0)
                    for number, item in enumerate(events, state.head() + 1)
                ],
            )
            return Known(tuple(prompt_versions(view, str(project))), events)

    @property
    def next_version(self) -> int:
        return max((row.version for row in self.rows), default=0) + 1


def known(state: State, project: Path, named: str = "") -> Known:
    """The versions as they are, by the log and by the file. `named`: the setting judge.prompt."""
    now = Known(tuple(prompt_versions(state.connection, str(project))))
    approved = approved_by_hand(state, project)
    if approved is not None:
        now = now.after(state, project, approved)
    current = now.current
    changed = changed_by_hand(project, current, named, broken=False) if current else ""
    if current is not None and changed:
        conflict = PromptConflictFound(file=current.file, reason=changed, version=current.version)
        now = now.after(state, project, conflict)
    return now


def approved_by_hand(state: State, project: Path) -> PromptRewritten | None:
    """The event of a proposal that somebody put into the file as it is; None without one."""
    row = pending_prompt(state.connection, str(project))
    try:
        if row is None or sha256_of(inside(project, Path(row.file))) != row.after_sha256:
            return None
    except (OSError, UnsafePathError):
        return None
    (record,) = History(state.connection).read(row.position - 1, until=row.position)
    assert isinstance(record.event, PromptProposed)
    facts = {name: getattr(record.event, name) for name in PromptVersion.fields()}
    return PromptRewritten(**facts, by="somebody, by hand")
