"""When the daemon brings a dataset in line: runs arrive, change or go, or the mission changed."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.jobs import queue_job
from handlers.reactions import Tools
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.files import FileMoved, FileRemoved, RunRead
from store.reads.state import State


def update_on_change(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """One job for all that comes while it waits: it looks at what there is then."""
    assert event.project is not None
    policy = tools.policy(event.project)
    project = state.project(event.project)
    reason = _reason(event.event)
    if reason is None or not policy.dataset or project is None or project.paused:
        return []
    return queue_job(
        state, "dataset", event.project, reason,
        {"by": "cadenzad"}, now_us=tools.now_us(), wait=policy.dataset_wait,
    )  # fmt: skip


def _reason(fact: Event) -> str | None:
    """Why; None for a file that no dataset is made of."""
    match fact:
        case RunRead(format="orchestrator") | FileMoved(run_id=None):
            return None
        case RunRead() | FileMoved():
            return f"{fact.file.path}: {'moved' if isinstance(fact, FileMoved) else 'recorded'}"
        case FileRemoved(kind="run"):
            return f"{fact.path} was removed"
        case FileRemoved():
            return None
    return "the project is there, was resumed, or its env.json changed"
