"""The evidence pack: what a model gets to see of the runs, as JSON, under a budget of tokens.

It holds names the mission knows and numbers, and nothing a log's author wrote: runs are r1, r2 ...,
for a file's name is a text too. About 30% of the
runs, chosen by a hash of their id, are held out: they are mined for people and tested on, and never
enter a pack.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handlers.judge.evidence.findings import FOR_PEOPLE, MEANINGS, Citation, Finding
from handlers.judge.evidence.report import MiningReport
from handlers.judge.evidence.ticks import Episode, Tick
from handlers.project.spec import ProjectSpec

HELD_OUT_FROM = 4
"""With fewer runs than this none is held out: there would be too little left to learn from."""

BYTES_PER_TOKEN = 3.0
"""On the safe side: JSON of names and numbers has about 3.5 bytes a token."""

MISSION_NAME = 80
CITATIONS = 6
EXCERPT = 14
COLUMNS = ("tick", "action", "motion", "tilt_deg", "nearest_m", "reward", "canonical", "confidence")


@dataclass(frozen=True, slots=True)
class Pack:
    """The pack as text. `runs` are those it speaks of, `mode_ids` the findings.

    In the text the first of `runs` is r1, the second r2, and so on.
    """

    text: str
    tokens: int
    runs: tuple[str, ...]
    mode_ids: tuple[str, ...]
    report: MiningReport
    spec: ProjectSpec
    rules: tuple[object, ...]
    max_tokens: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def real(self, reply: Mapping[str, Any]) -> dict[str, Any]:
        """A reply to this pack, with the runs' real names in its citations."""
        names = {alias(index): run for index, run in enumerate(self.runs)}
        items = reply.get("candidates")
        return {
            **reply,
            "candidates": [
                {**item, "cites": [_real(cite, names) for cite in item["cites"]]}
                if isinstance(item, Mapping) and isinstance(item.get("cites"), list)
                else item
                for item in (items if isinstance(items, list) else [])
            ],
        }

    def halved(self) -> Pack:
        """The same evidence in half the space, for a model that found it too long."""
        return build_pack(self.report, self.spec, self.rules, self.max_tokens // 2)


def held_out(run: str) -> bool:
    """Whether a run is kept for testing. A file's runs (`id`, `id#2`) stay together."""
    return hashlib.sha256(run.partition("#")[0].encode()).digest()[0] < 77  # of 256: 30%


def split(episodes: Sequence[Episode]) -> tuple[list[Episode], list[Episode]]:
    """Runs to learn from, and those held out."""
    if len(episodes) < HELD_OUT_FROM:
        return list(episodes), []
    shown = [episode for episode in episodes if not held_out(episode.run)]
    if not shown:
        return list(episodes), []
    return shown, [episode for episode in episodes if held_out(episode.run)]


def tokens_of(text: str) -> int:
    """An estimate, rather too high."""
    return int(len(text.encode()) / BYTES_PER_TOKEN) + 1


def build_pack(
    report: MiningReport, spec: ProjectSpec, rules: Sequence[object], max_tokens: int
) -> Pack:
    """A pack of at most `max_tokens` of the report, which must be of the runs to learn from.

    `rules`: those in force, as lines or with what is known of them (JSON).

    Findings come first, the worst of them first of all; then excerpts: the newest failed run, the
    worst, and one success of each phase for contrast; as many as there is room for.
    """
    body: dict[str, Any] = {
        "mission": spec.name[:MISSION_NAME],
        "phases": [],
        "runs": dict(report.outcomes),
        "current_rules": list(rules),
        "findings": [],
        "columns": list(COLUMNS),
        "excerpts": [],
    }
    for phase in spec.phases:  # a mission of very many phases must leave room for findings
        item = {"name": phase.name, "max_ticks": phase.max_ticks, **_counts(report, phase.name)}
        _fits(body, "phases", item, max_tokens // 2)
    modes: list[str] = []
    runs: list[str] = []
    for finding in report.findings:
        if not finding.citations or finding.kind in FOR_PEOPLE:
            continue  # of what no tick shows nothing can be claimed, nor can a rule mend all
        cited = [citation.run for citation in _spread(finding)]
        named = _named(runs, *cited)
        if not _fits(body, "findings", _mode(finding, named), max_tokens):
            break
        modes.append(finding.id)
        runs = named
    for episode, ticks, why in _excerpts(report):
        named = _named(runs, episode.run)
        name = alias(named.index(episode.run))
        item = {"run": name, "why": why, "phase": ticks[0].phase, "ticks": _rows(ticks)}
        if _fits(body, "excerpts", item, max_tokens):
            runs = named
    text = json.dumps(body, separators=(",", ":"))
    return Pack(
        text=text,
        tokens=tokens_of(text),
        runs=tuple(runs),
        mode_ids=tuple(modes),
        report=report,
        spec=spec,
        rules=tuple(rules),
        max_tokens=max_tokens,
    )


def _fits(body: dict[str, Any], name: str, item: dict[str, Any], max_tokens: int) -> bool:
    """Add an item if there is room for it."""
    body[name].append(item)
    if tokens_of(json.dumps(body, separators=(",", ":"))) <= max_tokens:
        return True
    body[name].pop()
    return False


def _counts(report: MiningReport, phase: str) -> dict[str, int]:
    count = report.phases.get(phase)
    if count is None:
        return {"runs": 0}
    return {
        "runs": count.runs,
        "done": count.done,
        "failed": count.failed,
        "timed_out": count.timed_out,
    }


def alias(index: int) -> str:
    """How a pack calls the run at this place in its `runs`."""
    return f"r{index + 1}"


def _named(runs: Sequence[str], *more: str) -> list[str]:
    return list(dict.fromkeys([*runs, *more]))


def _real(cite: object, names: Mapping[str, str]) -> object:
    """A citation by a run's real name; a made-up one stays one, whatever runs there are."""
    if not isinstance(cite, str):
        return cite
    run, colon, ticks = cite.rpartition(":")
    return f"{names.get(run, f'unknown run {run}')}{colon}{ticks}" if colon else cite


def _mode(finding: Finding, runs: Sequence[str]) -> dict[str, Any]:
    return {
        "mode_id": finding.id,
        "kind": finding.kind,
        "means": MEANINGS[finding.kind],
        "phase": finding.phase,
        "count": finding.count,
        "ticks": finding.ticks,
        "runs": finding.runs,
        "cites": [
            str(replace(cited, run=alias(runs.index(cited.run)))) for cited in _spread(finding)
        ],
        "actions": dict(list(finding.actions.items())[:5]),
        "canonical": dict(list(finding.canonical.items())[:4]),
        "detail": dict(finding.detail),
    }


def _spread(finding: Finding) -> list[Citation]:
    """The newest occurrences and the longest one."""
    longest = max(finding.citations, key=lambda cited: cited.last - cited.first)
    newest = [cited for cited in finding.citations if cited != longest][-(CITATIONS - 1) :]
    return [longest, *newest]


def _excerpts(report: MiningReport) -> Iterator[tuple[Episode, Sequence[Tick], str]]:
    """Pieces of runs, the most telling first."""
    failed = [run for run in report.episodes if run.outcome == "failed" and run.ticks]
    chosen: list[tuple[Episode, str]] = []
    if failed:
        chosen.append((failed[-1], "newest failure"))
        rewarded = [run for run in failed if any(tick.reward is not None for tick in run.ticks)]
        worst = min(rewarded, key=_reward, default=failed[-1])
        if worst is not failed[-1]:
            chosen.append((worst, "worst failure"))
    for episode, why in chosen:
        yield episode, episode.ticks[-EXCERPT:], why
    for phase in report.phases:
        for episode in reversed(report.episodes):
            ticks = [tick for tick in episode.ticks if tick.phase == phase]
            if ticks and ticks[-1].done:
                yield episode, ticks[-EXCERPT // 2 :], "success"
                break


def _reward(run: Episode) -> float:
    """As far as it is known."""
    return sum(tick.reward for tick in run.ticks if tick.reward is not None)


def _rows(ticks: Sequence[Tick]) -> list[list[Any]]:
    return [
        [
            tick.tick,
            tick.action,
            tick.label,
            _short(tick.tilt, 0),
            _short(tick.nearest_m, 2),
            _short(tick.reward, 2),
            tick.canonical,
            _short(tick.confidence, 2),
        ]
        for tick in ticks
    ]


def _short(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
