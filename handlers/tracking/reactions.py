"""When something is to be tracked: a job does it."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.jobs import queue_job
from handlers.reactions import Tools
from store.events.adapter import AdapterPromoted, AdapterRolledBack, AdapterScored, AdapterTrained
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.prompt import PromptProposed, PromptRewritten, PromptRolledBack
from store.reads.state import State

TRACK = "mlflow"
"""The job kind that tells MLflow."""

TRACKED: tuple[type[Event], ...] = (
    AdapterTrained,
    AdapterScored,
    AdapterPromoted,
    AdapterRolledBack,
    PromptProposed,
    PromptRewritten,
    PromptRolledBack,
)


def track_on_change(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """One job of the project for all that waits: it tells what happened from the first of it on.

    Where the last one was given up, the next begins where that one did.
    """
    project = event.project or ""
    if not project or not tools.policy(project).track:
        return []
    first = event.position
    newest = next((job for job in state.jobs(project) if job.kind == TRACK), None)
    if newest is not None and newest.state == "failed":
        first = min(first, int(newest.spec["first"]))
    return queue_job(state, TRACK, project, event.type, {"first": first})
