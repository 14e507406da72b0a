"""Typed reads of what improves a project: prompt versions, adapters, trust. As light as queries."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from store.reads.rows import Rows
from store.reads.stored import decoded

if TYPE_CHECKING:
    from store.database.backend import Readable


class PromptRow(NamedTuple):
    """A version of SYSTEM_PROMPT. `rules` and `gates` are shaped like RuleFact and GateFact.

    `since`: the position from which on it was in the file, 0 for never; `unread`: run logs that lay
    there then and were not read yet. `undoes`: the version it took back. `watch`: how its watch
    ended. `unwanted`: the position where it was taken back, rejected or changed, 0 for never.
    """

    version: int
    parent: int | None
    state: str
    file: str
    before_sha256: str
    after_sha256: str
    rules: list[dict[str, Any]]
    gates: list[dict[str, Any]]
    improved: bool
    watching: bool
    position: int
    since: int
    unread: tuple[str, ...]
    undoes: int | None
    watch: str
    unwanted: int


class TrialsRow(NamedTuple):
    """What a project's trials have used up: how many there were, and how the last one ended.

    `improved`: it showed what was asked of it, and passes its level on.
    """

    decisions: int = 0
    level: float = 0.0
    improved: bool = False


class JudgedRow(NamedTuple):
    """The last judging of a project. `code` says what came of it, empty while it is not over."""

    position: int
    recorded_us: int
    key: str | None
    findings: list[dict[str, Any]]
    claims: dict[str, int]
    code: str
    reason: str


class AdapterRow(NamedTuple):
    """A version of the adapter. `checks` are shaped like AxisFact."""

    version: int
    state: str
    path: str
    sha256: str
    dataset_sha256: str
    verdict: str | None
    checks: list[dict[str, Any]]
    reasons: list[str]
    next_steps: list[str]
    position: int
    scored: int
    promoted: int


class ToldRow(NamedTuple):
    """A run that the log tells of: its place in which file, and since which position."""

    path: str
    episode: int
    first: int
    stamp: dict[str, Any]


class EpisodeRow(NamedTuple):
    """A run as far as its outcome goes.

    `position` is of the event that last told of it, `first` of the one that first did. `stamp`:
    a RunStamp as plain data, what it was driven under; empty where its log does not say.
    """

    path: str
    episode: int
    outcome: str
    phases_done: int
    position: int
    first: int
    stamp: dict[str, Any]


def _tuple_of_json(text: str) -> tuple[Any, ...]:
    return tuple(json.loads(text))


_PROMPTS = Rows(
    PromptRow,
    "view_prompts",
    "version",
    rules=json.loads,
    gates=json.loads,
    improved=bool,
    watching=bool,
    unread=_tuple_of_json,
)
_JUDGED = Rows(JudgedRow, "view_judged", "project", findings=json.loads, claims=json.loads)
_ADAPTERS = Rows(
    AdapterRow,
    "view_adapters",
    "version",
    checks=json.loads,
    reasons=json.loads,
    next_steps=json.loads,
)


def prompt_versions(view: Readable, project: str) -> list[PromptRow]:
    """Every version of a project's prompt, the oldest first."""
    return _PROMPTS.where(view, "project = ?", project)


def current_prompt(view: Readable, project: str) -> PromptRow | None:
    """The version that is in the file; None when it is as its author wrote it."""
    return next((row for row in prompt_versions(view, project) if row.state == "current"), None)


def pending_prompt(view: Readable, project: str) -> PromptRow | None:
    """The version that waits for approval."""
    return next((row for row in prompt_versions(view, project) if row.state == "proposed"), None)


def diff_of_version(history: Readable, row: PromptRow) -> str:
    """What a version changed, as a unified diff."""
    query = "SELECT data FROM events WHERE position = ?"
    event = history.execute(query, (row.position,)).fetchone()
    return str(json.loads(event[0]).get("diff", "")) if event is not None else ""


def trials_so_far(view: Readable, project: str) -> TrialsRow:
    """What a project's trials have used up."""
    query = "SELECT trials, trial_level, trial_improved FROM view_projects WHERE path = ?"
    row = view.execute(query, (project,)).fetchone()
    return TrialsRow(int(row[0]), float(row[1]), bool(row[2])) if row else TrialsRow()


def environment(view: Readable, project: str) -> tuple[str | None, int]:
    """The sha256 of a project's env.json, and the position since which it has these bytes."""
    query = "SELECT env_sha256, env_since FROM view_projects WHERE path = ?"
    row = view.execute(query, (project,)).fetchone()
    return (row[0], int(row[1])) if row else (None, 0)


def last_judged(view: Readable, project: str) -> JudgedRow | None:
    return _JUDGED.first(view, "project = ?", project)


def tokens_on(view: Readable, day: str, project: str | None = None) -> int:
    """Tokens spent on a UTC day (YYYY-MM-DD), by one project or by all."""
    where, values = ("", ()) if project is None else (" AND project = ?", (project,))
    query = f"SELECT coalesce(sum(tokens), 0) FROM view_tokens WHERE day = ?{where}"
    return int(view.execute(query, (day, *values)).fetchone()[0])


def adapters(view: Readable, project: str) -> list[AdapterRow]:
    """Every version of a project's adapter, the oldest first."""
    return _ADAPTERS.where(view, "project = ?", project)


