"""The prompt that a judging is about, and the runs that may speak about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from handlers.judge.driven import Driver, LeftOut, is_under, lines_of, versions_of
from handlers.judge.evidence.ticks import RunLog
from handlers.judge.prompt.source import RefusedSource, find_prompt
from handlers.project.formats.runs import run_logs, without_copies
from handlers.project.paths import run_id_of
from handlers.project.project import Project
from store.reads.improvements import (
    PromptRow,
    ToldRow,
    environment,
    prompt_versions,
    told_of,
)

if TYPE_CHECKING:
    from store.database.backend import Readable


class Evidence(NamedTuple):
    """Logs to read, the oldest first; how many older ones are not; what is no evidence."""

    logs: list[RunLog]
    older: int
    left_out: LeftOut


def driver_of(project: Project, named: str, view: Readable | None) -> Driver:
    """The prompt as it is in its file now, and the runs that were driven under another one.

    `named`: the setting `judge.prompt`. Without a view (no log yet) no run is known to have been.
    """
    try:
        prompt = find_prompt(project.path, named).sha256
    except RefusedSource:
        prompt = None
    if view is None:
        return Driver(prompt, project.env_sha256)
    name = str(project.path)
    runs = told_of(view, name)
    known, since = environment(view, name)
    # What was changed and not recorded yet was changed after all that is recorded.
    since = since if known == project.env_sha256 else max((run.first for run in runs), default=0)
    return Driver(
        prompt,
        project.env_sha256,
        _earlier(prompt_versions(view, name), runs),
        frozenset(_name(run) for run in runs if not is_under(run, project.env_sha256, since)),
    )


def _earlier(rows: Sequence[PromptRow], runs: Sequence[ToldRow]) -> frozenset[str]:
    """Runs driven under other rules than the present ones, as far as the log knows."""
    current = next((row for row in rows if row.state == "current"), None)
    return frozenset(
        _name(run)
        for run, under in zip(runs, versions_of(runs, rows), strict=True)
        if lines_of(under) != lines_of(current)
    )


def _name(run: ToldRow) -> str:
    """As citations name it."""
    name = run_id_of(run.path)
    return f"{name}#{run.episode + 1}" if run.episode else name


def newest_logs(
    project: Path, limit: int, driver: Driver, unreadable: list[tuple[str, str]] | None = None
) -> Evidence:
    """The newest logs that may be evidence. Of logs with the same bytes one stands for all."""
    left_out = LeftOut()
    found = []
    for log in run_logs(project, unreadable):
        reason = driver.excludes_file(log.stamp)
        if reason is None:
            found.append(log)
        else:
            left_out.add(reason)
    own = without_copies(found)
    left_out.add("copies of another", len(found) - len(own))
    kept = [RunLog(log.run_id, log.path, log.format) for log in own[-limit:]]
    return Evidence(kept, max(0, len(own) - limit), left_out)
