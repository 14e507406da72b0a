"""Looking pieces of a goal up among what is known.

What is known word for word is taken as it is. What the reader of goals understands to the last
word ("back up half a meter") is done as it says, unless something taught is nearer still. Any other
piece is compared by meaning (the cosine of adapted vectors) and by spelling.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from handlers.goals.reading import read_goal
from handlers.goals.steps import GoalStep
from handlers.lora.model.answers.directions import (
    as_tensor,
    habit,
    known_ways,
    opposed,
    said,
    turns_round,
    without_leaving,
)
from handlers.lora.model.answers.doubts import COUNTED, unread_tempo
from handlers.lora.model.encoders.base import Encoder, torch
from handlers.lora.model.encoders.light import letters
from handlers.lora.model.learning.familiarity import opening
from handlers.lora.model.learning.fit import SCALE
from handlers.lora.model.lexicon import Action, Entry, Lexicon, Plan, filled
from handlers.lora.model.pieces import clauses
from handlers.lora.model.text import Text, read

LETTERS = 0.1
"""Share of the spelling in a similarity, besides the meaning. Chosen by cross-validation."""
OTHER_SIDE = 0.2
"""What is taken off when one speaks of left and the other does not, or of right."""
OPPOSED = 1.0
"""What is taken off where one goes left and the other right: more than any similarity."""
READ = 0.85
"""What a piece scores that the reader of goals understands to the last word."""
READ_STEPS = 0.92
"""The same for one that it understands as several steps, which neighbours say in other orders."""
MOST_READ = 24
"""So many pieces of a goal are given to it: it takes a millisecond or two for each."""
DEDUCED = 0.1
"""What is taken off where the known piece was only deduced of a goal, or is an action's name."""
SURPLUS = 0.1
"""What is taken off for each clause that a piece has more than the known one: it says more."""
OUT_OF_ORDER = 0.5
"""What is taken off a piece that begins with "before" or "after": it is half of something."""
NEAREST = 3
_ORDER = ("before", "after")


