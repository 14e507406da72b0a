"""The monitor: are the runs since a rewrite worse than those before it?

Runs are compared by how far they came: phases done, with success above all of them, and only with
runs that were driven under the same conditions (a *stratum*: simulated with one version of this
package, on the real robot, ...). The test is the exact one-sided permutation test of "not worse",
stratified: how low are the ranks of the runs since, among all splits of each stratum?

It is looked at after every run, from the n-th to LAST. Look t spends ALPHA / t, divided by what
makes that ALPHA over all looks together: so a prompt that makes no difference is taken back in
fewer than 5% of all cases, whenever one stops to watch. n is the first look that could tell at all,
if every run since had failed: 4 where there were many runs before, later where there were few. The
assumption: without an effect of the rewrite, the runs of a stratum could have come in any order. A
drift that was there before breaks that; so where the older half of the runs before was better than
the newer half, the newer half alone is compared with.

After LAST runs the rewrite is "kept", or sooner when even failures alone from there on could not be
found any more. Where nothing that could happen would be found, because there were no runs before or
hardly any that was better than the worst there is, it says "undecided" after BLIND runs: more of
them would tell nothing, and these are what the next version is compared with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import comb
from typing import Any, Literal, NamedTuple

FIRST = 4
"""No look before so many runs."""
LAST = 20
"""After so many runs monitoring ends."""
BLIND = 4
"""After so many runs monitoring ends that can tell nothing."""
ALPHA = Fraction(5, 100)
DRIFT = Fraction(1, 100)
"""At this level the older half of the runs before is said to be better than the newer half.

Small, as it is failures that lead to a rewrite: the newest runs before look worse than they are.
"""
TEST = f"exact one-sided permutation test after every run, {float(ALPHA):g} over all looks together"


def first_look(before: Sequence[RunScore]) -> int | None:
    """The first look that could tell, if every run since had failed; None where none could."""
    looks = range(FIRST, LAST + 1)
    return next(
        (look for look in looks if _failing(before, (), look) <= level_of(look, look)), None
    )


@cache
def level_of(look: int, first: int) -> Fraction:
    """What the look after so many runs may spend, where the first is after `first`."""
    if not first <= look <= LAST:
        return Fraction(0)
    return ALPHA / look / sum(Fraction(1, each) for each in range(first, LAST + 1))


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
    p: Fraction | None = None
    for look in range(first, len(told) + 1):
        seen = told[:look]
        p = p_of(before, seen)
        if p <= level_of(look, first):
            reason = f"the first {look} runs since are worse than the {were} before"
            return _look("worse", f"{reason} (p = {float(p):.2g})", before, seen, p)
        if _failing(before, seen, LAST) > level_of(LAST, first):
            reason = f"{look} runs since were not found worse than the {were} before"
            reason += f" (p = {float(p):.2g}; {LAST} are watched at most, and if all others failed"
            return _look("kept", f"{reason} that would show nothing)", before, seen, p)
    strange = len(after) - len(told)
    if strange >= LAST:
        reason = f"{strange} of {len(after)} runs since were driven under conditions under which"
        return _look("undecided", f"{reason} there were no runs before", before, told, p)
    due = max(first, len(told) + 1)
    reason = f"{len(told)} runs since, {were} before; the next look is at {due}"
    if p is not None:
        reason += f" (p = {float(p):.2g}, worse would be {float(level_of(len(told), first)):.2g})"
    return _look("waiting", reason, before, told, p)


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
    p: Fraction | None,
) -> Look:
    evidence = {
        "p": None if p is None else round(float(p), 6),
        "least_p": round(float(_failing(before, (), LAST)), 6),
        "before": _summary(before),
        "after": _summary(after),
        "runs_before": [run.run_id for run in before],
        "runs_after": [run.run_id for run in after],
    }
    return Look(decision, TEST, None if p is None else float(p), evidence, reason)


def _without_drift(before: Sequence[RunScore]) -> tuple[bool, Sequence[RunScore]]:
    """Whether the runs before got worse among themselves; and those to compare with."""
    older, newer = before[: len(before) // 2], before[len(before) // 2 :]
    if p_of(older, newer) > DRIFT:
        return False, before
    return True, newer


def p_of(before: Sequence[RunScore], after: Sequence[RunScore]) -> Fraction:
    """The p of "not worse", stratified."""
    strata: dict[str, tuple[list[int], list[int]]] = {}
    for side, runs in enumerate((before, after)):
        for run in runs:
            strata.setdefault(run.stratum, ([], []))[side].append(run.value)
    return p_worse(*((tuple(old), tuple(new)) for old, new in strata.values()))


def _failing(before: Sequence[RunScore], seen: Sequence[RunScore], look: int) -> Fraction:
    """The p of a look if every run from now on failed at once."""
    if not before:
        return Fraction(1)
    stratum, _ = Counter(run.stratum for run in before).most_common(1)[0]
    failed = RunScore("", False, 0, stratum)
    return p_of(before, [*seen, *[failed] * (look - len(seen))])


Stratum = tuple[tuple[int, ...], tuple[int, ...]]
"""Values of the runs before, and of those after."""
SLOT = 64
"""Bits for a number of ways: C(40, 20) and products of strata within the same runs need 38."""


@cache
def p_worse(*strata: Stratum) -> Fraction:
    """P[the rank sums of those after are as low as seen, or lower] if order made no difference.

    Exact. The ways to reach each sum are the digits of one large number, in base 2**SLOT: shifting
    it adds a rank, multiplying two of them adds up strata.
    """
    ways, seen, total = 1, 0, 1
    for before, after in strata:
        ranks = _doubled_ranks((*before, *after))
        seen += sum(ranks[len(before) :])
        total *= comb(len(ranks), len(after))
        sized = [1, *[0] * len(after)]  # by how many of the ranks are taken
        for rank in ranks:
            for size in range(len(after), 0, -1):
                sized[size] += sized[size - 1] << SLOT * rank
        ways *= sized[-1]
    low = ways & ((1 << SLOT * (seen + 1)) - 1)
    return Fraction(low % ((1 << SLOT) - 1) if low else 0, total)  # the sum of its digits


def _doubled_ranks(values: Sequence[int]) -> list[int]:
    """Twice the midrank of each value: whole numbers, ties shared."""
    counts = Counter(values)
    below, doubled = 0, {}
    for value in sorted(counts):
        doubled[value] = 2 * below + counts[value] + 1
        below += counts[value]
    return [doubled[value] for value in values]


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
