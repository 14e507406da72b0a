"""What an exam asks of each kind of question, against how much of it is taught.

A share of right answers speaks for the goals it was taken from. So a stratum (a kind of goal with
one sequence of actions) counts with at most MOST times its share of what is taught, and everything
that is taught is asked for: an exam of thirty ways to say "sit" shows that "sit" is understood.

The plans are those that are taught: fixed, not drawn. What is drawn are their phrasings, and given
the plans their answers are independent, with chances of their own. For such trials the binomial
tail at the mean chance bounds the true one (W. Hoeffding, "On the distribution of the number of
successes in independent trials", Ann. Math. Statist. 27, 1956), so rows are counted, not plans.
Where an exam covers less than COVERED of what is taught, that argument fails, as its plans are then
a sample; with caps of MOST times the share such an exam shrinks to about one row a plan, which is
the count that holds for plans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil

from handlers.lora.exam.questions import Question, Stratum, question_of
from handlers.lora.model.rows import Row

MOST = 1.5
COVERED = 2 / 3
UNTAUGHT = 0.25
"""What all strata that are not taught count for together: new compositions, new wholes."""

Group = Stratum | None
Shares = Mapping[Stratum, float]


def shares_of(rows: Sequence[Row]) -> Shares:
    """Each stratum's share of the wordings that people taught; of all where nobody wrote any."""
    written = [row for row in rows if row.origin == "pattern"] or list(rows)
    taught = {item.cluster: item.stratum for item in map(question_of, written)}
    counts = Counter(taught.values())
    return {stratum: count / len(taught) for stratum, count in counts.items()}


def balanced(questions: Sequence[Question], shares: Shares) -> list[Question]:
    """The questions without those that are too many of their stratum, in their order.

    Which are left out goes by their hash: by nothing that an answer could change.
    """
    if not shares:
        return list(questions)
    groups: dict[Group, list[Question]] = {}
    for item in sorted(questions, key=lambda item: item.digest):
        groups.setdefault(item.stratum if item.stratum in shares else None, []).append(item)
    covered = sum(shares[group] for group in groups if group is not None)
    slack = 1 if covered >= COVERED else 0
    total, limits = len(questions), dict[Group, int]()
    while True:
        for group in groups:
            share = UNTAUGHT if group is None else shares[group]
            limits[group] = max(1, ceil(MOST * share * total) + slack)
        counted = sum(min(len(items), limits[group]) for group, items in groups.items())
        if counted == total:
            break
        total = counted
    kept = {item.digest for group, items in groups.items() for item in items[: limits[group]]}
    return [item for item in questions if item.digest in kept]


def unexamined(
    taught: Sequence[Row], asked: Sequence[Question], sealed: Sequence[Question]
) -> list[str]:
    """Kinds that people taught and no sealed question asks, and actions that no question asks."""
    written = [row for row in taught if row.origin == "pattern"]
    kinds = Counter(question_of(row).kind for row in written)
    found = [
        f"{kind} ({count} taught)"
        for kind, count in kinds.items()
        if kind not in {item.kind for item in sealed}
    ]
    actions = Counter(action for row in written for action in set(row.shape))
    known = {action for item in asked for action in item.row.shape}
    found += [f"{name} ({count} taught)" for name, count in actions.items() if name not in known]
    return found
