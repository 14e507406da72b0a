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

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from handlers.lora.exam.questions import Question, Stratum, hash_of, question_of
from handlers.lora.model.rows import Row

UNTAUGHT = 0.25
"""What strata that are not taught as such weigh together at most: new compositions, new wholes."""
NOTHING = -45.0

Shares = Mapping[Stratum, float]


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight for each question, summing up to 1 with `lost`, that of rows that are wrong unasked;
    `rows`: how many equal ones they are all worth.
    """

    of: Mapping[str, float]
    rows: float
    lost: float = 0.0


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
        if mass < NOTHING and number > more * share:
            break  # what follows is less likely still, and changes no digit
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


def weigh(questions: Sequence[Question], shares: Shares, wrong: Sequence[str] = ()) -> Weights:
    """The questions' weights. Without any shares they are equal.

    `wrong`: the hash of the stratum of each row that is wrong unasked; it weighs what it did when
    it was asked, and an average row where the hash is "".
    """
    if not questions:
        return Weights({}, float(len(wrong)), 1.0 if wrong else 0.0)
    names = {hash_of(stratum): stratum for stratum in (*shares, *(q.stratum for q in questions))}
    lost: list[Stratum] = [names.get(mark, ("words", (mark,))) for mark in wrong if mark]
    asked = Counter([*(item.stratum for item in questions), *lost])
    per_row, covered = _per_row(asked, shares)
    weights = {item.digest: per_row[item.stratum] for item in questions}
    of_rows = sum(per_row[stratum] ** 2 * count for stratum, count in asked.items())
    plans: defaultdict[object, float] = defaultdict(float)
    for item in questions:
        plans[item.stratum, item.row.shape] += weights[item.digest]
    for stratum in lost:
        plans[stratum, stratum[1]] += per_row[stratum]
    of_plans = sum(weight**2 for weight in plans.values())
    rows = 1 / (covered * of_rows + (1 - covered) * of_plans)
    known = asked.total() / (asked.total() + wrong.count(""))
    weights = {digest: weight * known for digest, weight in weights.items()}
    return Weights(weights, rows / known, max(0.0, 1 - sum(weights.values())))


def _per_row(asked: Mapping[Stratum, int], shares: Shares) -> tuple[dict[Stratum, float], float]:
    """What a row of each stratum weighs, and the share of what is taught that is asked for."""
    total = sum(asked.values())
    if not shares:
        return dict.fromkeys(asked, 1 / total), 1.0
    covered = sum(share for stratum, share in shares.items() if stratum in asked)
    strange = sum(count for stratum, count in asked.items() if stratum not in shares)
    left = strange / total
    if covered:
        left = min(left, UNTAUGHT)
    return {
        stratum: left / strange
        if stratum not in shares
        else (1 - left) * shares[stratum] / covered / count
        for stratum, count in asked.items()
    }, covered


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
