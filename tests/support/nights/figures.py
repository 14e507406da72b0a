"""What held-out runs say of a project's nights: pairs, since both prompts drive the same seeds.

- a project under a judge: the difference of two paired proportions, with the interval of Newcombe,
  "Improved confidence intervals for the difference between binomial proportions based on paired
  data", Statistics in Medicine 17 (1998), method 10;
- "is any project worse?": for each the exact one-sided test of McNemar (of the seeds that differ,
  as many lost as were, or more, if each way were as likely), adjusted over all projects and judges
  by Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statistics 6 (1979):
  the chance to call any of them worse that is not is `FAMILY` at most;
- a judge over all projects: the mean of the projects' differences with Student's interval over the
  projects. They are the clusters: runs of one project resemble each other, projects do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, sqrt
from statistics import mean, stdev

FAMILY = 0.05
Z = 1.959964
T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
     2.145, 2.131)  # fmt: skip
"""Student's t, 97.5%, for 1, 2, ... degrees of freedom."""

Interval = tuple[float, float]


def share(runs: Sequence[bool]) -> float:
    return sum(runs) / len(runs)


def p_worse(before: Sequence[bool], after: Sequence[bool]) -> float:
    """The exact one-sided p of "not worse"; 1 where no seed differs."""
    pairs = list(zip(before, after, strict=True))
    lost = sum(was and not now for was, now in pairs)
    differ = lost + sum(now and not was for was, now in pairs)
    return sum(comb(differ, k) for k in range(lost, differ + 1)) / 2**differ


def holm(ps: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given."""
    adjusted, least = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda at: ps[at])):
        least = max(least, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = least
    return adjusted


def least_loss(tests: int) -> int:
    """How many seeds must be lost, and none won, for one of so many tests to call it worse."""
    lost = 1
    while tests * 0.5**lost > FAMILY:
        lost += 1
    return lost


def difference(before: Sequence[bool], after: Sequence[bool]) -> tuple[float, Interval]:
    """after - before as shares, with its 95% interval."""
    old, new = share(before), share(after)
    low_old, high_old = _wilson(sum(before), len(before))
    low_new, high_new = _wilson(sum(after), len(after))
    phi, gap = _phi(before, after), new - old
    below = (
        (new - low_new) ** 2 - 2 * phi * (new - low_new) * (high_old - old) + (high_old - old) ** 2
    )
    above = (
        (high_new - new) ** 2 - 2 * phi * (high_new - new) * (old - low_old) + (old - low_old) ** 2
    )
    return gap, (gap - sqrt(max(0.0, below)), gap + sqrt(max(0.0, above)))


def _wilson(count: int, total: int) -> Interval:
    middle = (count + Z * Z / 2) / (total + Z * Z)
    half = Z / (total + Z * Z) * sqrt(count * (total - count) / total + Z * Z / 4)
    return middle - half, middle + half


def _phi(before: Sequence[bool], after: Sequence[bool]) -> float:
    """The pairs' correlation, with Newcombe's correction where it is positive."""
    pairs = list(zip(before, after, strict=True))
    both = sum(was and now for was, now in pairs)
    gone = sum(was and not now for was, now in pairs)
    won = sum(now and not was for was, now in pairs)
    neither = len(pairs) - both - gone - won
    margins = (both + gone) * (won + neither) * (both + won) * (gone + neither)
    if margins == 0:
        return 0.0
    crossed = both * neither - gone * won
    if crossed > 0:
        crossed = max(0.0, crossed - len(pairs) / 2)
    return crossed / sqrt(margins)


def over_projects(differences: Sequence[float]) -> tuple[float, Interval]:
    """The mean of the projects' differences, with its 95% interval."""
    middle, count = mean(differences), len(differences)
    if count < 2:
        return middle, (-1.0, 1.0)
    half = T[min(count - 1, len(T)) - 1] * stdev(differences) / sqrt(count)
    return middle, (middle - half, middle + half)
