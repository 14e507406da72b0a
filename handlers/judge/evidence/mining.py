"""Mining: every failure mode of all runs, found and counted in code.

stuck           a gait that gains no ground, three ticks in a row or more
fall            roll or pitch over 60 degrees
mismatch        another action than the confident canonical one, at severity 0.5 or more
timeout         the phase in which a run was cut off
phase_failed    a phase that failed
oscillation     left and right (or forth and back) in turn, six times or more, without getting away
missed_signal, false_signal     as the log says
diverged        a pose that physics does not allow
error           a step that went wrong; an orchestrator's failed inference

What a log does not say is unknown and shows nothing. An occurrence is a run of ticks in one phase.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot
from statistics import median
from typing import Any

from handlers.judge.evidence.findings import Citation, Finding, Kind
from handlers.judge.evidence.ticks import FALLEN_DEG, Episode, RunLog, Tick, Vocabulary, episodes_of
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec

STUCK_TICKS = 3
SWINGS = 6
AWAY_M = 0.3
CONFIDENT = 0.5
SEVERE = 0.5
_OPPOSITE = {
    "turn_left": "turn_right",
    "precision_turn_left": "precision_turn_right",
    "side_step_left": "side_step_right",
    "walk_forward": "walk_backward",
}
_OPPOSITE |= {b: a for a, b in _OPPOSITE.items()}


@dataclass(frozen=True, slots=True)
class PhaseCount:
    """How many runs came into a phase, and how it ended for them."""

    runs: int = 0
    done: int = 0
    failed: int = 0
    timed_out: int = 0


@dataclass(frozen=True, slots=True)
class MiningReport:
    """What all runs say. `runs` in the order given; `unreadable`: (run id, reason)."""

    findings: tuple[Finding, ...]
    runs: tuple[str, ...]
    ticks: int
    phases: Mapping[str, PhaseCount]
    outcomes: Mapping[str, int]
    unreadable: tuple[tuple[str, str], ...] = ()
    episodes: tuple[Episode, ...] = field(default=(), repr=False)

    def finding(self, finding_id: str) -> Finding | None:
        return next((item for item in self.findings if item.id == finding_id), None)

    def as_json(self) -> dict[str, Any]:
        return {
            "runs": len(self.runs),
            "ticks": self.ticks,
            "outcomes": dict(self.outcomes),
            "phases": {
                name: {
                    "runs": count.runs,
                    "done": count.done,
                    "failed": count.failed,
                    "timed_out": count.timed_out,
                }
                for name, count in self.phases.items()
            },
            "findings": [finding.as_json() for finding in self.findings],
            "unreadable": [{"run": run, "reason": reason} for run, reason in self.unreadable],
        }

    def digest(self) -> str:
        """A hash of everything that was found."""
        text = json.dumps([self.as_json(), self.runs], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def vocabulary(spec: ProjectSpec, library: ActionLibrary) -> Vocabulary:
    """The names a log may speak of: the mission's phases and tags, the robot's actions."""
    return Vocabulary(
        frozenset(phase.name for phase in spec.phases),
        frozenset(library.names),
        frozenset(item.tag for item in spec.scene.objects if item.tag),
    )


def mine(runs: Sequence[RunLog], spec: ProjectSpec, library: ActionLibrary) -> MiningReport:
    """Read every log and find its failure modes. A log that cannot be read is named, not raised."""
    words = vocabulary(spec, library)
    episodes: list[Episode] = []
    unreadable = []
    for run in runs:
        try:
            episodes += episodes_of(run, words)
        except OSError as error:
            unreadable.append((run.run_id, error.strerror or str(error)))
    return report_on(episodes, library, unreadable)


def report_on(
    episodes: Sequence[Episode],
    library: ActionLibrary,
    unreadable: Sequence[tuple[str, str]] = (),
) -> MiningReport:
    """The findings of runs that were read already."""
    gathered: dict[tuple[Kind, str | None], list[_Occurrence]] = {}
    phases: dict[str, Counter[str]] = {}
    for episode in episodes:
        for occurrence in _occurrences(episode, library):
            gathered.setdefault((occurrence.kind, occurrence.phase), []).append(occurrence)
        _count_phases(episode, phases)
    findings = [_finding(kind, phase, found) for (kind, phase), found in gathered.items()]
    findings.sort(key=lambda item: (-item.runs, -item.ticks, item.id))
    return MiningReport(
        findings=tuple(findings),
        runs=tuple(episode.run for episode in episodes),
        ticks=sum(len(episode.ticks) for episode in episodes),
        phases={name: PhaseCount(**count) for name, count in phases.items()},
        outcomes=dict(sorted(Counter(episode.outcome for episode in episodes).items())),
        unreadable=tuple(unreadable),
        episodes=tuple(episodes),
    )


def _count_phases(episode: Episode, phases: dict[str, Counter[str]]) -> None:
    seen: dict[str, set[str]] = {}
    for tick in episode.ticks:
        if tick.phase is None:
            continue
        marks = seen.setdefault(tick.phase, {"runs"})
        if tick.done:
            marks.add("done")
        if tick.failed:
            marks.add("failed")
        if tick.truncated:
            marks.add("timed_out")
    for phase, marks in seen.items():
        phases.setdefault(phase, Counter()).update(marks)


# -- occurrences -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Occurrence:
    kind: Kind
    phase: str | None
    run: str
    ticks: Sequence[Tick]
    count: int = 1


def _occurrences(episode: Episode, library: ActionLibrary) -> Iterator[_Occurrence]:
    ticks = episode.ticks
    gaits = {name for name in library.names if library.spec(name).kind == "gait"}
    tests: list[tuple[Kind, Callable[[Tick], bool], int]] = [
        ("stuck", lambda t: t.label == "stuck" and t.action in gaits, STUCK_TICKS),
        ("fall", lambda t: t.tilt is not None and t.tilt > FALLEN_DEG, 1),
        ("mismatch", _mismatch, 1),
        ("phase_failed", lambda t: t.failed, 1),
        ("missed_signal", lambda t: t.signal == "missed", 1),
        ("false_signal", lambda t: t.signal == "false_positive", 1),
        ("diverged", lambda t: t.diverged, 1),
        ("error", lambda t: t.step_ok is False and not t.diverged, 1),
    ]
    for kind, test, shortest in tests:
        for run in _stretches(ticks, test):
            if len(run) >= shortest:
                yield _Occurrence(kind, run[0].phase, episode.run, run)
    yield from _timeouts(episode)
    yield from _oscillations(episode)
    if episode.errors:  # of a log that numbers no ticks: nothing in it can be cited
        yield _Occurrence("error", None, episode.run, (), episode.errors)


def _mismatch(tick: Tick) -> bool:
    return (
        tick.match is False
        and tick.severity is not None
        and tick.severity >= SEVERE
        and tick.confidence is not None
        and tick.confidence >= CONFIDENT
    )


def _stretches(ticks: Sequence[Tick], test: Callable[[Tick], bool]) -> Iterator[Sequence[Tick]]:
    """Runs of ticks in one phase for which a test holds."""
    start = None
    for index, tick in enumerate(ticks):
        holds = test(tick)
        if start is not None and (not holds or tick.phase != ticks[start].phase):
            yield ticks[start:index]
            start = None
        if holds and start is None:
            start = index
    if start is not None:
        yield ticks[start:]


def _timeouts(episode: Episode) -> Iterator[_Occurrence]:
    """The whole of the phase in which time ran out."""
    for index, tick in enumerate(episode.ticks):
        if tick.truncated:
            first = index
            while first > 0 and episode.ticks[first - 1].phase == tick.phase:
                first -= 1
            yield _Occurrence("timeout", tick.phase, episode.run, episode.ticks[first : index + 1])
            return


def _oscillations(episode: Episode) -> Iterator[_Occurrence]:
    ticks, start = episode.ticks, 0
    for index in range(1, len(ticks) + 1):
        going = (
            index < len(ticks)
            and ticks[index].phase == ticks[start].phase
            and _OPPOSITE.get(ticks[index - 1].action or "") == ticks[index].action
        )
        if going:
            continue
        if index - start >= SWINGS and _stays(ticks[start], ticks[index - 1]):
            yield _Occurrence("oscillation", ticks[start].phase, episode.run, ticks[start:index])
        start = index


def _stays(first: Tick, last: Tick) -> bool:
    """Whether it is known that the robot got nowhere."""
    if first.x is None or first.y is None or last.x is None or last.y is None:
        return False
    return hypot(last.x - first.x, last.y - first.y) < AWAY_M


# -- findings --------------------------------------------------------------------------------------


def _finding(kind: Kind, phase: str | None, found: Sequence[_Occurrence]) -> Finding:
    ticks = [tick for occurrence in found for tick in occurrence.ticks]
    confident = [
        tick
        for tick in ticks
        if tick.canonical and tick.confidence is not None and tick.confidence >= CONFIDENT
    ]
    canonical = Counter(str(tick.canonical) for tick in confident)
    severities = [tick.severity for tick in ticks if tick.severity is not None]
    detail = {"longest": float(max(len(occurrence.ticks) for occurrence in found))}
    if severities:
        detail["mean_severity"] = round(sum(severities) / len(severities), 3)
    runs = list(dict.fromkeys(occurrence.run for occurrence in found))
    return Finding(
        id=f"{kind}@{phase or '-'}",
        kind=kind,
        phase=phase,
        count=sum(occurrence.count for occurrence in found),
        ticks=len(ticks),
        runs=len(runs),
        first_seen=runs[0],
        last_seen=runs[-1],
        citations=tuple(
            Citation(occurrence.run, occurrence.ticks[0].tick, occurrence.ticks[-1].tick)
            for occurrence in found
            if occurrence.ticks
        ),
        actions=dict(Counter(tick.action for tick in ticks if tick.action).most_common()),
        canonical=dict(canonical.most_common()),
        canonical_params={
            action: _medians([t.canonical_params for t in confident if t.canonical == action])
            for action in canonical
        },
        detail=detail,
    )


def _medians(given: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for params in given for name in params)
    return {
        name: round(median(params[name] for params in given if name in params), 3) for name in names
    }