@dataclass(frozen=True, slots=True)
class Match:
    """A piece and what it most likely means. `probability` of its plan among those known."""

    text: Text
    entry: Entry
    score: float
    probability: float
    times: int = 1
    exact: bool = False
    read: tuple[dict[str, Any], ...] | None = None
    """What the reader of goals made of it; None where that is not what it is taken for."""

    @property
    def is_sure(self) -> bool:
        """Whether nothing of it is guessed: known word for word, or read."""
        return self.exact or self.read is not None

    @property
    def steps(self) -> list[dict[str, Any]]:
        """What is to be done: each `{"action": name, parameter: number, ...}`, in SI units."""
        if self.read is not None:
            return [dict(step) for step in self.read]
        return filled(self.entry.plan, self.text) * self.times


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up gives: each span's match, and what the first of them is taken for where it is
    not cut, however many clauses it has; of each text by its key (`keys`) its vector and that of
    its opening [N, width]; and the entries in the order of their nearness to the first span.
    """

    matches: dict[Text, Match]
    whole: Match
    keys: tuple[str, ...]
    vectors: Any
    openings: Any
    order: Any

    def vector_of(self, text: Text) -> Any:
        return self.vectors[self.keys.index(text.key)]

    def seen(self, with_openings: bool) -> Any:
        """[N, width], or [N, 2 width] with the openings."""
        return torch().cat([self.vectors, self.openings], 1) if with_openings else self.vectors


class Matcher:
    """What is known, ready to be looked up in."""

    def __init__(
        self,
        encoder: Encoder,
        entries: Sequence[Entry],
        vectors: Any,
        repeats: bool,
        actions: Collection[str],
    ) -> None:
        """`vectors` [N, width] of the entries, as the encoder gives them now. `actions`: those the
        robot has.
        """
        module = torch()
        self.entries, self.vectors = list(entries), vectors.float()
        self.lexicon = Lexicon(repeats=repeats)
        for entry in entries:
            self.lexicon.entries.setdefault(entry.text.key, []).append(entry)
        numbers: dict[Plan, int] = {}
        self._labels = module.tensor([numbers.setdefault(e.plan, len(numbers)) for e in entries])
        self._numbers, self._plans = numbers, len(numbers)
        self._encoder, self._actions = encoder, frozenset(actions)
        self._letters = letters([entry.text.spoken for entry in entries])
        self._side_numbers: dict[tuple[str, ...], int] = {}
        self._sides = module.tensor([self._side(entry.text) for entry in entries])
        self._ways = as_tensor([known_ways(entry.text, entry.plan) for entry in entries])
        self._clauses = module.tensor([clauses(entry.text) for entry in entries])
        self._deduced = module.tensor([float(entry.deduced) for entry in entries])
        self._habit = habit(entry.plan for entry in entries if entry.goal)
        self._is_goal = module.tensor([bool(e.goal) and not e.image for e in entries])
        self._has_image = module.tensor([entry.image for entry in entries])

    def look_up(self, spans: Sequence[Text], image: Path | None = None) -> Found:
        """Pieces of one goal, the first of them the whole of it."""
        plain = {span: span.without("n") for span in spans} if self.lexicon.repeats else {}
        texts = {text.key: text for text in [*spans, *plain.values()] if text.words}
        spoken = [text.spoken for text in texts.values()]
        asked = [*spoken, *map(opening, spoken)]
        both = self._encoder.encode(asked, [image] * len(asked) if image else None)
        vectors, openings = both[: len(spoken)], both[len(spoken) :]
        meaning = vectors @ self.vectors.T
        share = 0.0 if image else LETTERS
        scores = (1 - share) * meaning + share * (letters(spoken) @ self._letters.T)
        scores -= self._against(list(texts.values())) + DEDUCED * self._deduced
        if image is None:
            scores[:, self._has_image] = -1.0
        rows = {key: row for row, key in enumerate(texts)}
        whole = self._match(spans[0], plain.get(spans[0]), rows, scores, image)
        scores = scores - SURPLUS * self._surplus(list(texts.values()))
        matches = {span: self._match(span, plain.get(span), rows, scores, image) for span in spans}
        if image is None:
            for span in [span for span in spans if not matches[span].exact][:MOST_READ]:
                matches[span] = self._read(span, matches[span], span == spans[0])
        order = meaning[0].argsort(descending=True)
        return Found(matches, whole, tuple(texts), vectors, openings, order)

    def nearest(self, order: Any) -> tuple[str, ...]:
        """The nearest goals that were taught, as they were written."""
        goals = (self.entries[index].goal for index in order.tolist())
        return tuple(islice(dict.fromkeys(goal for goal in goals if goal), NEAREST))

    def opposed(self, match: Match, vector: Any) -> tuple[str, float]:
        """The taught goal that a piece with this vector is nearest to, where that goes the other
        way, else ""; and by how much it is nearer than what the piece is taken for.
        """
        near = vector @ self.vectors.T
        best = int(near.masked_fill(~self._is_goal, -1.0).argmax())
        if not opposed(as_tensor([said(match.text)]), self._ways[best])[0]:
            return "", 0.0
        own = near[self._labels == self._numbers[match.entry.plan]].max()
        return self.entries[best].goal, float(near[best] - own)

    def taught(self, plan: Plan) -> list[int]:
        """The places in `entries` of the goals that were taught with a plan."""
        return [at for at, entry in enumerate(self.entries) if entry.goal and entry.plan == plan]

    def nearest_taught(self, text: Text) -> tuple[Plan, float]:
        """The plan of the taught goal that a text is nearest to, and their cosine."""
        near = (self._encoder.encode([text.spoken]) @ self.vectors.T)[0].tolist()
        goals = [at for at, entry in enumerate(self.entries) if entry.goal and not entry.image]
        best = max(goals, key=near.__getitem__)
        return self.entries[best].plan, near[best]

    def _against(self, texts: Sequence[Text]) -> Any:
        """[len(texts), N] what is taken off a similarity for going another way."""
        module = torch()
        sides = module.tensor([self._side(text) for text in texts])
        other_side = sides[:, None] != self._sides[None]
        half = module.tensor([[text.words[0] in _ORDER] for text in texts])
        ways = as_tensor([said(text) for text in texts])
        is_opposed = opposed(ways[:, None], self._ways[None])
        return OTHER_SIDE * other_side + OPPOSED * is_opposed + OUT_OF_ORDER * half

    def _surplus(self, texts: Sequence[Text]) -> Any:
        """[len(texts), N] by how many clauses each says more than what is known."""
        counts = torch().tensor([clauses(text) for text in texts])
        return (counts[:, None] - self._clauses[None]).clamp(min=0)

    def _side(self, text: Text) -> int:
        """The number of the sides that a text speaks of, in their order."""
        return self._side_numbers.setdefault(_sides(text), len(self._side_numbers))

    def _match(
        self, span: Text, plain: Text | None, rows: dict[str, int], scores: Any, image: Path | None
    ) -> Match:
        exact = self._exact(span, image)
        if exact is not None:
            return Match(span, exact, 1.0, 1.0, exact=True)
        times = _count(span) if plain is not None else 0
        if plain is not None and times and plain.words:
            exact = self._exact(plain, image)
            if exact is not None:
                return Match(plain, exact, 1.0, 1.0, times, exact=True)
            span = plain
        module = torch()
        row = scores[rows[span.key]]
        best = self._as_taught(int(row.argmax()), row)
        plans = module.full((self._plans,), -9.0).scatter_reduce(0, self._labels, row, "amax")
        probability = float(module.softmax(plans * SCALE, 0).max())
        return Match(span, self.entries[best], float(row[best]), probability, max(1, times))

    def _as_taught(self, best: int, row: Any) -> int:
        """The place of the entry that tells the amounts: of a part or an action's name the nearest
        goal that was taught with the same actions, unless it is much less like it.
        """
        actions = [action.name for action in self.entries[best].plan]
        same = [
            at
            for at, entry in enumerate(self.entries)
            if entry.goal and [action.name for action in entry.plan] == actions
        ]
        if not self.entries[best].deduced or not same:
            return best
        taught = max(same, key=lambda at: float(row[at]))
        return taught if row[taught] >= row[best] - DEDUCED else best

    def _read(self, span: Text, match: Match, is_whole: bool) -> Match:
        """The piece as the reader of goals has it, where that is sure and nothing is nearer, or
        what is nearer is not done as fast as the piece says. Half of something is not read: what
        begins with "before" or "after" is the whole goal, or cut in the wrong place.
        """
        near = -1.0 if unread_tempo(span, match.entry.text, match.steps) else match.score
        if near >= READ_STEPS or (span.words[0] in _ORDER and not is_whole):
            return match
        reading = read_goal(span.written, actions=self._actions)
        worth = READ_STEPS if len(reading.steps) > 1 else READ
        if reading.doubts or not reading.steps or near >= worth:
            return match
        plan = tuple(self._as_said(step) for step in reading.steps)
        steps = tuple({"action": action.name, **dict(action.parameters)} for action in plan)
        return Match(span, Entry(span, plan, deduced=True), worth, 1.0, read=steps)

    def _as_said(self, step: GoalStep) -> Action:
        """A step that was read, by as much as was taught where it does not say by how much."""
        name, values = self._to_side(step), step.parameters
        unsaid = {} if any(key in values for key in COUNTED) else self._unsaid.get(name, {})
        return Action(name, tuple({**unsaid, **values}.items()))

    @cached_property
    def _unsaid(self) -> dict[str, dict[str, float]]:
        """Action -> its amounts where none is said: those of the examples that name actions and
        nothing else ("go ahead" is 1 m), if all of them have the same.
        """
        found: dict[str, set[tuple[tuple[str, float], ...]]] = {}
        for entry in self.entries:
            if not entry.goal or entry.image or entry.text.quantities:
                continue
            reading = read_goal(entry.text.written, actions=self._actions)
            steps = filled(entry.plan, entry.text)
            said = [self._to_side(step) for step in reading.steps if not step.parameters]
            if reading.doubts or said != [step["action"] for step in steps]:
                continue
            for step in steps:
                name = step.pop("action")
                found.setdefault(name, set()).add(tuple(sorted(step.items())))
        return {name: dict(*amounts) for name, amounts in found.items() if len(amounts) == 1}

    def _to_side(self, step: GoalStep) -> str:
        """The action of a step; of one that turns round to no side in particular, to the side to
        which it was taught to turn round.
        """
        action = f"{step.action.removesuffix('_left').removesuffix('_right')}_{self._habit}"
        is_open = turns_round(step.parameters) and "side" not in said(read(step.words))
        return action if is_open and action in self._actions else step.action

    def _exact(self, text: Text, image: Path | None) -> Entry | None:
        """What is known of these very words: where pictures tell, words alone do not."""
        group = self.lexicon.entries.get(text.key, [])
        if any(entry.image for entry in group) and image is not None:
            return None
        return min(
            (entry for entry in group if not entry.image),
            key=lambda entry: entry.deduced,
            default=None,
        )


def _count(text: Text) -> int:
    if text.words and text.words[-1] == "#n":
        return int(min(max(round(text.quantities[-1].value), 1), 10))
    return 0


def _sides(text: Text) -> tuple[str, ...]:
    """The sides a text speaks of, in order: left, right, left is another way than the reverse."""
    words = without_leaving(text.words)
    sides = [word[:4] for word in words if word.startswith(("left", "right"))]
    return tuple(side for index, side in enumerate(sides) if side not in sides[index - 1 : index])
