"""What pieces of goals mean: plans with places for numbers, learned from examples.

Whole goals are entries. From goals made of several pieces the meaning of each piece is deduced
where the rest is known: "look twice after walk left" with both actions at hand says what "look" is.
So a goal nobody has seen can be put together of pieces that somebody has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handlers.goals.words.units import Kind
from handlers.lora.model.pieces import orders
from handlers.lora.model.text import BREAKS, Quantity, Text, read
from handlers.project.formats.examples import Step
from handlers.project.library import ActionLibrary

PARAMETER: Mapping[str, Kind] = {
    "distance_m": "m",
    "rotation_rad": "rad",
    "duration_s": "s",
    "repeat": "n",
    "speed": "speed",
}
NEAR = 2e-3
ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter that is copied from the goal: its `index`-th quantity (of all kinds)."""

    index: int


@dataclass(frozen=True, slots=True)
class Action:
    """An action of a plan; a parameter is a number, or a Slot."""

    name: str
    parameters: tuple[tuple[str, float | Slot], ...] = ()


Plan = tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A piece of text and its plan. `goal`: what was taught, as it was written; "" for one that was
    deduced from longer goals or is the name of an action. `image`: it was taught with a picture,
    and means this with that picture alone.
    """

    text: Text
    plan: Plan
    deduced: bool = False
    goal: str = ""
    image: bool = False


@dataclass(slots=True)
class Lexicon:
    """Entries by their words. `repeats`: a count repeats the whole plan instead of an action."""

    entries: dict[str, list[Entry]] = field(default_factory=dict)
    repeats: bool = False

    def all(self) -> list[Entry]:
        return [entry for group in self.entries.values() for entry in group]

    def exact(self, text: Text) -> Entry | None:
        """The entry of exactly these words; one taught as it is before one deduced."""
        group = self.entries.get(text.key)
        return min(group, key=lambda entry: entry.deduced) if group else None

    def add(self, entry: Entry) -> bool:
        """Add an entry unless one with its words and its plan is there."""
        group = self.entries.setdefault(entry.text.key, [])
        if any(known.plan == entry.plan for known in group):
            return False
        if entry.deduced and group:
            return False
        group.append(entry)
        return True


def plan_of(steps: Iterable[Step], text: Text) -> Plan:
    """A plan whose numbers are copied from the text wherever they stand in it."""
    free = list(range(len(text.quantities)))
    plan = []
    for step in steps:
        parameters: list[tuple[str, float | Slot]] = []
        for name, value in step.parameters.items():
            index = _matching(text.quantities, free, PARAMETER.get(name), float(value))
            if index is not None:
                free.remove(index)
                parameters.append((name, Slot(index)))
            else:
                parameters.append((name, float(value)))
        plan.append(Action(step.action, tuple(parameters)))
    if plan and any(text.quantities[index].kind == "n" for index in free):
        plan[0] = _once(plan[0])
    return tuple(plan)


def _once(action: Action) -> Action:
    """An action of a goal whose count is a word of it ("between the two heaps"): done once."""
    if any(name == "repeat" for name, _ in action.parameters):
        return action
    return Action(action.name, (*action.parameters, ("repeat", 1.0)))


def _matching(
    quantities: Sequence[Quantity], free: Sequence[int], kind: Kind | None, value: float
) -> int | None:
    for index in free:
        quantity = quantities[index]
        if quantity.kind == kind and abs(quantity.value - value) < NEAR * max(1.0, abs(value)):
            return index
    return None


def filled(plan: Plan, text: Text) -> list[dict[str, Any]]:
    """The plan with the text's numbers; a slot takes the next number of its kind."""
    given: dict[Kind, list[float]] = {}
    for quantity in text.quantities:
        given.setdefault(quantity.kind, []).append(quantity.value)
    used: dict[Kind, int] = dict.fromkeys(given, 0)
    made: list[dict[str, Any]] = []
    for action in plan:
        values: dict[str, Any] = {"action": action.name}
        for name, value in action.parameters:
            if not isinstance(value, Slot):
                values[name] = value
                continue
            kind = PARAMETER[name]
            numbers = given.get(kind, [])
            if used.get(kind, 0) < len(numbers):
                values[name] = numbers[used[kind]]
                used[kind] += 1
        made.append(values)
    _spread(made, given, used, len(made) == 1 or _says_how_often(text))
    for values in made:
        if values.get("repeat") == 1.0:
            del values["repeat"]
    return made


def _says_how_often(text: Text) -> bool:
    """Whether the last count of a text stands by itself ("jump twice, then sit"): "the two heaps"
    and "three doors" are no number of times.
    """
    at = max((index for index, word in enumerate(text.words) if word == "#n"), default=-1)
    after = text.words[at + 1 : at + 2]
    ends = not after or after[0] in BREAKS or after[0].startswith("#")
    return at >= 0 and ends and text.words[max(at - 1, 0)] != "the"


def _spread(
    made: list[dict[str, Any]],
    given: Mapping[Kind, list[float]],
    used: dict[Kind, int],
    may_repeat: bool,
) -> None:
    """Numbers that no slot took go to the first actions whose number was a mere habit."""
    for name, kind in PARAMETER.items():
        left = given.get(kind, [])
        takers = [values for values in made if name in values]
        if name == "repeat":  # "turn left 90" is not to be done ninety times
            left = [number for number in left if number in range(1, 11)]
            # else it has said so
            takers = [values for values in made[:1] if name not in values] if may_repeat else []
        if used.get(kind, 0):
            continue
        for values, number in zip(takers, left, strict=False):
            values[name] = number


