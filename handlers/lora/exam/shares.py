"""What an exam's rows are worth: weighed by what is taught, and how many equal rows that makes.

A share of right answers speaks for the goals it was taken from: an exam of thirty ways to say "sit"
shows that "sit" is understood. So each stratum (a kind of goal with one sequence of actions) weighs
what its share of the examples is, however many rows ask for it; and everything that is taught is
asked for.

Unequal weights, and many phrasings of few plans, make an exam say less than its rows. As survey
samplers do (L. Kish, Survey Sampling, 1965; E. L. Korn and B. I. Graubard, Survey Methodology 24,
1998: Clopper-Pearson at the effective size), rows count for

    1 / (f * sum of squared weights of rows + (1 - f) * sum of squared weights of plans)

equal ones, where f is the share of what is taught that is asked for at all. With all of it asked,
the plans are fixed and only phrasings are drawn: rows count. Of a few plans out of many the
phrasings stand or fall together, for all that is known: strata count. Equal weights leave the rows'
number, and the bound is exact. Weights go by the examples and the exam's file alone, never by an
answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from handlers.lora.exam.questions import Question, Stratum, question_of
from handlers.lora.model.rows import Row

UNTAUGHT = 0.25
"""What strata that are not taught as such weigh together at most: new compositions, new wholes."""

Shares = Mapping[Stratum, float]


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight for each question, summing up to 1; `rows`: how many equal ones they are worth."""

    of: Mapping[str, float]
    rows: float


@dataclass(frozen=True, slots=True)
class Stock:
    """What is taught, in shares, and how many sealed rows ask for each stratum: what tells before
    they are written how much further rows would be worth.
    """

    shares: Shares
    asked: Mapping[Stratum, int]

    def worth(self, more: int) -> float:
        """How many equal rows the sealed ones are worth with so many `more`, on average.

        Whoever writes them does so in the shares in which things are taught, and as chance has it:
        of `more` rows a binomial number asks for a stratum, of rare ones maybe none.
        """
        total = sum(self.asked.values()) + more
        if not self.shares or not total:
            return total
        strange = sum(count for stratum, count in self.asked.items() if stratum not in self.shares)
        left = min(strange / total, UNTAUGHT)
        of_rows = of_plans = missed = 0.0
        for stratum, share in self.shares.items():
            asked = self.asked.get(stratum, 0)
            of_rows += share**2 * _mean_inverse(asked, more, share)
            missed += share * (1 - share) ** more if not asked else 0.0
            of_plans += share**2
        inverse = (1 - left) ** 2 * ((1 - missed) * of_rows + missed * of_plans)
        return 1 / (inverse + (left**2 / strange if strange else 0.0))


def _mean_inverse(asked: int, more: int, share: float) -> float:
    """E[1 / (asked + Bin(more, share))], where that is no division by zero."""
    if share >= 1.0 or not more:
        return 1 / (asked + more) if asked + more else 0.0
    odds = log(share / (1 - share))
    mass, total = more * log(1 - share), 0.0
    for number in range(more + 1):
        if asked + number:
            total += exp(mass) / (asked + number)
        if number < more:
            mass += odds + log((more - number) / (number + 1))
    return total


def shares_of(rows: Sequence[Row]) -> Shares:
    """Each stratum's share of the wordings that people taught; of all where nobody wrote any."""
    written = [row for row in rows if row.origin == "pattern"] or list(rows)
    taught = {item.cluster: item.stratum for item in map(question_of, written)}
    counts = Counter(taught.values())
    return {stratum: count / len(taught) for stratum, count in counts.items()}


def weigh(questions: Sequence[Question], shares: Shares) -> Weights:
    """The questions' weights. Without any shares they are equal."""
    if not questions:
        return Weights({}, 0.0)
    asked = Counter(item.stratum for item in questions)
    if not shares:
        return Weights({item.digest: 1 / len(questions) for item in questions}, len(questions))
    covered = sum(share for stratum, share in shares.items() if stratum in asked)
    strange = sum(count for stratum, count in asked.items() if stratum not in shares)
    left = strange / len(questions)
    if covered:
        left = min(left, UNTAUGHT)
    masses = {
        stratum: left * count / strange
        if stratum not in shares
        else (1 - left) * shares[stratum] / covered
        for stratum, count in asked.items()
    }
    weights = {item.digest: masses[item.stratum] / asked[item.stratum] for item in questions}
    of_rows = sum(weight**2 for weight in weights.values())
    plans: dict[object, float] = {}
    for item in questions:
        plan = item.stratum, item.row.shape
        plans[plan] = plans.get(plan, 0.0) + weights[item.digest]
    of_plans = sum(weight**2 for weight in plans.values())
    return Weights(weights, 1 / (covered * of_rows + (1 - covered) * of_plans))


def unexamined(
    taught: Sequence[Row], asked: Sequence[Question], sealed: Sequence[Question]
) -> list[str]:
    """Kinds that people taught and no sealed question asks, and actions that no question asks."""
    written = [row for row in taught if row.origin == "pattern"]
    kinds = Counter(question_of(row).kind for row in written)
    examined = {item.kind for item in sealed}
    found = [f"{kind} ({count} taught)" for kind, count in kinds.items() if kind not in examined]
    actions = Counter(action for row in written for action in set(row.shape))
    known = {action for item in asked for action in item.row.shape}
    found += [f"{name} ({count} taught)" for name, count in actions.items() if name not in known]
    return found
