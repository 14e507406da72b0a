"""The test of an offer: do the robots that came first do as well with it as they did before?

Each run under the offered version is paired with one that the same robot drove before it, under
like conditions: the first with the newest, the second with the one before that, and so on. The
*gain* of a pair is how many phases more were done, success being one more, at most two either way,
halved: a number in [-1, 1], as in a trial of the judge's. Two gamblers bet on all pairs of all
robots, one against each error:

- widened: that the gain is -MARGIN or less is refuted. Of offers that cost that much or more, at
  most WIDEN_ERROR are ever widened.
- pulled: that the gain is 0 or more is refuted. Of offers that cost nothing, at most PULL_ERROR are
  ever pulled. It goes on after an offer was widened, over all robots.

A robot's own watch may be quicker, and then no further pair comes from it. So an offer is pulled as
well where every robot that took it up, two at least, took it back: each is wrong in that with 5% at
most, and both of the first two with 0.25%.

Their capitals are e-values however often one looks (Ville's inequality; the source is named in
handlers.judge.gates.betting), as long as runs of a robot are alike before and since but for the
version. The stakes are fixed beforehand, so the order in which logs arrive changes nothing. Where a
version does harm on one robot alone, that robot's own monitor takes it back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

from handlers.judge.gates.betting import capital

MARGIN = 0.25
"""What an offer may not cost: a quarter of all missions, or a phase in every second."""
WIDEN_ERROR = 0.05
PULL_ERROR = 0.05
LEAST_SHARE = 0.5
"""Of the robots that come first, so many must have brought a pair before all others follow."""

LEAST_BACK = 2
"""So many robots that took it up and back again are no accident, if there is no other."""

Decision = Literal["waiting", "widen", "pull"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`evidence_for` and `evidence_against`: the e-values that widen and that pull.

    `back`: how many robots took it back by themselves, where it is pulled for that; else 0.
    """

    decision: Decision
    pairs: int
    robots: int
    gain: float
    evidence_for: float
    evidence_against: float
    back: int = 0

    @property
    def reason(self) -> str:
        """In words, for people."""
        where = f"{self.pairs} pairs of runs on {self.robots} robots, {self.gain:+.2f} on average"
        if self.decision == "pull" and self.back:
            return f"each of the {self.back} robots that took it up took it back; {where}"
        if self.decision == "pull":
            return f"worse than before: {where} (p = {_p(self.evidence_against):.2g})"
        if self.decision == "widen":
            return f"that it costs {MARGIN:g} is refuted: {where} (p = {_p(self.evidence_for):.2g})"
        needs = f"to go on p = {WIDEN_ERROR:g} is needed, and it is {_p(self.evidence_for):.2g}"
        return f"{where}; {needs}"

    def numbers(self) -> dict[str, float]:
        return {
            "pairs": self.pairs,
            "robots": self.robots,
            "gain": round(self.gain, 4),
            "evidence_for": round(self.evidence_for, 4),
            "evidence_against": round(self.evidence_against, 4),
        }


def judge(
    gains: Mapping[int, Sequence[float]],
    first: int,
    *,
    widened: bool = False,
    up: int = 0,
    back: int = 0,
) -> Verdict:
    """What is to become of an offer.

    `gains`: each robot's, of its pairs, in [-1, 1]. `first`: how many robots came first. `up`,
    `back`: how many took it up, and how many of them took it back.
    """
    found = [gain for each in gains.values() for gain in each]
    counts = Counter(found)
    better = capital({(gain + MARGIN) / (1 + MARGIN): count for gain, count in counts.items()})
    worse = capital({-gain: count for gain, count in counts.items()})
    robots = sum(1 for each in gains.values() if each)
    decision: Decision = "waiting"
    by_watches = 0
    if worse >= 1 / PULL_ERROR:
        decision = "pull"
    elif up == back >= LEAST_BACK:
        decision, by_watches = "pull", back
    elif not widened and better >= 1 / WIDEN_ERROR and robots >= ceil(LEAST_SHARE * first):
        decision = "widen"
    mean = sum(found) / len(found) if found else 0.0
    return Verdict(decision, len(found), robots, mean, better, worse, by_watches)


def _p(evidence: float) -> float:
    """The p-value that an e-value is worth, whenever one looks."""
    return min(1.0, 1 / evidence)
