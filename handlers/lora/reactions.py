"""When the daemon trains: examples, the exam or the mission changed. And when an offer is due."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.jobs import queue_job
from handlers.project.paths import ENCODER_FILE
from handlers.reactions import Tools
from store.events.adapter import CodeTrusted, RetrainRequested
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.files import ExamplesRecorded, FileRemoved, ProjectChanged
from store.events.process import JobQueued
from store.reads.improvements import example_rows
from store.reads.offers import next_offer
from store.reads.state import State


def retrain_on_data(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """What an adapter is made of changed: train, once it has been quiet for a while.

    The job itself finds out whether the data really differ from those of the last adapter.
    """
    assert event.project is not None
    reason = _reason(event.event)
    policy = tools.policy(event.project)
    project = state.project(event.project)
    paused = project is not None and project.paused
    if reason is None or not policy.retrain or paused:
        return []
    if not example_rows(state.connection, event.project):
        return []
    made = queue_job(
        state,
        "retrain",
        event.project,
        reason,
        {"by": "cadenzad", "gate": True},
        now_us=tools.now_us(),
        wait=policy.retrain_wait,
    )
    asked = any(isinstance(follows, JobQueued) for follows in made)
    return [*([RetrainRequested(reason=reason)] if asked else []), *made]


def take_adapter_offers(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """Something of the fleet's offers of adapters is to be done: taken up, or back."""
    assert event.project is not None
    due = next_offer(state.connection, event.project, "adapter")
    project = state.project(event.project)
    if due is None or (project is not None and project.paused):
        return []
    return queue_job(state, "adopt", event.project, f"offer {due.offer}", {"by": "cadenzad"})


def _reason(fact: Event) -> str | None:
    """Why to train; None for a file that no adapter is made of."""
    match fact:
        case ExamplesRecorded():
            return f"{fact.file.path}: {fact.rows} {fact.split} rows"
        case FileRemoved(kind="examples" | "exam"):
            return f"{fact.path} was removed"
        case ProjectChanged():
            return "env.json changed"
        case CodeTrusted(path=path) if path == ENCODER_FILE:
            return f"{path} is trusted"
        case FileRemoved() | CodeTrusted():
            return None
    return "the project was resumed"
