"""The questions of an exam that count for one adapter, in two parts, and why others do not.

A question does not count that is too near to what was taught (duplicates.py), that another row asks
already but for its numbers, or that takes the place of one that was known. The others weigh what is
taught of their like (shares.py). A sealed row that stood in the exam before and is now taught,
changed or gone is worse than not counted (standing.py): it counts as wrong.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from handlers.goals.normal import template
from handlers.lora.data.dataset import Dataset
from handlers.lora.exam.duplicates import Near, Taught, Vectors
from handlers.lora.exam.looks import Look
from handlers.lora.exam.questions import Question, question_of
from handlers.lora.exam.shares import Shares, Stock, Weights, shares_of, unexamined, weigh
from handlers.lora.exam.standing import Standing, standing_of
from handlers.lora.exam.variants import is_variant, words_of

NAMED = 5


@dataclass(frozen=True, slots=True)
class Paper:
    """What an adapter is asked. `earlier`: looks at these questions before this one.

    `left_out`: (file:line, why) of rows that do not count. `wrong_rows`: digests of sealed rows
    that stood in the exam before and count as wrong; of these `burnt` are taught now, the others
    changed or gone. `retaught`, `contradicted`: rows that allow no DEPLOY while they stand.
    `unexamined`: what is taught and not asked for; `shares`: of what is taught.
    """

    practice: tuple[Question, ...] = ()
    sealed: tuple[Question, ...] = ()
    earlier: tuple[Look, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    burnt: tuple[tuple[str, str], ...] = ()
    wrong_rows: tuple[str, ...] = ()
    retaught: tuple[str, ...] = ()
    contradicted: tuple[tuple[str, str], ...] = ()
    unexamined: tuple[str, ...] = ()
    weights: Weights = field(default_factory=lambda: Weights({}, 0.0))
    shares: Shares = field(default_factory=dict)

    @property
    def held_out(self) -> bool:
        """Whether anything is asked that was not taught."""
        return bool(self.practice or self.sealed)

    @property
    def rows(self) -> float:
        """How many equal sealed rows are worth as much, those that are wrong unasked among them."""
        return self.weights.rows

    @property
    def lost(self) -> float:
        """How many of those are wrong unasked."""
        return self.weights.rows * self.weights.lost

    @property
    def stock(self) -> Stock:
        """What further sealed rows would be worth."""
        return Stock(self.shares, Counter(item.stratum for item in self.sealed))

    def share(self, right: Collection[str]) -> float:
        """The weighed share of the sealed part, of which these questions are right (digests)."""
        return sum(self.weights.of[digest] for digest in right)

    @property
    def wrong(self) -> int:
        """Sealed rows that count as wrong without being asked."""
        return len(self.wrong_rows)

    @property
    def gone(self) -> int:
        """How many of those are not in the exam any more, or changed."""
        return self.wrong - len(self.burnt)

    def digest(self, threshold: float) -> str:
        """What is asked of the sealed part, and what for: with another threshold it tells more."""
        asked = sorted(item.digest for item in self.sealed)
        wrong = self.wrong_rows or 0
        return hashlib.sha256(repr((asked, wrong, threshold)).encode()).hexdigest()[:16]

    def reasons(self) -> list[str]:
        """What allows no DEPLOY, however good the rest is."""
        made = []
        if self.retaught:
            made.append(
                f"the adapter was trained on exam goals, which do not count: {_some(self.retaught)}"
            )
        made += [
            f"the exam contradicts the examples: {where}: {why}" for where, why in self.contradicted
        ]
        if self.unexamined and self.held_out:
            made.append(f"taught, and asked for by no exam row: {', '.join(self.unexamined)}")
        return made

    def notes(self) -> list[str]:
        """What does not count, and why, row by row."""
        made = [f"{where}: does not count: {why}" for where, why in self.left_out]
        made += [
            f"{where}: burnt: it stood in the exam before, and {why}; it counts as wrong"
            for where, why in self.burnt
        ]
        if self.gone:
            rows = "1 sealed row" if self.gone == 1 else f"{self.gone} sealed rows"
            made.append(
                f"{rows} of the exam that adapters were scored with before, here or in a project"
                " that shares it: changed or gone, and wrong by that; put back they count again, an"
                " exam of new rows alone begins anew"
            )
        return made


def set_paper(
    dataset: Dataset,
    *,
    taught: Sequence[str] = (),
    looks: Sequence[Look] = (),
    vectors: Vectors | None = None,
    shown: Sequence[str] = (),
) -> Paper:
    """The exam of a project for an adapter that was trained on `taught` goals as well.

    `looks`: all earlier scorings; `vectors`: sentence vectors to compare goals by, None to go by
    words; `shown`: goals whose plans everybody sees, as those of the mission.
    """
    rows = [question_of(row) for row in dataset.exam]
    near = dict(Taught(dataset.train, taught, vectors).near(rows))
    seen = {template(goal) for goal in shown}
    for item in rows:
        if template(item.row.goal) in seen and item.digest not in near:
            near[item.digest] = Near("is a goal of the mission, whose plan is shown")
    before = standing_of(rows, looks)
    dropped = [(item, near[item.digest]) for item in rows if item.digest in near]
    kept = [item for item in rows if item.digest not in near]
    known = [(item.row.where, why) for item in kept if (why := _not_unseen(item, before))]
    counted, repeated = _once([item for item in kept if not _not_unseen(item, before)], before)
    practice = [item for item in counted if not item.sealed]
    sealed = [item for item in counted if item.sealed]
    shares = shares_of(dataset.train)
    wrong = dict(before.gone)
    wrong |= {item.digest: item.mark for item, _ in dropped if item.digest in before.known}
    return Paper(
        practice=tuple(practice),
        sealed=tuple(sealed),
        earlier=before.taken,
        left_out=(
            *_places(dropped, lambda item, why: _is_fresh(item, why, before)),
            *known,
            *repeated,
        ),
        burnt=_places(dropped, lambda item, _: item.digest in before.known),
        wrong_rows=tuple(sorted(wrong)),
        retaught=tuple(item.row.where for item, why in dropped if why.retaught),
        contradicted=_places(dropped, lambda _, why: why.contradicts),
        unexamined=tuple(unexamined(dataset.train, counted, sealed)),
        weights=weigh(sealed, shares, [mark.stratum for mark in wrong.values()]),
        shares=shares,
    )


def _not_unseen(item: Question, before: Standing) -> str:
    """Why a question that nothing taught is no unseen one all the same."""
    if project := before.left.get(item.digest):
        return f"is left over from the exam of {project}, of which more is missing here"
    if before.replaces(item):
        return "takes the place of a row that stood in the exam before, which counts as wrong"
    return ""


def _is_fresh(item: Question, why: Near, before: Standing) -> bool:
    return item.digest not in before.known and not why.contradicts


def _places(
    dropped: Sequence[tuple[Question, Near]], wanted: Callable[[Question, Near], bool]
) -> tuple[tuple[str, str], ...]:
    """(file:line, why) of some of the questions that are too near."""
    return tuple((item.row.where, near.why) for item, near in dropped if wanted(item, near))


def _once(
    questions: Sequence[Question], before: Standing
) -> tuple[list[Question], list[tuple[str, str]]]:
    """One question of each cluster and its variants, in their order, and (file:line, why) of the
    others: the one that stood in the exam before, else the shortest, else by its hash.
    """
    chosen: dict[str, Question] = {}
    like: defaultdict[object, list[tuple[Question, tuple[str, ...]]]] = defaultdict(list)
    others: dict[str, str] = {}

    def order(item: Question) -> tuple[bool, int, str]:
        return item.digest not in before.known, len(words_of(item.row.goal)), item.digest

    for item in sorted(questions, key=order):
        if same := chosen.get(item.cluster):
            others[item.row.where] = f"asks the same as {same.row.where}, but for numbers"
            continue
        words, alike = words_of(item.row.goal), like[item.row.shape, item.row.image_sha256]
        if near := next((other for other, said in alike if is_variant(words, said)), None):
            others[item.row.where] = f"asks {near.row.where} in nearly the same words"
            continue
        chosen[item.cluster] = item
        alike.append((item, words))
    kept = [item for item in questions if item.row.where not in others]
    return kept, [(item.row.where, others[item.row.where]) for item in questions
                  if item.row.where in others]  # fmt: skip


def _some(places: Sequence[str]) -> str:
    more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
    return ", ".join(places[:NAMED]) + more
