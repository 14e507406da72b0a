"""The evidence pack: what a model gets to see of the runs, as JSON, under a budget of tokens.

It holds names the mission knows and numbers, and nothing a log's author wrote. About 30% of the
runs, chosen by a hash of their id, are held out: they are mined for people and tested on, and never
enter a pack.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.judge.findings import Citation, Finding
from handlers.judge.mining import MiningReport
from handlers.judge.ticks import Episode, Tick
from handlers.project.spec import ProjectSpec

HELD_OUT_FROM = 4
"""With fewer runs than this none is held out: there would be too little left to learn from."""

BYTES_PER_TOKEN = 3.0
"""On the safe side: JSON of names and numbers has about 3.5 bytes a token."""

CITATIONS = 6
EXCERPT = 14
COLUMNS = ("tick", "action", "motion", "tilt_deg", "nearest_m", "reward", "canonical", "confidence")


@dataclass(frozen=True, slots=True)
class Pack:
    """The pack as text. `runs` are those it speaks of, `mode_ids` the findings."""

    text: str
    tokens: int
    runs: tuple[str, ...]
    mode_ids: tuple[str, ...]
    report: MiningReport
    spec: ProjectSpec
    rules: tuple[str, ...]
    max_tokens: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

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
    kept = [episode for episode in episodes if not held_out(episode.run)]
    if not kept:
        return list(episodes), []
    return kept, [episode for episode in episodes if held_out(episode.run)]


def tokens_of(text: str) -> int:
    """An estimate, rather too high."""
    return int(len(text.encode()) / BYTES_PER_TOKEN) + 1


def build_pack(
    report: MiningReport, spec: ProjectSpec, rules: Sequence[str], max_tokens: int
) -> Pack:
    """A pack of at most `max_tokens` of the report, which must be of the runs to learn from.

    Findings come first, the worst of them first of all; then excerpts: the newest failed run, the
    worst, and one success of each phase for contrast; as many as there is room for.
    """
    body: dict[str, Any] = {
        "mission": spec.name,
        "phases": [
            {"name": phase.name, "max_ticks": phase.max_ticks, **_counts(report, phase.name)}
            for phase in spec.phases
        ],
        "runs": dict(report.outcomes),
        "current_rules": list(rules),
        "findings": [],
        "columns": list(COLUMNS),
        "excerpts": [],
    }
    modes: list[str] = []
    shown: list[str] = []
    for finding in report.findings:
        if not _fits(body, "findings", _mode(finding), max_tokens):
            break
        modes.append(finding.id)
        shown += [citation.run for citation in finding.citations[:CITATIONS]]
    for episode, ticks, why in _excerpts(report):
        item = {"run": episode.run, "why": why, "phase": ticks[0].phase, "ticks": _rows(ticks)}
        if _fits(body, "excerpts", item, max_tokens):
            shown.append(episode.run)
    text = json.dumps(body, separators=(",", ":"))
    return Pack(
        text=text,
        tokens=tokens_of(text),
        runs=tuple(dict.fromkeys(shown)),
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


def _mode(finding: Finding) -> dict[str, Any]:
    return {
        "mode_id": finding.id,
        "kind": finding.kind,
        "phase": finding.phase,
        "count": finding.count,
        "ticks": finding.ticks,
        "runs": finding.runs,
        "cites": [str(citation) for citation in _spread(finding)],
        "actions": dict(list(finding.actions.items())[:5]),
        "canonical": dict(list(finding.canonical.items())[:4]),
        "detail": dict(finding.detail),
    }


def _spread(finding: Finding) -> list[Citation]:
    """The newest occurrences and the longest one."""
    newest = list(finding.citations[-CITATIONS:])
    longest = max(finding.citations, key=lambda cited: cited.last - cited.first)
    return [longest, *(cited for cited in newest if cited != longest)][:CITATIONS]


def _excerpts(report: MiningReport) -> Iterator[tuple[Episode, Sequence[Tick], str]]:
    """Pieces of runs, the most telling first."""
    failed = [run for run in report.episodes if run.outcome == "failed" and run.ticks]
    chosen: list[tuple[Episode, str]] = []
    if failed:
        chosen.append((failed[-1], "newest failure"))
        worst = min(failed, key=lambda run: sum(tick.reward or 0.0 for tick in run.ticks))
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
