"""When the daemon checks a mission: env.json is new or has changed."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.jobs import queue_job
from handlers.reactions import Tools
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.files import ProjectChanged
from store.reads.state import State


def check_on_project(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """One check for each env.json: a project that appears again as it was needs none."""
    assert event.project is not None
    project = state.project(event.project)
    if project is None or project.paused or not tools.policy(event.project).check:
        return []
    if project.checked_sha256 == project.env_sha256:
        return []
    changed = isinstance(event.event, ProjectChanged)
    reason = "env.json changed" if changed else "env.json is there"
    return queue_job(state, "check", event.project, reason)
