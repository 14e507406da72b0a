"""Which events are news, and what is told of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from handlers.notify.settings import Kind, Way
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
from store.text import counted
from store.times import iso

BY_WAY: Mapping[Way, str] = {"url": "notify-url", "argv": "notify-argv"}
"""The job kinds that deliver, one for each way, so that each has attempts of its own."""

BEFORE = "notify"
"""A job of before there was one for each way: it tells by every one."""

DELIVERIES = frozenset({BEFORE, *BY_WAY.values()})
"""That one of them was given up is told by `status` and `doctor` alone."""

LONGEST = 300
"""Characters of a reason that are told: what is longer is a prompt's or a log's, and stays here."""


class Told(NamedTuple):
    """What one event is told as: its kind, a sentence without the project's name, short facts.

    Nothing that is told holds lines of a prompt, goals or a diff, whatever judge.share allows.
    """

    kind: Kind
    line: str
    facts: Mapping[str, int | bool | str | None]


def told_of(event: Event) -> Told | None:
    """What an event is told as; None for one that is no news."""
    match event:
        case AdapterPromoted() | AdapterBlocked() | AdapterScored() | AdapterRolledBack():
            return _of_adapter(event)
        case PromptRewritten() | PromptProposed() | PromptRolledBack():
            return _of_prompt(event)
        case WatchDegraded():
            detail = _short(event.detail)
            return Told("degraded", f"watching is incomplete: {detail}", {"code": event.code})
        case JobFailed(retry_at_us=None):
            line = f"job {event.job} was given up: {_short(event.error)}"
            return Told("failed", line, {"job": event.job})
    return None


def _of_adapter(
    event: AdapterPromoted | AdapterBlocked | AdapterScored | AdapterRolledBack,
) -> Told | None:
    version = event.version
    match event:
        case AdapterPromoted():
            facts = {"version": version, "previous": event.previous}
            return Told("DEPLOY", f"adapter {version} is deployed", facts)
        case AdapterBlocked():
            stays = f"adapter {event.serving} stays" if event.serving else "none is deployed"
            facts = {"version": version, "serving": event.serving}
            return Told("BLOCK", f"adapter {version}: {_first(event.reasons)}; {stays}", facts)
        case AdapterScored(verdict="NEEDS_DATA"):
            line = f"adapter {version}: {_first(event.reasons)}"
            return Told("NEEDS_DATA", line, {"version": version})
        case AdapterRolledBack():
            now = f"adapter {version}" if version is not None else "no adapter"
            line = f"{now} is deployed instead of {event.previous}: {_short(event.reason)}"
            return Told("rollback", line, {"version": version, "previous": event.previous})
    return None


def _of_prompt(event: PromptRewritten | PromptProposed | PromptRolledBack) -> Told:
    match event:
        case PromptRolledBack():
            line = f"prompt version {event.of} is taken back: {_short(event.reason)}"
            return Told("rollback", line, {"of": event.of})
        case PromptProposed():
            # Its reason may begin with the same words.
            why = _short(event.reason.removeprefix("waits for approval").strip(": "))
            line = f"prompt version {event.version} waits for approval" + (
                f": {why}" if why else ""
            )
            return Told("proposed", line, {"version": event.version})
        case PromptRewritten():
            proven = "shown to help" if event.improved else "not shown to help"
            facts = {"version": event.version, "improved": event.improved}
            line = f"prompt version {event.version}: {counted(len(event.rules), 'rule')}, {proven}"
            return Told("rewritten", line, facts | {"rules": len(event.rules)})


def message(record: Recorded, told: Told) -> Mapping[str, Any]:
    """What is sent, for programs and for people (`text` is what chat services show).

    `id` is the event's position in the log: the same news sent twice has the same.
    """
    project = record.project or ""
    name = os.path.basename(project) or "cadenzad"
    return {
        "id": record.position,
        "kind": told.kind,
        "project": project or None,
        "at": iso(record.recorded_at_us, "milliseconds"),
        "text": f"{name}: {told.kind}: {told.line}",
        "event": record.event.type_name(),
        "facts": dict(told.facts),
    }


def _first(reasons: tuple[str, ...]) -> str:
    return _short(reasons[0]) if reasons else "no reason was given"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
