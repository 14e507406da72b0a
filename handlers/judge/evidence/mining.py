"""Mining: why runs fail, found and counted in code.

Every leg of every run is looked at for the causes in causes/. A cause is a finding where it is
shown by runs that did not succeed, and not as much by those that did. `timeout` and `phase_failed`
are what is left to say of a leg for which no cause was found. What a log does not say is unknown,
and shows nothing. The kinds are defined in docs/judge.md.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

from handlers.judge.driven import EARLIER, Driver, LeftOut
from handlers.judge.evidence.causes import ending
from handlers.judge.evidence.causes.explain import shown_by
from handlers.judge.evidence.contrast import Contrast
from handlers.judge.evidence.findings import Citation, Finding, Kind
from handlers.judge.evidence.legs import Leg, Sight, legs_of
from handlers.judge.evidence.reading import episodes_of
from handlers.judge.evidence.ticks import Episode, RunLog, Tick, Vocabulary, column
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec

CONFIDENT = 0.5
"""A canonical action that is less sure than this is not counted."""
AS_MUCH = 0.5
"""A success shows as much of a cause when it has this part of the failed runs' median of ticks."""
SUCCEEDED, INTERRUPTED = "succeeded", "interrupted"


@dataclass(frozen=True, slots=True)
class PhaseCount:
    """How many runs came into a phase, and how it ended for them."""

    runs: int = 0
    done: int = 0
    failed: int = 0
    timed_out: int = 0


