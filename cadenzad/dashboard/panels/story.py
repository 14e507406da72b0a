"""The loop's story: decisions in their order, and the chain from runs to a rule to runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadenzad.dashboard.moment import Moment
from cadenzad.dashboard.panels.prompts import Version
from cadenzad.dashboard.panels.runs import Run
from handlers.judge.evidence.findings import MEANINGS
from store.events.prompt import RunsJudged
from store.reads.chain import gist

DECISIONS: Mapping[str, str] = {
    "RunsJudged": "runs were judged",
    "PromptTried": "a prompt was tried against the one in use",
    "PromptProposed": "a prompt waits for approval",
    "PromptRewritten": "the prompt was rewritten",
    "PromptRejected": "a proposed prompt was rejected",
    "PromptRolledBack": "the prompt was taken back",
    "PromptWatchEnded": "the watch over a prompt ended",
    "PromptKept": "the prompt was kept",
    "PromptConflictFound": "the prompt was changed by hand",
    "AdapterTrained": "an adapter was trained",
    "AdapterScored": "an adapter was scored",
    "AdapterPromoted": "an adapter was deployed",
    "AdapterBlocked": "an adapter was blocked",
    "AdapterRolledBack": "an earlier adapter was deployed again",
    "ProjectChanged": "env.json changed",
}
"""What is told of, in words."""

TOLD = 60

BY = {"model": "the model", "code": "enumeration"}


@dataclass(frozen=True, slots=True)
class Step:
    """A decision: where and when it stands in the history, and what it says."""

    position: int
    recorded_us: int
    what: str
    says: str


@dataclass(frozen=True, slots=True)
class Link:
    """From failed runs to a finding to its rules, and to the runs since.

    `by`: who thought of the rules. `cited`: (citation, run, first tick) where the failure shows.
    `found_in`: in how many runs it was, by the judging at `found_at`. `before`, `after`:
    (succeeded, ended) of the runs that the version before and this one drove.
    """

    mode: str
    meaning: str
    rules: list[str]
    by: list[str]
    cited: list[tuple[str, str, int]]
    found_in: int | None
    found_at: int | None
    version: Version
    before: tuple[int, int]
    after: tuple[int, int]


def decisions(moment: Moment, project: str) -> list[Step]:
    """What was decided, the newest first."""
    records = moment.events(project, *DECISIONS)[-TOLD:]
    return [
        Step(
            record.position,
            record.recorded_at_us,
            DECISIONS[record.type],
            gist(record.event.as_shape()),
        )
        for record in reversed(records)
    ]


def links(
    moment: Moment, project: str, versions: Sequence[Version], found: Sequence[Run]
) -> list[Link]:
    """For each finding that the prompt, or the one that waits, answers: from where, to what."""
    present = next((v for v in versions if v.row.state in ("current", "proposed")), None)
    if present is None:
        return []
    parent = next((v for v in versions if v.row.version == present.row.parent), None)
    before = (parent.succeeded, parent.ended) if parent else _authors(found)
    judgings = [
        record
        for record in moment.events(project, "RunsJudged")
        if record.position <= present.recorded.position
    ]
    by_mode: dict[str, list[dict[str, Any]]] = {}
    for rule in present.row.rules:
        by_mode.setdefault(rule["mode_id"], []).append(rule)
    return [
        _link(mode, rules, present, before, _finding(judgings, mode))
        for mode, rules in by_mode.items()
    ]


def _link(
    mode: str,
    rules: Sequence[Mapping[str, Any]],
    present: Version,
    before: tuple[int, int],
    found: tuple[int | None, int | None],
) -> Link:
    kind = mode.partition("@")[0]
    seen = dict.fromkeys(text for rule in rules for text in rule["citations"])
    return Link(
        mode,
        MEANINGS.get(kind, kind),
        [rule["line"].removeprefix("- ") for rule in rules],
        sorted({BY.get(rule.get("by", "model"), "somebody") for rule in rules}),
        [cited(text) for text in seen],
        *found,
        present,
        before,
        (present.succeeded, present.ended),
    )


def cited(text: str) -> tuple[str, str, int]:
    """A citation `run:first-last` as (itself, run, first tick)."""
    run, _, ticks = text.rpartition(":")
    first = ticks.partition("-")[0]
    return text, run, int(first) if first.isdecimal() else 0


def _authors(found: Sequence[Run]) -> tuple[int, int]:
    under = [run for run in found if run.prompt == 0]
    ended = [run for run in under if run.outcome in ("succeeded", "failed")]
    return sum(run.outcome == "succeeded" for run in ended), len(ended)


def _finding(judgings: Sequence[Any], mode: str) -> tuple[int | None, int | None]:
    """In how many runs the finding was when the rule was made, and the judging's position."""
    for record in reversed(judgings):
        if isinstance(record.event, RunsJudged):
            for item in record.event.findings:
                if item.id == mode:
                    return item.runs, record.position
    return None, None