def projects_with_adapters(view: Readable) -> list[str]:
    """The paths of all projects that any adapter was trained for, or offered to."""
    return [path for (path,) in view.execute("SELECT DISTINCT project FROM view_adapters")]


def deployed_adapter(view: Readable, project: str) -> AdapterRow | None:
    return next((row for row in adapters(view, project) if row.state == "deployed"), None)


def serves_by_force(view: Readable, project: str, history: Readable) -> bool:
    """Whether the adapter that serves, as far as a view knows, was deployed against its verdict."""
    row = deployed_adapter(view, project)
    if row is None:
        return False
    query = "SELECT data FROM events WHERE position = ? AND type = 'AdapterRolledBack'"
    event = history.execute(query, (row.promoted,)).fetchone()
    return event is not None and bool(json.loads(event[0]).get("forced"))


def trusted(view: Readable, project: str, path: str) -> str | None:
    """The sha256 of a file of the project that somebody trusts; None for none."""
    query = "SELECT sha256 FROM view_trust WHERE project = ? AND path = ?"
    row = view.execute(query, (project, path)).fetchone()
    return str(row[0]) if row else None


def example_rows(view: Readable, project: str) -> int:
    """How many rows of examples, the exam's left out, a project has."""
    query = "SELECT examples_train FROM view_projects WHERE path = ?"
    row = view.execute(query, (project,)).fetchone()
    return int(row[0]) if row else 0


def episodes(view: Readable, project: str) -> list[EpisodeRow]:
    """Every finished run of a project, in the order they were first recorded.

    Of logs with the same bytes, the one recorded first stands for all: a copy is no further run.
    """
    rows = view.execute(
        "SELECT e.path, e.idx, e.outcome, e.phases_done, e.position, e.first, e.stamp,"
        " f.sha256, f.twin_of"
        " FROM view_episodes e LEFT JOIN view_files f ON f.project = e.project AND f.path = e.path"
        " WHERE e.project = ? AND e.outcome IN ('succeeded', 'failed')"
        " ORDER BY e.first, e.path, e.idx",
        (project,),
    )
    found, holder = [], dict[str, str]()
    for *row, stamp, sha256, twin_of in rows:
        if twin_of is None and holder.setdefault(sha256 or row[0], row[0]) == row[0]:
            found.append(EpisodeRow._make((*row, decoded(json.loads, stamp or "{}"))))
    return found


def first_told(view: Readable, project: str) -> dict[str, int]:
    """Run id -> the position of the event that first told of the run, its copies left out.

    The further runs of a log are called as its citations call them: run#2 and so on.
    """
    rows = view.execute(
        "SELECT f.run_id, e.idx, e.first FROM view_episodes e JOIN view_files f"
        " ON f.project = e.project AND f.path = e.path"
        " WHERE e.project = ? AND f.run_id IS NOT NULL AND f.twin_of IS NULL",
        (project,),
    )
    return {run if idx == 0 else f"{run}#{idx + 1}": first for run, idx, first in rows}


def told_of(view: Readable, project: str) -> list[ToldRow]:
    """Every run of a project, finished or not, copies too."""
    query = "SELECT path, idx, first, stamp FROM view_episodes WHERE project = ? ORDER BY path, idx"
    rows = view.execute(query, (project,))
    return [
        ToldRow(path, index, first, decoded(json.loads, stamp or "{}"))
        for path, index, first, stamp in rows
    ]


# -- status ----------------------------------------------------------------------------------------


def prompt_status(view: Readable, project: str) -> dict[str, Any]:
    """What `status` shows of a project's prompt."""
    judged, current = last_judged(view, project), current_prompt(view, project)
    pending, trials = pending_prompt(view, project), trials_so_far(view, project)
    today = datetime.now(UTC).date().isoformat()
    return {
        "version": current.version if current else None,
        "state": (judged.code or "judging") if judged else "not judged",
        "reason": judged.reason if judged else "",
        "rules": [rule["line"] for rule in current.rules] if current else [],
        "by": sorted({str(rule.get("by", "model")) for rule in current.rules}) if current else [],
        "improved": current.improved if current else False,
        "watching": current.watching if current else False,
        "watch": current.watch if current else "",
        "findings": judged.findings if judged else [],
        "claims": judged.claims if judged else {"kept": 0, "dropped": 0},
        "pending": pending.version if pending else None,
        "trials": trials.decisions,
        "last_judged": _iso(judged.recorded_us) if judged else None,
        "tokens_today": tokens_on(view, today, project),
    }


def adapter_status(view: Readable, project: str, history: Readable) -> dict[str, Any]:
    """What `status` shows of a project's adapter: the deployed one, and how the last one fared."""
    rows = adapters(view, project)
    deployed = next((row.version for row in rows if row.state == "deployed"), None)
    last = max((row for row in rows if row.scored), key=lambda row: row.scored, default=None)
    return {
        "deployed": deployed,
        "version": rows[-1].version if rows else None,
        "verdict": last.verdict if last else None,
        "scored": last.version if last else None,
        "scores": {check["axis"]: check for check in last.checks} if last else {},
        "reasons": last.reasons if last else [],
        "next_steps": last.next_steps if last else [],
        "forced": serves_by_force(view, project, history),
    }


def _iso(us: int) -> str:
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat().replace("+00:00", "Z")
