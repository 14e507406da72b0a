"""What rows teach: entries, and the lesson an encoder is given of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from handlers.lora.model.encoders.base import Encoder, torch
from handlers.lora.model.learning.augment import VIEWS, view
from handlers.lora.model.learning.fit import Lesson
from handlers.lora.model.learning.simplify import simplify
from handlers.lora.model.lexicon import Entry, Plan, learn, name_actions, plan_of
from handlers.lora.model.rows import Row
from handlers.lora.model.text import Text, read
from handlers.project.library import ActionLibrary

ROUNDS = 64
"""After so many epochs the same choices come again."""


@dataclass(frozen=True, slots=True)
class Known:
    """Entries with their pictures, the numbers of their plans, and whether a count repeats a whole
    plan. `images`: at least one row has a picture.
    """

    entries: list[Entry]
    paths: list[Path | None]
    numbers: dict[Plan, int]
    repeats: bool
    images: bool

    def inputs(self, encoder: Encoder) -> list[Any]:
        texts = [entry.text.spoken for entry in self.entries]
        return encoder.inputs(texts, self.paths if self.images else None)

    @property
    def has_twins(self) -> bool:
        """Whether some plan is said in two ways: else nothing says what belongs together."""
        return len(self.numbers) < len(self.entries)

    def label(self, row: Row) -> int | None:
        """The number of a row's plan; None when nothing else has that plan."""
        return self.numbers.get(plan_of(row.actions, read(row.goal)))

    def taught(self, vectors: Any) -> list[tuple[Text, Any]]:
        """Texts and vectors of the entries that were taught as they are."""
        pairs = zip(self.entries, vectors, strict=True)
        return [(entry.text, vector) for entry, vector in pairs if not entry.deduced]


def learned(rows: Sequence[Row], library: ActionLibrary) -> Known:
    """What rows teach. With a picture a row is known as it is: half a goal has no picture."""
    plain = [row for row in rows if row.image is None]
    seen = [row for row in rows if row.image is not None]
    lexicon = learn([(row.goal, row.actions) for row in plain])
    simplify(lexicon, [(row.goal, row.actions) for row in plain])
    name_actions(lexicon, library)
    entries = lexicon.all()
    paths: list[Path | None] = [None] * len(entries)
    for row in seen:
        text = read(row.goal)
        entries.append(Entry(text, plan_of(row.actions, text), goal=row.goal, image=True))
        paths.append(row.image_path or Path(str(row.image)))
    numbers: dict[Plan, int] = {}
    for entry in entries:
        numbers.setdefault(entry.plan, len(numbers))
    return Known(entries, paths, numbers, lexicon.repeats, images=bool(seen))


def lesson_of(
    known: Known, inputs: Sequence[Any], encoder: Encoder, seed: int
) -> Callable[[int], Lesson]:
    """What is shown in each epoch: every entry once, each time said in another way."""
    labels = torch().tensor([known.numbers[entry.plan] for entry in known.entries])
    draw = Random(seed)
    spoken = [entry.text.spoken for entry in known.entries]
    views = [list(inputs)]
    for _ in range(VIEWS - 1):
        texts = [view(text, draw) for text in spoken]
        views.append(encoder.inputs(texts, known.paths if known.images else None))
    chosen = [draw.choices(range(VIEWS), k=len(spoken)) for _ in range(ROUNDS)]

    def lesson(epoch: int) -> Lesson:
        picks = chosen[epoch % ROUNDS]
        return Lesson([views[pick][at] for at, pick in enumerate(picks)], labels)

    return lesson
