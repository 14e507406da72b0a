"""Runs in words, for the commands that show some: from the event log, in a moment of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from cadenzad.cli.base.lookup import find_project
from cadenzad.cli.shown.rewards import said_of_reward
from cadenzad.config.paths import state_dir
from cadenzad.dashboard.moment import Moment, Moments
from cadenzad.dashboard.panels.account import Account, sparkline
from store.reads.state import ProjectRow, State


@contextmanager
def project_at(
    flag: str | None, project: str, at: str | None = None
) -> Iterator[tuple[Moment, ProjectRow]]:
    """A project that the log knows, at a moment. Raises StoreError, ProjectNotFound."""
    with closing(Moments(state_dir(flag))) as moments, moments.at(at) as moment:
        yield moment, find_project(State(moment.view), project)


def rows_of(accounts: Sequence[Account]) -> list[tuple[str, ...]]:
    """What is told of runs, a row for each fact and a column for each run."""
    totals = [total for item in accounts for total in item.totals]
    low, high = min([0.0, *totals]), max([0.0, *totals])
    rows: list[tuple[str, ...]] = [
        ("run", *(item.run.name for item in accounts)),
        ("outcome", *(_outcome(item) for item in accounts)),
        ("driven by", *(item.run.condition for item in accounts)),
        ("seed", *(str(item.run.stamp.get("seed", "unknown")) for item in accounts)),
        ("reward", *(_reward(item) for item in accounts)),
        ("so far", *(sparkline(item.totals, low, high) or "-" for item in accounts)),
        ("ticks", *(str(item.run.ticks) for item in accounts)),
    ]
    names = dict.fromkeys(name for item in accounts for name, _, _ in item.replay.phases)
    for name in names:
        rows.append((f"in {name}", *(_spans(item, name) for item in accounts)))
    rows.append(("cited for", *(_cited(item) for item in accounts)))
    if any(item.replay.problem for item in accounts):
        rows.append(("log", *(item.replay.problem or "read" for item in accounts)))
    return rows


def _outcome(item: Account) -> str:
    return f"{item.run.outcome}: {item.run.reason}" if item.run.reason else item.run.outcome


def _reward(item: Account) -> str:
    return said_of_reward(item.run.reward)


def _spans(item: Account, phase: str) -> str:
    spans = [f"{first}-{last}" for name, first, last in item.replay.phases if name == phase]
    return f"ticks {', '.join(spans)}" if spans else "not reached"


def _cited(item: Account) -> str:
    return "; ".join(f"{mode} at {', '.join(t)}" for mode, t in item.cited.items()) or "-"
