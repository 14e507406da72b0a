"""The monitor: are the runs since a rewrite worse than those before it?

Runs are compared by how far they came: phases done, with success above all of them. The test is
the exact one-sided permutation (Mann-Whitney) test of "not worse", looked at up to three times,
each time at a third of 5% (Bonferroni): a prompt that makes no difference is taken back in fewer
than 5% of all cases.

With few runs before, the first looks come later, at the smallest number of runs that can tell at
all: when each of `k` runs after is worse than each of `b` before, p is 1 in C(b + k, k). After the
last look the rewrite is "kept". Where nothing that could happen would be found, because there were
no runs before or hardly any that was better than the worst there is, it says "undecided" after four
runs: more of them would tell nothing, and these are what the next version is compared with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any, Literal, NamedTuple

LOOKS = (4, 8, 12)
FEW: Mapping[int, tuple[int, ...]] = {1: (19,), 2: (10, 15, 20), 3: (6, 9, 12)}
"""Looks where there were fewer than four runs before."""
BLIND = 4
"""After so many runs monitoring ends that can tell nothing."""
ALPHA = Fraction(5, 100)


def looks_for(before: int) -> tuple[int, ...]:
    """After how many runs it is looked, for so many runs before; monitoring ends with the last."""
    return FEW.get(before, LOOKS)


class RunScore(NamedTuple):
    """How a run ended."""

    run_id: str
    success: bool
    phases_done: int

    @property
    def value(self) -> int:
        """For comparison only."""
        return 2 * self.phases_done + int(self.success)


@dataclass(frozen=True, slots=True)
class Look:
    """What the monitor decides. `test` names the test and its level, `evidence` has the numbers.

    `reason` is for people.
    """

    decision: Literal["worse", "kept", "undecided", "waiting"]
    test: str
    p: float | None
    evidence: Mapping[str, Any]
    reason: str


def decide(before: Sequence[RunScore], after: Sequence[RunScore]) -> Look:
    """The decision of the last look that the number of runs allows.

    A look counts the first so many runs and no others, so that it says the same ever after.
    """
    looks = looks_for(len(before))
    level, last = ALPHA / len(looks), looks[-1]
    values = [run.value for run in before]
    test = (
        f"exact one-sided permutation test, look at {looks} runs, each at p <= {float(level):.4f}"
    )
    # The smallest p there can be: every run after as bad as a run can be.
    least = p_worse(values, [0] * last)
    p: Fraction | None = None
    for look in looks:
        if len(after) < look or not before:
            break
        p = p_worse(values, [run.value for run in after[:look]])
        if p <= level:
            reason = f"the first {look} runs since are worse than the {len(before)} before"
            evidence = _evidence(before, after[:look], p, least)
            return Look("worse", test, float(p), evidence, f"{reason} (p = {float(p):.2g})")
    shown = None if p is None else float(p)
    evidence = _evidence(before, after[:last], p, least)
    if least > level:
        could = f"with {_were(before)} before the watch cannot tell: even failures alone would give"
        could += f" p = {float(least):.2g}, above {float(level):.2g}"
        if len(after) < BLIND:
            return Look("waiting", test, shown, evidence, could)
        return Look("undecided", test, shown, evidence, f"{len(after)} runs since; {could}")
    if len(after) < last:
        due = next(look for look in looks if look > len(after))
        reason = f"{len(after)} runs since, {len(before)} before; the next look is at {due}"
        return Look("waiting", test, shown, evidence, reason)
    reason = f"{last} runs since were not found worse than the {len(before)} before"
    reason += f" (p = {shown:.2g}; failures alone would have given {float(least):.2g})"
    return Look("kept", test, shown, evidence, reason)


def p_worse(before: Sequence[int], after: Sequence[int]) -> Fraction:
    """P[the rank sum of `after` is as low as seen, or lower] if order made no difference. Exact."""
    ranks = _doubled_ranks([*before, *after])
    seen = sum(ranks[len(before) :])
    # ways[k][s]: subsets of k runs whose doubled ranks sum to s
    ways: list[Counter[int]] = [Counter({0: 1}), *(Counter() for _ in after)]
    for rank in ranks:
        for size in range(len(after), 0, -1):
            for total, count in ways[size - 1].items():
                ways[size][total + rank] += count
    low = sum(count for total, count in ways[-1].items() if total <= seen)
    return Fraction(low, comb(len(ranks), len(after)))


def _doubled_ranks(values: Sequence[int]) -> list[int]:
    """Twice the midrank of each value: whole numbers, ties shared."""
    counts = Counter(values)
    below, doubled = 0, {}
    for value in sorted(counts):
        doubled[value] = 2 * below + counts[value] + 1
        below += counts[value]
    return [doubled[value] for value in values]


def _evidence(
    before: Sequence[RunScore], after: Sequence[RunScore], p: Fraction | None, least: Fraction
) -> dict[str, Any]:
    return {
        "p": None if p is None else round(float(p), 6),
        "least_p": round(float(least), 6),
        "before": _summary(before),
        "after": _summary(after),
        "runs_after": [run.run_id for run in after],
    }


def _were(before: Sequence[RunScore]) -> str:
    if not before:
        return "no runs"
    bad = sum(run.value == 0 for run in before)
    return f"{len(before)} runs" + (f" ({bad} as bad as a run can be)" if bad else "")


def _summary(runs: Sequence[RunScore]) -> dict[str, float]:
    count = len(runs)
    return {
        "runs": count,
        "succeeded": sum(run.success for run in runs),
        "phases_done_mean": round(sum(run.phases_done for run in runs) / count, 3) if count else 0,
    }
