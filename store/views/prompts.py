"""The judge's part of the view: prompt versions, the last judging, tokens spent a day."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from store.events.base import Event, Fact
from store.events.envelope import Recorded
from store.events.prompt import (
    PromptConflictFound,
    PromptKept,
    PromptProposed,
    PromptRejected,
    PromptRewritten,
    PromptRolledBack,
    PromptTried,
    PromptVersion,
    PromptWatchEnded,
    RunsJudged,
)
from store.views.offers import prompt_came, prompt_left, prompt_rolled_back
from store.views.rows import insert, update
from store.views.totals import project_of
from store.views.view import View


def _judged(view: View, record: Recorded, event: RunsJudged) -> None:
    project = project_of(record)
    findings = [
        {"id": item.id, "count": item.count, "ticks": item.ticks, "runs": item.runs}
        for item in event.findings
    ]
    row = {
        "project": project,
        "position": record.position,
        "recorded_us": record.recorded_at_us,
        "key": event.key,
        "findings": json.dumps(findings),
        "claims": event.claims.as_json().decode(),
        "code": "",
        "reason": "",
    }
    view.put("view_judged", row)
    if event.usage is not None and event.usage.total:
        _count_tokens(view, record.recorded_at.date().isoformat(), project, event.usage.total)


def _count_tokens(view: View, day: str, project: str, tokens: int) -> None:
    """Add to what a project used on a UTC day."""
    query = "UPDATE view_tokens SET tokens = tokens + ? WHERE day = ? AND project = ?"
    if view.execute(query, (tokens, day, project)).rowcount == 0:
        insert(view, "view_tokens", {"day": day, "project": project, "tokens": tokens})


def _proposed(view: View, record: Recorded, event: PromptProposed) -> None:
    project = project_of(record)
    update(view, "view_prompts", {"project": project, "state": "proposed"}, state="superseded")
    _put_version(view, record, event, "proposed")
    prompt_came(view, project, event.offer, event.version, "proposed")
    _set_outcome(view, project, "proposed", event.reason)


def _rewritten(view: View, record: Recorded, event: PromptRewritten) -> None:
    project = project_of(record)
    _supersede(view, project)
    _put_version(view, record, event, "current", watching=True, unread=event.unread)
    prompt_came(view, project, event.offer, event.version, "taken")
    _set_outcome(view, project, "rewritten", f"version {event.version}")


def _tried(view: View, record: Recorded, event: PromptTried) -> None:
    facts = {
        "trials": event.decision,
        "trial_level": event.level,
        "trial_improved": int(event.verdict in ("improved", "no_worse")),
    }
    update(view, "view_projects", {"path": project_of(record)}, **facts)


def _kept(view: View, record: Recorded, event: PromptKept) -> None:
    _set_outcome(view, project_of(record), event.code, event.reason)


def _conflict(view: View, record: Recorded, event: PromptConflictFound) -> None:
    project = project_of(record)
    if event.version is not None:
        ours = {"project": project, "version": event.version, "state": "current"}
        ended = f"ended: {event.reason}"
        facts: dict[str, object] = {"watching": 0, "watch": ended, "unwanted": record.position}
        update(view, "view_prompts", ours, state="theirs", **facts)
        prompt_left(view, project, event.version, "theirs", event.reason)
    _set_outcome(view, project, "conflict", f"{event.file}: {event.reason}")


def _rejected(view: View, record: Recorded, event: PromptRejected) -> None:
    _set(view, record, event.version, state="rejected", unwanted=record.position)
    prompt_left(view, project_of(record), event.version, "declined", f"rejected by {event.by}")


def _rolled_back(view: View, record: Recorded, event: PromptRolledBack) -> None:
    project = project_of(record)
    _supersede(view, project)
    _set(view, record, event.of, state="rolled_back", unwanted=record.position)
    if event.restores is not None:  # its rules are wanted after all
        _set(view, record, event.restores, state="superseded", unwanted=0)
    version = PromptVersion(
        version=event.version,
        parent=event.of,
        file=event.file,
        before_sha256=event.before_sha256,
        after_sha256=event.after_sha256,
        rules=event.rules,
        diff=event.diff,
    )
    restored = event.restores is not None
    undoes = None if restored else event.of
    _put_version(
        view, record, version, "current", watching=restored, unread=event.unread, undoes=undoes
    )
    prompt_rolled_back(view, project, event)
    _set_outcome(view, project, "restored" if restored else "rolled_back", event.reason)


def _watch_ended(view: View, record: Recorded, event: PromptWatchEnded) -> None:
    _set(view, record, event.version, watching=0, watch=f"{event.outcome}: {event.reason}")


def _set(view: View, record: Recorded, version: int, **values: object) -> None:
    key = {"project": project_of(record), "version": version}
    update(view, "view_prompts", key, **values)


def _supersede(view: View, project: str) -> None:
    """Another version takes the place of those that are in the file, or wait to be."""
    view.execute(
        "UPDATE view_prompts SET state = 'superseded', watching = 0 WHERE project = ?"
        " AND state IN ('current', 'theirs', 'proposed')",
        (project,),
    )


def _put_version(
    view: View,
    record: Recorded,
    event: PromptVersion,
    state: str,
    *,
    watching: bool = False,
    unread: tuple[str, ...] = (),
    undoes: int | None = None,
) -> None:
    row = {
        "project": project_of(record),
        "version": event.version,
        "parent": event.parent,
        "state": state,
        "file": event.file,
        "before_sha256": event.before_sha256,
        "after_sha256": event.after_sha256,
        "rules": _json(event.rules),
        "gates": _json(event.gates),
        "improved": int(event.improved),
        "watching": int(watching),
        "position": record.position,
        "since": record.position if state == "current" else 0,
        "unread": json.dumps(unread),
        "undoes": undoes,
        "watch": "",
        "unwanted": 0,
    }
    view.put("view_prompts", row)


def _set_outcome(view: View, project: str, code: str, reason: str) -> None:
    """What came of the last judging; an action by hand before any judging leaves no row."""
    update(view, "view_judged", {"project": project}, code=code, reason=reason)


def _json(parts: Iterable[Fact]) -> str:
    return json.dumps([part.as_shape() for part in parts])


PROMPT_HANDLERS: Mapping[type[Event], Callable[[View, Recorded, Any], None]] = {
    RunsJudged: _judged,
    PromptProposed: _proposed,
    PromptRewritten: _rewritten,
    PromptTried: _tried,
    PromptKept: _kept,
    PromptConflictFound: _conflict,
    PromptRejected: _rejected,
    PromptRolledBack: _rolled_back,
    PromptWatchEnded: _watch_ended,
}
