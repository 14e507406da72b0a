"""From causes in the ticks of runs to findings: counted, and set against runs that succeeded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from handlers.judge.evidence.causes import ending
from handlers.judge.evidence.causes.explain import shown_by
from handlers.judge.evidence.contrast import Contrast
from handlers.judge.evidence.findings import Citation, Finding, Kind
from handlers.judge.evidence.legs import Leg, Sight, legs_of
from handlers.judge.evidence.report import INTERRUPTED, SUCCEEDED
from handlers.judge.evidence.ticks import Episode, Tick, column

CONFIDENT = 0.5
"""A canonical action that is less sure than this is not counted."""
AS_MUCH = 0.5
"""A success shows as much of a cause when it has this part of the failed runs' median of ticks."""

Mode = tuple[Kind, str | None]


class _Shown(NamedTuple):
    """A cause in the ticks of a run; `times` occurrences."""

    run: str
    ticks: Sequence[Tick]
    times: int = 1


def findings_of(episodes: Sequence[Episode], sight: Sight) -> Iterator[Finding]:
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