def learn(rows: Iterable[tuple[str, Sequence[Step]]]) -> Lexicon:
    """The lexicon of examples: (goal, steps)."""
    lexicon = Lexicon()
    puzzles = []
    votes = [0, 0]  # examples in which a count is a parameter, and in which it repeats the plan
    for goal, steps in rows:
        text = read(goal)
        entry = Entry(text, plan_of(steps, text), goal=goal)
        votes[0] += any(isinstance(dict(act.parameters).get("repeat"), Slot) for act in entry.plan)
        lexicon.add(entry)
        ways = [order for order in orders(text) if len(order) > 1 or _count(order[0])]
        if ways:
            puzzles.append((ways, tuple(steps)))
    for _ in range(ROUNDS):
        found = False
        for ways, steps in puzzles:
            for order in ways:
                found |= _deduce(lexicon, order, steps, votes)
        if not found:
            break
    lexicon.repeats = votes[1] > votes[0]
    return lexicon


def name_actions(lexicon: Lexicon, library: ActionLibrary) -> None:
    """Teach the names of the library's actions, where no example says what they mean."""
    for name in library.names:
        kind = library.spec(name).kind
        words = name.replace("precision_", "precisely ").replace("_", " ")
        for amount, parameter in _AMOUNTS.get(kind, ()):
            text = read(words + amount)
            if text.words and text.key not in lexicon.entries:
                slots = ((parameter, Slot(0)),) if parameter else ()
                lexicon.add(Entry(text, (Action(name, slots),), deduced=True))


_AMOUNTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "gait": (("", ""), (" 2 meters", "distance_m"), (" for 2 seconds", "duration_s")),
    "turn": (("", ""), (" 30 degrees", "rotation_rad")),
    "pose": (("", ""), (" for 2 seconds", "duration_s")),
}


def _count(piece: Text) -> int:
    """How often a piece is to be done, as it says itself; 0 when it does not say."""
    counts = [quantity.value for quantity in piece.quantities if quantity.kind == "n"]
    whole = counts and counts[-1] == int(counts[-1]) and 1 <= counts[-1] <= 10
    return int(counts[-1]) if whole and piece.words[-1] == "#n" else 0


def _deduce(
    lexicon: Lexicon, order: Sequence[Text], steps: Sequence[Step], votes: list[int]
) -> bool:
    """Learn the pieces of one goal as far as its steps tell; whether anything was new."""
    bare = [piece.without("n") if _count(piece) else piece for piece in order]
    if len(order) == 1:  # a whole goal: it is known itself, so what it repeats is asked for
        if not {"after", "before"}.isdisjoint(order[0].words) or "#n" in bare[0].words:
            return False  # the count is that of a part
        known = [_known(lexicon, bare[0], bare[0])]
    else:
        known = [_known(lexicon, piece, plain) for piece, plain in zip(order, bare, strict=True)]
    unknown = {plain.key for plain, steps_of in zip(bare, known, strict=True) if steps_of is None}
    if len(unknown) == 1:
        return _solve(lexicon, order, bare, known, steps, votes)
    if len(unknown) > 1 and len(order) == len(steps):
        return _align(lexicon, order, steps)
    return False


def _known(lexicon: Lexicon, piece: Text, plain: Text) -> list[dict[str, Any]] | None:
    """The steps a piece stands for, its count included; None when it is not known."""
    entry = lexicon.exact(piece)
    if entry is not None:
        return filled(entry.plan, piece)
    entry = lexicon.exact(plain) if plain is not piece else None
    return filled(entry.plan, plain) * _count(piece) if entry is not None else None


def _solve(
    lexicon: Lexicon,
    order: Sequence[Text],
    bare: Sequence[Text],
    known: Sequence[list[dict[str, Any]] | None],
    steps: Sequence[Step],
    votes: list[int],
) -> bool:
    """One unknown piece, once or several times: what is left of the steps is its plan."""
    times = [
        max(1, _count(piece)) if part is None else 0
        for piece, part in zip(order, known, strict=True)
    ]
    rest = len(steps) - sum(len(part) for part in known if part is not None)
    if rest <= 0 or rest % sum(times):
        return False
    length, at = rest // sum(times), 0
    body: list[Step] | None = None
    for part, count in zip(known, times, strict=True):
        if part is not None:
            if not _same(steps[at : at + len(part)], part):
                return False
            at += len(part)
            continue
        for _ in range(count):
            here = list(steps[at : at + length])
            if body is None:
                body = here
            elif body != here:
                return False
            at += length
    assert body is not None
    index = next(i for i, part in enumerate(known) if part is None)
    votes[1] += any(count > 1 for count in times)
    return lexicon.add(Entry(bare[index], plan_of(body, bare[index]), deduced=True))


def _same(steps: Sequence[Step], part: Sequence[Mapping[str, Any]]) -> bool:
    return all(
        step.action == made["action"] for step, made in zip(steps, part, strict=False)
    ) and len(steps) == len(part)


def _align(lexicon: Lexicon, order: Sequence[Text], steps: Sequence[Step]) -> bool:
    """As many pieces as steps: one each, if every number stands in its own piece."""
    entries = []
    for piece, step in zip(order, steps, strict=True):
        plan = plan_of([step], piece)
        slots = sum(isinstance(value, Slot) for _, value in plan[0].parameters)
        if slots != len(piece.quantities):
            return False
        entries.append(Entry(piece, plan, deduced=True))
    added = [lexicon.add(entry) for entry in entries]
    return any(added)
