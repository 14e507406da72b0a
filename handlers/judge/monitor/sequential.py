"""The monitor: are the runs since a rewrite worse than those before it?

Runs are compared by how far they came: phases done, with success above all of them, and only with
runs that were driven under the same conditions (a *stratum*: simulated with one version of this
package, on the real robot, ...). If the rewrite makes no difference, the runs of a stratum could
have come in any order: each new one is as likely to be any of those seen so far. So it is bet on
whether it is among the poor ones: those below the median of the runs before, if the best of all are
taken for these. Where a share c of all is poor, a gambler who starts with 1 multiplies the capital
by c ** SHAPE / c after a poor run, and by (1 - c ** SHAPE) / (1 - c) after another. On average that
is 1, stratum by stratum, so the capital reaches 1 / ALPHA with probability ALPHA at most, however
often and whenever one looks (conformal test martingales: Vovk, Gammerman and Shafer, Algorithmic
Learning in a Random World, 2nd edition 2022, part II; Ville's inequality).

It is looked at after every run, from FIRST on, or from the first that could tell at all if every
run since had failed. Drift that was there before breaks the assumption; so where the older half of
the runs before was better than the newer half, the newer half alone is compared with.

After LAST runs the rewrite is "kept"; sooner when even failures alone from there on could not be
found any more, or when it is refuted that every other run is worse than the median of those before.
That costs no false alarm, and lets the next rewrite come. Where nothing that could happen would be
found, because there were hardly any runs before, or none better than the worst there is, it says
"undecided" after BLIND runs: more of them would tell nothing, and these are what the next version
is compared with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median_low
from typing import Any, Literal, NamedTuple

from handlers.judge.monitor.drift import p_worse

FIRST = 4
"""No look before so many runs."""
LAST = 20
"""After so many runs monitoring ends."""
BLIND = 4
"""After so many runs monitoring ends that can tell nothing."""
ALPHA = 0.05
SHAPE = 0.35
"""How much worse the runs are that are bet on. Of 0.2 to 0.6, this finds it the most often, after
8 to 20 runs before, that every other one fails since, and after 2 it still can."""
GOOD, BAD, HARMLESS = 1.8, 0.2, 100.0
"""Bets that more than half of the runs are as good as the median of those before: against that, and
so against harm in every other run, a hundredth is left when it is called harmless."""
DRIFT = Fraction(1, 100)
"""At this level the older half of the runs before is said to be better than the newer half.

