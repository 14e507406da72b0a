"""Every version of a prompt: its rules, its diff, the trial that decided, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cadenzad.dashboard.moment import Moment
from cadenzad.dashboard.panels.runs import Run, hashes_of
from store.events.envelope import Recorded
from store.events.prompt import PromptRolledBack, PromptTried, PromptVersion
from store.reads.chain import chain
from store.reads.improvements import PromptRow, prompt_versions

Kind = Literal["place", "added", "removed", "same"]


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a diff: where it stands, in, out, or around."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version. `event`: what recorded it; `trial`: what decided, None where nothing was tried.

    `succeeded` of `ended` runs that the log says were driven under it. `chain`: the events that led
    to it, the first cause last.
    """

    row: PromptRow
    recorded: Recorded
    event: PromptVersion | PromptRolledBack
    trial: PromptTried | None
    diff: list[DiffLine]
    succeeded: int
    ended: int
    chain: list[dict[str, object]]

    @property
    def undone(self) -> PromptRolledBack | None:
        """The taking back that this version is; None for a rewrite."""
        return self.event if isinstance(self.event, PromptRolledBack) else None


def versions(moment: Moment, project: str, found: Sequence[Run]) -> list[Version]:
    """Every version up to a moment, the newest first."""
    rows = {row.version: row for row in prompt_versions(moment.view, project)}
    names = hashes_of(list(rows.values()))
    wanted = ("PromptProposed", "PromptRewritten", "PromptRolledBack", "PromptTried")
    made: dict[int, Version] = {}
    records = moment.events(project, *wanted)
    tried = (record.event for record in records)
    trials = {event.after_sha256: event for event in tried if isinstance(event, PromptTried)}
    for record in records:
        event = record.event
        if isinstance(event, PromptVersion | PromptRolledBack) and event.version in rows:
            under = [run for run in found if run.prompt == names.get(event.after_sha256)]
            made[event.version] = Version(
                rows[event.version],
                record,
                event,
                None if isinstance(event, PromptRolledBack) else trials.get(event.after_sha256),
                diff_lines(event.diff),
                sum(run.outcome == "succeeded" for run in under),
                sum(run.outcome in ("succeeded", "failed") for run in under),
                chain(moment.history, record.position),
            )
    return [made[number] for number in sorted(made, reverse=True)]


def diff_lines(diff: str) -> list[DiffLine]:
    """A unified diff, line by line; the names of its files say nothing here."""
    kinds: dict[str, Kind] = {"@": "place", "+": "added", "-": "removed"}
    return [
        DiffLine(kinds.get(line[:1], "same"), line if line[:1] == "@" else line[1:])
        for line in diff.split("\n")
        if line and not line.startswith(("--- ", "+++ "))
    ]
