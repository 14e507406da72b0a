"""Where one thing to do ends and the next begins, and which are forbidden or conditional."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from handlers.goals.quantities import Amount, Part
from handlers.goals.vocabulary import Role, sense_at

Fate = Literal["", "negated", "conditional", "aim"]
"""Why a clause is not carried out; "" for one that is. An aim is what a phase is won by anyway."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A phrase of a goal and what it is for; `start`, `end`: its place in the goal."""

    role: Role
    value: str
    text: str
    start: int
    end: int
    amount: Amount | None = None


@dataclass(slots=True)
class Clause:
    """What stands between two connectives. `glue`: the roles and marks that stand before it, from
    `lead` on.
    """

    tags: list[Tag] = field(default_factory=list)
    glue: list[str] = field(default_factory=list)
    lead: int | None = None
    opens: int = 0
    closes: int = 0
    fate: Fate = ""

    @property
    def start(self) -> int:
        return self.tags[0].start

    @property
    def end(self) -> int:
        return self.tags[-1].end

    @property
    def begins_sentence(self) -> bool:
        return not self.glue or any(mark in ENDS for mark in self.glue)

    def has(self, *roles: Role) -> bool:
        return any(tag.role in roles for tag in self.tags)


CONDITIONS = frozenset({"if", "while", "until", "else"})
ENDS = frozenset({".", "!", "?", "\n", ";"})
_SPLITS = frozenset({"mark", "then", "and", "or", "but", "before", "after", "if", "while", "until",
                     "else", "instead", "open", "close"})  # fmt: skip
_SAID: tuple[Role, ...] = ("amount", "side", "way", "place", "aim", "gait", "sideways")


def tags_of(parts: Sequence[Part]) -> list[Tag]:
    """Every part of a goal as what it is for."""
    words = [part.text for part in parts]
    found: list[Tag] = []
    index = 0
    while index < len(parts):
        part = parts[index]
        if part.amount is not None:
            found.append(Tag("amount", part.amount.kind, "#", part.start, part.end, part.amount))
            index += 1
            continue
        known = sense_at(words, index)
        role, value, end = (*known[0], known[1]) if known else ("word", "", index + 1)
        text = " ".join(words[index:end])
        found.append(Tag(role, value, text, part.start, parts[end - 1].end))
        index = end
    return found


def clauses_of(found: Iterable[Tag], aimed: bool = False) -> list[Clause]:
    """The goal's clauses, each with what joins it to the one before, and its fate.

    `aimed`: "until" is told by the phase's success_when.
    """
    made: list[Clause] = []
    here = Clause()
    for tag in found:
        if tag.role == "close":
            if here.tags:
                made.append(here)
                here = Clause(glue=[")"], lead=tag.start)
            if made:
                made[-1].closes += 1
        elif tag.role in _SPLITS or (tag.role == "not" and here.has("order", "verb", *_SAID)):
            if here.tags:
                made.append(here)
                here = Clause()
            here.lead = tag.start if here.lead is None else here.lead
            here.glue.append(tag.value if tag.role == "mark" else tag.role)
            here.opens += tag.role == "open"
            if tag.role == "not":
                here.tags.append(tag)
        elif _runs_on(here, tag):
            made.append(here)
            here = Clause([tag], ["run"])
        else:
            here.tags.append(tag)
    if here.tags:
        made.append(here)
    _decide(made, aimed)
    return made


def _runs_on(here: Clause, tag: Tag) -> bool:
    """Whether another thing to do begins here though nothing says so: "walk 2 m turn left"."""
    if tag.role != "order" or not here.tags:
        return False
    last = here.tags[-1]
    if last.role in ("article", "place", "measure", "context", "aim", "order", "verb", "not"):
        return False
    is_noun = last.role in ("side", "amount") and not here.has("order", "verb")
    return not is_noun and here.has("order", "verb") and here.has(*_SAID)


# -- what is not to be done ------------------------------------------------------------------------


def _decide(made: list[Clause], aimed: bool) -> None:
    """Mark the clauses that are forbidden, or hang on a condition."""
    fate: Fate = ""
    for index, clause in enumerate(made):
        fate = _goes_on(fate, clause, made, index)
        if clause.has("not") or "instead" in clause.glue:
            fate = "negated"
        if aimed and "until" in clause.glue and not clause.begins_sentence:
            fate = "aim"
        elif not CONDITIONS.isdisjoint(clause.glue):
            fate = "conditional"
            _reach_back(made, index)
        clause.fate = fate


def _goes_on(fate: Fate, clause: Clause, made: list[Clause], index: int) -> Fate:
    """Whether what was said of the clause before holds for this one."""
    if clause.begins_sentence or (fate == "negated" and _resets(clause.glue)):
        return ""
    if fate == "negated" and "," in clause.glue and "or" not in clause.glue:
        before = made[index - 1]
        goes_with = any("or" in later.glue for later in _rest(made, index))
        is_order = clause.has("order") or "instead" in before.glue
        return "" if is_order and not goes_with else fate
    if fate == "aim" and not {"then", ","}.isdisjoint(clause.glue):
        return ""
    if fate == "conditional" and "then" in clause.glue and not _led(made, index):
        return ""
    return fate


def _resets(glue: Sequence[str]) -> bool:
    return "then" in glue or "but" in glue or ":" in glue or "–" in glue


def _led(made: list[Clause], index: int) -> bool:
    """Whether the sentence of a clause begins with its condition: "if ..., A, then B"."""
    while index > 0 and not made[index].begins_sentence:
        index -= 1
    return not CONDITIONS.isdisjoint(made[index].glue)


def _rest(made: list[Clause], index: int) -> Iterable[Clause]:
    """The clauses of a sentence from one on."""
    for at in range(index, len(made)):
        if at > index and made[at].begins_sentence:
            return
        yield made[at]


def _reach_back(made: list[Clause], index: int) -> None:
    """ "A and B if C": neither A nor B is done without asking."""
    if made[index].begins_sentence and "else" not in made[index].glue:
        return
    for at in range(index - 1, -1, -1):
        made[at].fate = made[at].fate or "conditional"
        if made[at].begins_sentence or "," in made[at].glue or "then" in made[at].glue:
            return
