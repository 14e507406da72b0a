"""One project at a moment: every panel of its page, read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cadenzad.dashboard.moment import Moment
from cadenzad.dashboard.panels.adapters import Adapters, adapter_history
from cadenzad.dashboard.panels.causes import Causes, causes
from cadenzad.dashboard.panels.missionmap import MissionMap, mission_map
from cadenzad.dashboard.panels.outcomes import Outcomes, outcomes
from cadenzad.dashboard.panels.prompts import Version, versions
from cadenzad.dashboard.panels.replay import Replay, replay
from cadenzad.dashboard.panels.runs import Run, called, contrasting, runs
from cadenzad.dashboard.panels.story import Link, Step, decisions, links
from store.reads.shapes import ProjectStatus
from store.reads.state import ProjectRow
from store.reads.status import project_statuses

LISTED = 30
"""Runs in the table, the newest."""

DRAWN = 10
"""Runs whose ways are on the map, the newest that are still on disk."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs side by side, and the map they are replayed on."""

    first: Replay
    second: Replay
    map: MissionMap


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """Everything that the page of a project shows."""

    row: ProjectRow
    status: ProjectStatus
    outcomes: Outcomes
    runs: list[Run]
    causes: Causes | None
    versions: list[Version]
    links: list[Link]
    adapters: Adapters
    decisions: list[Step]
    map: MissionMap
    ways: list[Replay]
    pair: Pair | None

    @property
    def listed(self) -> list[Run]:
        """The newest runs, the newest first."""
        return self.runs[: -LISTED - 1 : -1]


def project_page(moment: Moment, row: ProjectRow, names: Sequence[str] = ()) -> ProjectPage:
    """Read a project at a moment; `names` of two runs to compare, else a telling pair.

    Raises ProjectNotFound for a run that is not known.
    """
    found = runs(moment, row.path)
    (status,) = project_statuses(moment.view, [row.path], history=moment.history)
    prompts = versions(moment, row.path, found)
    there = [run for run in reversed(found) if run.present]
    ways = [replay(row.path, run) for run in there[:DRAWN]]
    return ProjectPage(
        row,
        status,
        outcomes(found),
        found,
        causes(moment, row.path),
        prompts,
        links(moment, row.path, prompts, found),
        adapter_history(moment, row.path),
        decisions(moment, row.path),
        mission_map(row.path, row.env_sha256, ways),
        ways,
        pair(row, found, names),
    )


def pair(row: ProjectRow, found: Sequence[Run], names: Sequence[str]) -> Pair | None:
    """Two runs to compare: those that are named, else a telling pair; None where there are none.

    Raises ProjectNotFound for a run that is not known.
    """
    chosen: Sequence[Run] | None = [called(found, name) for name in names[:2]]
    if not chosen:
        chosen = contrasting(found)
    if chosen is None:
        return None
    first, second = (replay(row.path, run) for run in chosen)
    return Pair(first, second, mission_map(row.path, row.env_sha256, (first, second)))
