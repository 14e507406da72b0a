"""A row of the exam, or of the examples, as a question: its kind, its part, its identity.

Rows with one template (the normal form with "#" for numbers) and one picture are one question.
Which part a question belongs to is decided by a hash of that, so that it is the same in every copy
of the project, stays when rows are added, and phrasings that differ in politeness or numbers alone
are never on both sides.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from handlers.goals.normal import normal_form, template
from handlers.lora.model.rows import Row, reading

PRACTICE_ONE_IN = 4
"""Of so many questions one is for practice; the others are sealed."""

Kind = Literal["words", "numbers", "compositions"]
Stratum = tuple[Kind, tuple[str, ...]]
_JOINTS = frozenset({"then", "and", "after", "before", "once", "until", "while", "when"})
_DIGITS = 12


class Mark(NamedTuple):
    """What is remembered of a question, as hashes: its words, what it is weighed as, and goal and
    answer as they are written. All are "" where an older log has none.
    """

    cluster: str = ""
    stratum: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A row. `cluster`: shared by rows that are one question. `digest`: of question and answer."""

    row: Row
    cluster: str
    digest: str
    kind: Kind

    @property
    def sealed(self) -> bool:
        return int(self.cluster, 16) % PRACTICE_ONE_IN != 0

    @property
    def stratum(self) -> Stratum:
        """Its kind and the actions of its plan; compositions are one whatever they are made of."""
        return self.kind, () if self.kind == "compositions" else self.row.shape

    @property
    def mark(self) -> Mark:
        row = self.row
        text = _hash("text", " ".join(row.goal.split()), row.plan, row.image_sha256)
        return Mark(self.cluster, hash_of(self.stratum), text)


def question_of(row: Row) -> Question:
    """A row as a question."""
    return Question(row, *_identity(row.goal, row.plan, row.image_sha256, len(row.actions)))


def hash_of(stratum: Stratum) -> str:
    """What is remembered of a stratum."""
    return _hash("stratum", *stratum)


@lru_cache(maxsize=20_000)
def _identity(goal: str, plan: str, image: str | None, steps: int) -> tuple[str, str, Kind]:
    form = normal_form(goal) or reading(goal)
    return (
        _hash("cluster", template(goal) or reading(goal), image),
        _hash("row", form, plan, image),
        _kind(form, steps),
    )


def _kind(form: str, steps: int) -> Kind:
    words = set(form.split())
    if steps > 1 and words & _JOINTS:
        return "compositions"
    return "numbers" if any(word[0].isdigit() for word in words) else "words"


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_DIGITS]
