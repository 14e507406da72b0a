"""Which events are news, and what is told of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from handlers.notify.settings import Kind
from store.events.adapter import (
    AdapterBlocked,
    AdapterPromoted,
    AdapterRolledBack,
    AdapterScored,
)
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.process import JobFailed, WatchDegraded
from store.events.prompt import PromptProposed, PromptRewritten, PromptRolledBack

NOTIFY = "notify"
"""The job kind that delivers; that it was given up is told by `status` alone."""


class Told(NamedTuple):
    """What one event is told as: its kind, and a sentence without the project's name."""

    kind: Kind
    line: str


def told_of(event: Event) -> Told | None:
    """What an event is told as; None for one that is no news."""
    match event:
        case AdapterPromoted():
            return Told("DEPLOY", f"adapter {event.version} is deployed")
        case AdapterBlocked():
            stays = f"adapter {event.serving} stays" if event.serving else "none is deployed"
            return Told("BLOCK", f"adapter {event.version}: {_first(event.reasons)}; {stays}")
        case AdapterScored(verdict="NEEDS_DATA"):
            return Told("NEEDS_DATA", f"adapter {event.version}: {_first(event.reasons)}")
        case AdapterRolledBack():
            now = f"adapter {event.version}" if event.version is not None else "no adapter"
            return Told(
                "rollback", f"{now} is deployed instead of {event.previous}: {event.reason}"
            )
        case PromptRolledBack():
            return Told("rollback", f"prompt version {event.of} is taken back: {event.reason}")
        case PromptRewritten():
            return Told("rewritten", f"prompt version {event.version}: {_rules(event)}")
        case PromptProposed():
            said = f"prompt version {event.version} waits for approval: {event.reason}"
            return Told("proposed", said)
        case WatchDegraded():
            return Told("degraded", f"watching is incomplete: {event.detail}")
        case JobFailed(retry_at_us=None):
            return Told("failed", f"job {event.job} was given up: {event.error}")
    return None


def message(record: Recorded, told: Told) -> Mapping[str, Any]:
    """What is sent, for programs and for people (`text` is what chat services show).

    `id` is the event's position in the log: the same news sent twice has the same.
    """
    project = record.project or ""
    name = os.path.basename(project) or "cadenzad"
    at = datetime.fromtimestamp(record.recorded_at_us / 1e6, UTC)
    return {
        "id": record.position,
        "kind": told.kind,
        "project": project or None,
        "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "text": f"{name}: {told.kind}: {told.line}",
        "event": {"type": record.event.type_name(), "data": record.event.model_dump(mode="json")},
    }


def _first(reasons: tuple[str, ...]) -> str:
    return reasons[0] if reasons else "no reason was given"


def _rules(event: PromptRewritten) -> str:
    count = len(event.rules)
    proven = "shown to help" if event.improved else "not shown to help"
    return f"{count} {'rule' if count == 1 else 'rules'}, {proven}"
