"""Questions that are too near to what was taught: whoever remembers answers them.

A question is near when an example has its template and picture (the same words but for politeness,
filler and numbers), when it is an example with slips, in another order or with words put on
(variants.py), or when an example with the same actions lies closer to it than examples of one plan
lie to each other: cosine of frozen sentence vectors, over a bound that the examples give
themselves. For each example the nearest of another wording with the same actions is looked for; the
bound is what one in twenty of these pairs exceeds, from FLOOR to CEILING. Only the same actions are
compared, because "turn left" and "turn right" are as close as two goals can be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.goals.normal import normal_form, template
from handlers.lora.exam.questions import Question, question_of
from handlers.lora.exam.variants import holds, words_of
from handlers.lora.model.rows import Row

FLOOR, USUAL, CEILING = 0.9, 0.95, 0.99
"""The least and the largest bound, and that where too few examples have a sibling to tell."""
FEWEST = 20
RARE = 0.05

Vectors = Callable[[Sequence[str]], Any]
"""Texts -> unit vectors, an array [N, D], that no training changes."""


@dataclass(frozen=True, slots=True)
class Near:
    """What a question is near to. `retaught`: the adapter learned it from an example that has gone.
    `contradicts`: the same goal has another plan there.
    """

    why: str
    retaught: bool = False
    contradicts: bool = False


class Taught:
    """What an adapter was taught: examples, and goals that were some when it was trained."""

    def __init__(
        self, rows: Sequence[Row], goals: Sequence[str] = (), vectors: Vectors | None = None
    ) -> None:
        self._questions = [question_of(row) for row in rows]
        self._clusters: dict[str, list[Question]] = {}
        for known in self._questions:
            self._clusters.setdefault(known.cluster, []).append(known)
        templates = {template(row.goal) for row in rows}
        self._gone = {template(goal) for goal in goals} - templates
        self._vectors = vectors
        self._words: dict[object, list[tuple[Question, tuple[str, ...]]]] = {}
        for known in self._questions:
            like = known.row.shape, known.row.image_sha256
            self._words.setdefault(like, []).append((known, words_of(known.row.goal)))

    def near(self, questions: Sequence[Question]) -> Mapping[str, Near]:
        """What each question is too near to, by digest; the others are left out."""
        found = {item.digest: self._in_words(item) for item in questions}
        open_ones = [item for item in questions if found[item.digest] is None]
        found |= self._in_meaning(open_ones)
        return {digest: near for digest, near in found.items() if near is not None}

    def _in_words(self, asked: Question) -> Near | None:
        if known := self._clusters.get(asked.cluster):
            form = normal_form(asked.row.goal)
            same = [item for item in known if normal_form(item.row.goal) == form]
            where = (same or known)[0].row.where
            if any(item.row.plan != asked.row.plan for item in same):
                return Near(f"{where} gives the same goal other steps", contradicts=True)
            return Near(
                f"says the same as {where}" if same else f"differs from {where} in numbers alone"
            )
        if asked.row.image_sha256 is None and template(asked.row.goal) in self._gone:
            return Near("was an example when the adapter was trained", retaught=True)
        words = words_of(asked.row.goal)
        for item, said in self._of_like(asked):
            if holds(words, said):
                return Near(f"says {item.row.where} in nearly the same words")
        return None

    def _of_like(self, asked: Question) -> Sequence[tuple[Question, tuple[str, ...]]]:
        """The examples with the actions and the picture of a question, with their words."""
        return self._words.get((asked.row.shape, asked.row.image_sha256), ())

    def _in_meaning(self, questions: Sequence[Question]) -> dict[str, Near | None]:
        """By vectors. Pictures are not compared: the same words may mean another thing there."""
        asked = [item for item in questions if item.row.image_sha256 is None]
        known = [item for item in self._questions if item.row.image_sha256 is None]
        if self._vectors is None or not asked or not known:
            return {}
        texts = [template(item.row.goal) for item in (*known, *asked)]
        vectors = self._vectors(texts)
        taught = vectors[: len(known)]
        bound = calibrated(taught, known)
        cosines = vectors[len(known) :] @ taught.T
        found: dict[str, Near | None] = {}
        for item, row in zip(asked, cosines, strict=True):
            alike = [at for at, other in enumerate(known) if other.row.shape == item.row.shape]
            best = max(alike, key=lambda at: float(row[at]), default=None)
            if best is not None and float(row[best]) > bound:
                where = known[best].row.where
                found[item.digest] = Near(
                    f"is all but {where} (cosine {float(row[best]):.2f}, over {bound:.2f})"
                )
        return found


def calibrated(vectors: Any, known: Sequence[Question]) -> float:
    """The cosine over which a question is an example in disguise.

    `vectors` [N, D]: of the N examples. What one in twenty of the nearest pairs of one plan in
    different wordings exceeds, from FLOOR to CEILING; USUAL where fewer than FEWEST have such a
    sibling.
    """
    plans: dict[tuple[str, ...], list[int]] = {}
    for index, item in enumerate(known):
        plans.setdefault(item.row.shape, []).append(index)
    nearest: list[float] = []
    for members in plans.values():
        if len(members) < 2:
            continue
        own = vectors[members]
        cosines = own @ own.T
        for at, index in enumerate(members):
            others = [
                float(cosines[at, other])
                for other, sibling in enumerate(members)
                if known[sibling].cluster != known[index].cluster
            ]
            if others:
                nearest.append(max(others))
    if len(nearest) < FEWEST:
        return USUAL
    rank = sorted(nearest)[min(len(nearest) - 1, int((1 - RARE) * len(nearest)))]
    return min(CEILING, max(FLOOR, rank))
