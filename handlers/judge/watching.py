"""The watch window: are the runs since a rewrite worse than those before it?

Runs are compared by how far they came: phases done, with success above all of them. The test is
the exact one-sided permutation (Mann-Whitney) test of "not worse", looked at after 4, 8 and 12
runs, each at a third of 5% (Bonferroni): a prompt that makes no difference is taken back in fewer
than 5% of all windows. After 12 runs without a verdict the rewrite is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any, Literal, NamedTuple

LOOKS = (4, 8, 12)
ALPHA = Fraction(5, 100)


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
class Watch:
    """What a look says. `test` names the test and its level, `evidence` has the numbers."""

    decision: Literal["worse", "kept", "waiting"]
    test: str
    p: float | None
    evidence: Mapping[str, Any]


def verdict(before: Sequence[RunScore], after: Sequence[RunScore]) -> Watch:
    """The verdict of the last look that the number of runs allows.

    A look counts the first 4, 8 or 12 runs and no others, so that it says the same ever after.
    """
    level = ALPHA / len(LOOKS)
    test = (
        f"exact one-sided permutation test, look at {LOOKS} runs, each at p <= {float(level):.4f}"
    )
    p: Fraction | None = None
    for look in LOOKS:
        if len(after) < look or not before:
            break
        p = p_worse([run.value for run in before], [run.value for run in after[:look]])
        if p <= level:
            return Watch("worse", test, float(p), _evidence(before, after[:look], p))
    decision: Literal["kept", "waiting"] = "kept" if len(after) >= LOOKS[-1] else "waiting"
    return Watch(
        decision, test, None if p is None else float(p), _evidence(before, after[: LOOKS[-1]], p)
    )


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
    before: Sequence[RunScore], after: Sequence[RunScore], p: Fraction | None
) -> dict[str, Any]:
    return {
        "p": None if p is None else round(float(p), 6),
        "before": _summary(before),
        "after": _summary(after),
        "runs_after": [run.run_id for run in after],
    }


def _summary(runs: Sequence[RunScore]) -> dict[str, float]:
    count = len(runs)
    return {
        "runs": count,
        "succeeded": sum(run.success for run in runs),
        "phases_done_mean": round(sum(run.phases_done for run in runs) / count, 3) if count else 0,
    }
