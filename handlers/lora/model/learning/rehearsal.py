"""Training on a part of the rows, to see how it does on the rest.

Of every plan with two phrasings one is held back, and of every few plans all phrasings, as if they
had never been taught. What comes of both, of pairs of held-back goals and of foreign phrases says
how many epochs are enough, which familiarity is too little, and how often plans of a score are
right. Few rows are rehearsed several times, because a handful of answers says little.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from handlers.lora.model.answers.answer import Answer, Looked, look
from handlers.lora.model.answers.matching import Matcher
from handlers.lora.model.encoders.base import Encoder, torch
from handlers.lora.model.learning.confidence import fit_curve
from handlers.lora.model.learning.familiarity import (
    familiarity,
    fit_probe,
    threshold,
    with_openings,
)
from handlers.lora.model.learning.fit import Epoch, Lesson, Pace, best, fit
from handlers.lora.model.learning.foreign import foreign_goals
from handlers.lora.model.learning.gate import Gate
from handlers.lora.model.learning.known import Known, learned, lesson_of
from handlers.lora.model.lora import attach, detach
from handlers.lora.model.rows import Row
from handlers.lora.model.text import read
from handlers.project.library import ActionLibrary

ROWS = 256
"""About so many rows are trained on in all rehearsals together, ..."""
MOST = 3
"""... in so many rehearsals at most."""
FOREIGN_FOLDS = 4
"""Of the foreign phrases one in so many is held back."""
UNTAUGHT = 5
"""Of every so many plans one is held back whole, with all of its phrasings."""
PAIRS = 24
PATIENCE = 3
_JOINED = (
    "{0} then {1}",
    "{1} after you {0}",
    "{0} and {1}",
    "before you {1}, {0}",
    "{0}, {1}",
)


class Rehearsed(NamedTuple):
    """How many epochs were enough, what was seen of them, and the gates of the adapted and of the
    plain encoder.
    """

    epochs: int
    curve: tuple[Epoch, ...]
    trained: Gate
    untrained: Gate


class _Split(NamedTuple):
    """Rows to learn from, other phrasings of their plans, and goals whose plans are not taught."""

    kept: list[Row]
    held: list[Row]
    untaught: list[Row]


class _Seen(NamedTuple):
    """How held-back goals were answered: familiarities, and scores with whether they were right."""

    good: list[float]
    foreign: list[float]
    scores: list[float]
    right: list[bool]


def rehearse(
    encoder: Encoder,
    rows: Sequence[Row],
    library: ActionLibrary,
    rank: int,
    pace: Pace,
    report: Callable[[int, Epoch], None] = lambda _number, _epoch: None,
) -> Rehearsed:
    """Train on parts of the rows and look at the rest. As long as training on about ROWS rows.

    Where no plan has two phrasings nothing is held back but some plans and foreign phrases.
    """
    trained, untrained = _nothing_seen(), _nothing_seen()
    curves: list[list[Epoch]] = []
    strange = None
    for number, split in enumerate(_splits(rows)):
        known = learned(split.kept, library)
        inputs = known.inputs(encoder)
        ask = _Asker(library, split, number)
        if strange is None and not known.images:
            strange = with_openings(encoder, foreign_goals())  # the same before each training
        ask.all(encoder, known, inputs, strange, untrained)
        adapted = attach(encoder, rank, pace.seed)
        try:
            held = _validation(encoder, known, split)
            lesson = lesson_of(known, inputs, encoder, pace.seed)
            wanted = replace(pace, patience=PATIENCE)
            if known.has_twins:
                curves.append(fit(encoder, adapted, lesson, wanted, held, report))
            moved = None if known.images else with_openings(encoder, foreign_goals())
            ask.all(encoder, known, inputs, moved, trained)
        finally:
            detach(encoder, adapted)
    enough = [best(curve) + 1 for curve in curves]
    epochs = sorted(enough)[len(enough) // 2] if enough else pace.epochs
    curve = tuple(curves[0]) if curves else ()
    return Rehearsed(epochs, curve, _gate(trained), _gate(untrained))


def _splits(rows: Sequence[Row]) -> Iterator[_Split]:
    plans: dict[Any, list[Row]] = {}
    for row in rows:
        key = tuple((s.action, tuple(sorted(s.parameters.items()))) for s in row.actions)
        plans.setdefault(key, []).append(row)
    groups = list(plans.values())
    twins = any(len(group) > 1 for group in groups)
    many = max(1, min(MOST, round(ROWS / len(rows)))) if twins else 1
    for number in range(many):
        split = _Split([], [], [])
        for index, group in enumerate(groups):
            if len(groups) > UNTAUGHT and index % UNTAUGHT == number:
                split.untaught.extend(group)
                continue
            out = number % len(group) if len(group) > 1 else -1
            split.held.extend(row for at, row in enumerate(group) if at == out)
            split.kept.extend(row for at, row in enumerate(group) if at != out)
        if split.kept:
            yield split


def _validation(encoder: Encoder, known: Known, split: _Split) -> Lesson | None:
    """The held-back phrasings, with the numbers of their plans."""
    pairs = [(row, known.label(row)) for row in split.held]
    rows = [row for row, label in pairs if label is not None]
    if not rows:
        return None
    inputs = encoder.inputs([read(row.goal).spoken for row in rows], [r.image_path for r in rows])
    return Lesson(inputs, torch().tensor([label for _, label in pairs if label is not None]))


@dataclass(frozen=True)
class _Asker:
    """Asks what was held back of a split, the same before and after training."""

    library: ActionLibrary
    split: _Split
    number: int

    def all(
        self, encoder: Encoder, known: Known, inputs: Sequence[Any], strange: Any, seen: _Seen
    ) -> None:
        """Note how it goes with the encoder as it is now. `strange` [M, 2 width]: foreign phrases;
        None with images, which those have not.
        """
        with torch().no_grad():
            vectors = encoder.forward(inputs).cpu()
        matcher = Matcher(encoder, known.entries, vectors, known.repeats, self.library.names)
        probe = None
        if strange is not None:
            away = torch().arange(len(strange)) % FOREIGN_FOLDS == self.number % FOREIGN_FOLDS
            taught = known.taught(vectors)
            whole = torch().stack([vector for _, vector in taught])
            met = with_openings(encoder, [text.spoken for text, _ in taught], whole)
            probe = fit_probe(met, strange[~away])
            seen.foreign.extend(familiarity(strange[away], matcher.vectors, probe).tolist())
        held = self.split.held if known.images else [*self.split.held, *self._pairs()]
        good = [(_look(matcher, probe, row), row) for row in held]
        others = [(_look(matcher, probe, row), row) for row in self.split.untaught]
        seen.good.extend(looked.answer().familiarity for looked, _ in good)
        familiar = threshold(seen.good, seen.foreign)
        for looked, row in (*good, *others):
            _note(seen, looked.answer(familiar), row.actions)

    def _pairs(self) -> list[Row]:
        return _pairs(self.split.held, self.number)


def _pairs(rows: Sequence[Row], number: int) -> list[Row]:
    """Two held-back goals as one, to see how well goals are put together."""
    short = [row for row in rows if len(row.actions) <= 3]
    if len(short) < 2:
        return []
    draw = random.Random(number)
    made = []
    for index in range(min(PAIRS, len(short))):
        one, two = draw.sample(short, 2)
        goal = _JOINED[index % len(_JOINED)].format(one.goal, two.goal)
        made.append(Row(goal, (*one.actions, *two.actions), "pattern", ""))
    return made


def _look(matcher: Matcher, probe: Any, row: Row) -> Looked:
    return look(matcher, probe, read(row.goal), row.image_path)


def _note(seen: _Seen, got: Answer, wanted: Sequence[Any]) -> None:
    right = [step["action"] for step in got.steps] == [step.action for step in wanted]
    if got.scores:  # the least sure piece decides
        seen.scores.append(min(got.scores))
        seen.right.append(right)


def _nothing_seen() -> _Seen:
    return _Seen([], [], [], [])


def _gate(seen: _Seen) -> Gate:
    return Gate(threshold(seen.good, seen.foreign), [], fit_curve(seen.scores, seen.right))