@dataclass(frozen=True, slots=True)
class MiningReport:
    """What all runs say. `runs` in the order given; `unreadable`: (run id, reason).

    `left_out`: how many runs are no evidence about the prompt, by the reason. `resolved`: ids of
    what runs under an earlier prompt show and none does since.
    """

    findings: tuple[Finding, ...]
    runs: tuple[str, ...]
    ticks: int
    phases: Mapping[str, PhaseCount]
    outcomes: Mapping[str, int]
    unreadable: tuple[tuple[str, str], ...] = ()
    episodes: tuple[Episode, ...] = field(default=(), repr=False)
    left_out: Mapping[str, int] = field(default_factory=dict)
    resolved: tuple[str, ...] = ()

    def finding(self, finding_id: str) -> Finding | None:
        return next((item for item in self.findings if item.id == finding_id), None)

    @property
    def contrast(self) -> str:
        """What the findings are worth, by what there is to compare them with."""
        bad = sum(n for name, n in self.outcomes.items() if name not in (SUCCEEDED, INTERRUPTED))
        good = self.outcomes.get(SUCCEEDED, 0)
        if not bad:
            return "no run failed: there is nothing to explain" if good else "no runs"
        if not good:
            return (
                f"{bad} runs failed and none succeeded: what successful runs would show as well"
                " cannot be told apart"
            )
        return f"{bad} runs that failed, compared with {good} that succeeded"

    def as_json(self) -> dict[str, Any]:
        return {
            "runs": len(self.runs),
            "ticks": self.ticks,
            "outcomes": dict(self.outcomes),
            "contrast": self.contrast,
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
            "resolved": list(self.resolved),
            "no_evidence": dict(self.left_out),
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


def mine(
    runs: Sequence[RunLog],
    spec: ProjectSpec,
    library: ActionLibrary,
    driver: Driver | None = None,
    left_out: LeftOut | None = None,
) -> MiningReport:
    """Read every log and find out why runs failed. A log that cannot be read is named, not raised.

    `driver`: the prompt that it is about; None: whatever drove the runs. `left_out` are the logs
    that need not be read.
    """
    words = vocabulary(spec, library)
    left_out = left_out or LeftOut()
    episodes: list[Episode] = []
    earlier: list[Episode] = []
    unreadable = []
    for run in runs:
        try:
            found = episodes_of(run, words)
        except OSError as error:
            unreadable.append((run.run_id, error.strerror or str(error)))
            continue
        for episode in found:
            reason = driver.excludes(episode.run, episode.stamp) if driver else None
            if reason is None:
                episodes.append(episode)
            else:
                left_out.add(reason)
                earlier += [episode] if reason == EARLIER else []
    report = report_on(episodes, spec, library, unreadable)
    now = {finding.id for finding in report.findings}
    before = report_on(earlier, spec, library).findings if earlier and episodes else ()
    return MiningReport(
        **{name: getattr(report, name) for name in _REPORTED},
        left_out=left_out.as_json(),
        resolved=tuple(sorted({finding.id for finding in before} - now)),
    )


_REPORTED = ("findings", "runs", "ticks", "phases", "outcomes", "unreadable", "episodes")


def report_on(
    episodes: Sequence[Episode],
    spec: ProjectSpec,
    library: ActionLibrary,
    unreadable: Sequence[tuple[str, str]] = (),
) -> MiningReport:
    """The findings of runs that were read already."""
    phases: dict[str, Counter[str]] = {}
    for episode in episodes:
        _count_phases(episode, phases)
    return MiningReport(
        findings=tuple(_findings(episodes, Sight(spec, library))),
        runs=tuple(episode.run for episode in episodes),
        ticks=sum(len(e.ticks) - any(t.cut_off for t in e.ticks[-1:]) for e in episodes),
        phases={name: PhaseCount(**count) for name, count in phases.items()},
        outcomes=dict(sorted(Counter(episode.outcome for episode in episodes).items())),
        unreadable=tuple(unreadable),
        episodes=tuple(episodes),
    )


def _count_phases(episode: Episode, phases: dict[str, Counter[str]]) -> None:
    seen: dict[str, set[str]] = {}
    columns = [column(episode.ticks, name) for name in ("phase", "done", "failed", "truncated")]
    for phase, done, failed, timed_out in dict.fromkeys(zip(*columns, strict=True)):
        if phase is None:
            continue
        marks = seen.setdefault(phase, {"runs"})
        if done:
            marks.add("done")
        if failed:
            marks.add("failed")
        if timed_out:
            marks.add("timed_out")
    for phase, marks in seen.items():
        phases.setdefault(phase, Counter()).update(marks)


# -- findings --------------------------------------------------------------------------------------

Mode = tuple[Kind, str | None]


class _Shown(NamedTuple):
    """A cause in the ticks of a run; `times` occurrences."""

    run: str
    ticks: Sequence[Tick]
    times: int = 1


def _findings(episodes: Sequence[Episode], sight: Sight) -> Iterator[Finding]:
    """The findings, those first that set failed runs apart the most."""
    bad = [e for e in episodes if e.outcome not in (SUCCEEDED, INTERRUPTED)]
    shown: dict[Mode, list[_Shown]] = {}
    undone: list[Leg] = []
    for episode in bad:
        legs = list(legs_of(episode, sight))
        for leg in legs:
            _gather(shown, leg, everything=not leg.done)
            undone += [] if leg.done else [leg]
        for leg, occurrence in ending.skipped(legs):
            shown.setdefault(("phase_skipped", leg.phase), []).append(
                _Shown(leg.run, leg.ticks[occurrence.first : occurrence.last + 1])
            )
        if episode.errors:  # of a log that numbers no ticks: nothing in it can be cited
            mode: Mode = ("error", None)
            shown.setdefault(mode, []).append(_Shown(episode.run, (), episode.errors))
    contrasts = _contrasts(shown, bad, [e for e in episodes if e.outcome == SUCCEEDED], sight)
    told = {mode: found for mode, found in shown.items() if contrasts[mode].tells}
    _add_symptoms(told, contrasts, undone, len(bad))
    stopped = [e for e in episodes if e.outcome == INTERRUPTED]
    made = [_finding(mode, found, contrasts[mode]) for mode, found in told.items()]
    made.sort(key=lambda item: (item.detail["p"], -item.runs, -item.ticks, item.id))
    yield from made
    yield from _interrupted(stopped, sight)


def _gather(shown: dict[Mode, list[_Shown]], leg: Leg, everything: bool) -> None:
    for kind, first, last in shown_by(leg, everything):
        ticks = leg.ticks[first : last + 1]
        shown.setdefault((kind, leg.phase), []).append(_Shown(leg.run, ticks))


def _contrasts(
    shown: Mapping[Mode, Sequence[_Shown]],
    bad: Sequence[Episode],
    good: Sequence[Episode],
    sight: Sight,
) -> dict[Mode, Contrast]:
    """How common each mode is in failed runs and in the others, by the runs in its phase."""
    wanted = {phase for _, phase in shown}
    as_much = {mode: AS_MUCH * median(_ticks_by_run(found)) for mode, found in shown.items()}
    with_it: Counter[Mode] = Counter()
    came: Counter[str | None] = Counter()
    for episode in good:
        there: dict[Mode, list[_Shown]] = {}
        phases = set()
        for leg in legs_of(episode, sight):
            phases.add(leg.phase)
            if leg.phase in wanted:
                _gather(there, leg, everything=True)
        came.update(phases)
        with_it.update(
            mode
            for mode, found in there.items()
            if mode in as_much and sum(len(item.ticks) for item in found) >= as_much[mode]
        )
    into = Counter(phase for episode in bad for phase in set(column(episode.ticks, "phase")))
    contrasts = {}
    for mode, found in shown.items():
        runs = len({item.run for item in found})
        contrasts[mode] = Contrast(
            runs, max(into[mode[1]], runs), with_it[mode], max(came[mode[1]], with_it[mode])
        )
    return contrasts


def _ticks_by_run(found: Iterable[_Shown]) -> list[int]:
    ticks: Counter[str] = Counter()
    for item in found:
        ticks[item.run] += len(item.ticks)
    return list(ticks.values())


def _add_symptoms(
    told: dict[Mode, list[_Shown]],
    contrasts: dict[Mode, Contrast],
    undone: Sequence[Leg],
    failed: int,
) -> None:
    """timeout and phase_failed, for legs in which nothing that is told is shown."""
    explained = {(item.run, phase) for (_, phase), found in told.items() for item in found}
    symptoms: dict[Mode, list[_Shown]] = {}
    for leg in undone:
        if (leg.run, leg.phase) in explained:
            continue
        for kind, first, last in ending.symptom(leg):
            ticks = leg.ticks[first : last + 1]
            symptoms.setdefault((kind, leg.phase), []).append(_Shown(leg.run, ticks))
    for mode, found in symptoms.items():
        told[mode] = found
        runs = len({item.run for item in found})
        contrasts[mode] = Contrast(runs, max(failed, runs), 0, 0)


def _interrupted(stopped: Sequence[Episode], sight: Sight) -> Iterator[Finding]:
    """Runs that somebody stopped: shown, and no evidence of anything."""
    shown: dict[Mode, list[_Shown]] = {}
    for episode in stopped:
        for leg in legs_of(episode, sight):
            for kind, first, last in ending.interrupted(leg):
                ticks = leg.ticks[first : last + 1]
                shown.setdefault((kind, leg.phase), []).append(_Shown(leg.run, ticks))
    for mode, found in shown.items():
        yield _finding(mode, found, Contrast(0, 0, 0, 0))


def _finding(mode: Mode, found: Sequence[_Shown], contrast: Contrast) -> Finding:
    kind, phase = mode
    ticks = [tick for item in found for tick in item.ticks]
    confident = [
        (name, params)
        for name, sure, params in zip(
            *(column(ticks, name) for name in ("canonical", "confidence", "canonical_params")),
            strict=True,
        )
        if name and sure is not None and sure >= CONFIDENT
    ]
    canonical: Counter[str] = Counter(name for name, _ in confident)
    severities = [value for value in column(ticks, "severity") if value is not None]
    detail = {"longest": float(max(len(item.ticks) for item in found))}
    if severities:
        detail["mean_severity"] = round(sum(severities) / len(severities), 3)
    detail |= {
        "failed_runs": float(contrast.failed),
        "succeeded_runs": float(contrast.succeeded),
        "succeeded_with": float(contrast.succeeded_with),
        "p": round(contrast.p, 6),
    }
    if contrast.lift is not None:
        detail["lift"] = round(contrast.lift, 3)
    runs = list(dict.fromkeys(item.run for item in found))
    return Finding(
        id=f"{kind}@{phase or '-'}",
        kind=kind,
        phase=phase,
        count=sum(item.times for item in found),
        ticks=len(ticks),
        runs=len(runs),
        first_seen=runs[0],
        last_seen=runs[-1],
        citations=tuple(
            Citation(item.run, item.ticks[0].tick, item.ticks[-1].tick)
            for item in found
            if item.ticks
        ),
        actions=dict(Counter(filter(None, column(ticks, "action"))).most_common()),
        canonical=dict(canonical.most_common()),
        canonical_params={
            action: _medians([params for name, params in confident if name == action])
            for action in canonical
        },
        detail=detail,
    )


def _medians(given: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for params in given for name in params)
    return {
        name: round(median(params[name] for params in given if name in params), 3) for name in names
    }