Small, as it is failures that lead to a rewrite: the newest runs before look worse than they are.
"""
TEST = f"bets on whether each run is poor, {ALPHA:g} over all looks together"


def first_look(before: Sequence[RunScore]) -> int | None:
    """The first look that could tell, if every run since had failed; None where none could."""
    evidence = evidence_of(before, _failing(before, ()))
    looks = range(FIRST, len(evidence) + 1)
    return next((look for look in looks if _shows(evidence[look - 1])), None)


def evidence_of(before: Sequence[RunScore], after: Sequence[RunScore]) -> list[float]:
    """The capital after each of the runs since: an e-value of "not worse".

    Runs of a stratum that there was not before bring nothing.
    """
    values: dict[str, list[int]] = {}
    for run in before:
        values.setdefault(run.stratum, []).append(run.value)
    middle = {stratum: (len(of) + 1) // 2 for stratum, of in values.items()}
    capital, path = 1.0, []
    for run in after:
        seen = values.get(run.stratum)
        if seen is not None:
            seen.append(run.value)
            capital *= _factor(seen, sorted(seen)[-middle[run.stratum]])
        path.append(capital)
    return path


def _factor(values: Sequence[int], poor_below: int) -> float:
    """What the last of these values multiplies the capital by."""
    poor = sum(value < poor_below for value in values) / len(values)
    if values[-1] < poor_below:
        return float(poor**SHAPE / poor)
    return float((1 - poor**SHAPE) / (1 - poor))


def _shows(evidence: float) -> bool:
    return evidence >= 1 / ALPHA


class RunScore(NamedTuple):
    """How a run ended, and the conditions it was driven under: only like is compared with like."""

    run_id: str
    success: bool
    phases_done: int
    stratum: str = ""

    @property
    def value(self) -> int:
        """For comparison only."""
        return 2 * self.phases_done + int(self.success)


Decision = Literal["worse", "kept", "undecided", "waiting"]


@dataclass(frozen=True, slots=True)
class Look:
    """What the monitor decides. `test` names the test and its level, `evidence` has the numbers.

    `reason` is for people.
    """

    decision: Decision
    test: str
    p: float | None
    evidence: Mapping[str, Any]
    reason: str


def decide(before: Sequence[RunScore], after: Sequence[RunScore]) -> Look:
    """The decision of the first look that brings one, so that it is the same ever after."""
    drifted, before = _without_drift(before)
    were, first = _were(before, drifted), first_look(before)
    if first is None:
        return _blind(before, after, were)
    known = {run.stratum for run in before}
    told = [run for run in after if run.stratum in known][:LAST]
    evidence = evidence_of(before, told)
    for look in range(first, len(told) + 1):
        seen, capital = told[:look], evidence[look - 1]
        if _shows(capital):
            reason = f"the first {look} runs since are worse than the {were} before"
            return _look("worse", f"{reason} (p = {_p(capital):.2g})", before, seen, capital)
        if why := _no_more_to_see(before, seen):
            reason = f"{look} runs since were not found worse than the {were} before"
            return _look("kept", f"{reason} (p = {_p(capital):.2g}; {why})", before, seen, capital)
    strange = len(after) - len(told)
    if strange >= LAST:
        reason = f"{strange} of {len(after)} runs since were driven under conditions under which"
        return _look("undecided", f"{reason} there were no runs before", before, told, None)
    due = max(first, len(told) + 1)
    reason = f"{len(told)} runs since, {were} before; the next look is at {due}"
    if len(told) >= first:
        reason += f" (p = {_p(evidence[-1]):.2g}, worse would be {ALPHA:g})"
        return _look("waiting", reason, before, told, evidence[-1])
    return _look("waiting", reason, before, told, None)


def _no_more_to_see(before: Sequence[RunScore], seen: Sequence[RunScore]) -> str:
    """Why no further run is watched; "" while one is."""
    if not _shows(evidence_of(before, _failing(before, seen))[-1]):
        return f"{LAST} are watched at most, and if all others failed that would show nothing"
    by_stratum: dict[str, list[int]] = {}
    for run in before:
        by_stratum.setdefault(run.stratum, []).append(run.value)
    usual = {stratum: median_low(values) for stratum, values in by_stratum.items()}
    capital = 1.0
    for run in seen:
        capital *= GOOD if run.value >= usual[run.stratum] else BAD
    return "that every other one is worse than usual is refuted" if capital >= HARMLESS else ""


def _blind(before: Sequence[RunScore], after: Sequence[RunScore], were: str) -> Look:
    """Where nothing that could happen would be found."""
    could = f"with {were} before the watch cannot tell: even failures alone would show nothing"
    if len(after) < BLIND:
        return _look("waiting", could, before, after, None)
    return _look("undecided", f"{len(after)} runs since; {could}", before, after, None)


def _look(
    decision: Decision,
    reason: str,
    before: Sequence[RunScore],
    after: Sequence[RunScore],
    capital: float | None,
) -> Look:
    p = None if capital is None else _p(capital)
    evidence = {
        "p": None if p is None else round(p, 6),
        "least_p": round(_p(max((1.0, *evidence_of(before, _failing(before, ()))))), 6),
        "before": _summary(before),
        "after": _summary(after),
        "runs_before": [run.run_id for run in before],
        "runs_after": [run.run_id for run in after],
    }
    return Look(decision, TEST, p, evidence, reason)


def _p(capital: float) -> float:
    """The p-value that an e-value is worth, whenever one looks."""
    return min(1.0, 1 / capital)


def _without_drift(before: Sequence[RunScore]) -> tuple[bool, Sequence[RunScore]]:
    """Whether the runs before got worse among themselves; and those to compare with."""
    older, newer = before[: len(before) // 2], before[len(before) // 2 :]
    if p_of(older, newer) > DRIFT:
        return False, before
    return True, newer


def p_of(before: Sequence[RunScore], after: Sequence[RunScore]) -> Fraction:
    """The p of "not worse" of an exact permutation test, stratified."""
    strata: dict[str, tuple[list[int], list[int]]] = {}
    for side, runs in enumerate((before, after)):
        for run in runs:
            strata.setdefault(run.stratum, ([], []))[side].append(run.value)
    return p_worse(*((tuple(old), tuple(new)) for old, new in strata.values()))


def _failing(before: Sequence[RunScore], seen: Sequence[RunScore]) -> list[RunScore]:
    """The runs of a whole watch if every one from now on failed at once."""
    if not before:
        return []
    stratum, _ = Counter(run.stratum for run in before).most_common(1)[0]
    return [*seen, *[RunScore("", False, 0, stratum)] * (LAST - len(seen))]


def _were(before: Sequence[RunScore], drifted: bool) -> str:
    if not before:
        return "no runs"
    bad = sum(run.value == 0 for run in before)
    said = f"{len(before)} runs" + (f" ({bad} as bad as a run can be)" if bad else "")
    return said + (" (the newer half: it had grown worse before)" if drifted else "")


def _summary(runs: Sequence[RunScore]) -> dict[str, float]:
    count = len(runs)
    return {
        "runs": count,
        "succeeded": sum(run.success for run in runs),
        "phases_done_mean": round(sum(run.phases_done for run in runs) / count, 3) if count else 0,
    }
