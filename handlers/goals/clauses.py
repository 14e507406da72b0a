"""Where one thing to do ends and the next begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from handlers.goals.words.amount import Amount
from handlers.goals.words.quantities import Part
from handlers.goals.words.verbs import ORDERED
from handlers.goals.words.vocabulary import Role, sense_at

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
SAID: tuple[Role, ...] = ("amount", "side", "way", "place", "aim", "gait", "sideways")


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


def clauses_of(found: Iterable[Tag]) -> list[Clause]:
    """The goal's clauses, each with what joins it to the one before."""
    made: list[Clause] = []
    here = Clause()
    condition: Tag | None = None
    for tag in _standing_still([*found]):
        condition = tag if tag.role in CONDITIONS else condition
        splits = tag.role in _SPLITS or _begins_negation(here, tag)
        if here.tags and (splits or tag.role == "close" or _runs_on(here, tag)):
            made.append(here)
            here = Clause(glue=[] if splits else [")" if tag.role == "close" else "run"])
        if tag.role == "close":
            here.lead = tag.start if here.lead is None else here.lead
            if made:
                made[-1].closes += 1
        elif splits:
            _join(here, tag)
        else:
            here.tags.append(tag)
    if condition is not None and not here.tags and not CONDITIONS.isdisjoint(here.glue):
        here.tags.append(condition)  # "sit later"
    return _with_fronted([*made, here] if here.tags else made)


_STILL = frozenset({"move", "budge"})


def _standing_still(found: Sequence[Tag]) -> Iterator[Tag]:
    """ "Do not move" asks for something, unless it says which way, how far or what."""
    at = 0
    while at < len(found):
        tag, verb = found[at], found[at + 1] if at + 1 < len(found) else None
        after = found[at + 2] if at + 2 < len(found) else None
        is_still = (tag.role, tag.value) == ("not", "") and verb is not None
        if is_still and verb is not None and verb.text in _STILL and _leaves_open(after):
            yield Tag("order", "stand", f"{tag.text} {verb.text}", tag.start, verb.end)
            at += 1
        else:
            yield tag
        at += 1


def _leaves_open(after: Tag | None) -> bool:
    """Whether what follows a verb says nothing of it, or only how long."""
    return after is None or after.role in ("mark", "then", "and", "but", "measure")


def _join(here: Clause, tag: Tag) -> None:
    """Take what stands before a clause; "not" is a part of it as well."""
    here.lead = tag.start if here.lead is None else here.lead
    here.glue.append(tag.value if tag.role == "mark" else tag.role)
    here.opens += tag.role == "open"
    if tag.role == "not":
        here.tags.append(tag)


def _begins_negation(here: Clause, tag: Tag) -> bool:
    """Whether what is forbidden begins here: not in "sitting is forbidden", where it ended."""
    return tag.role == "not" and not tag.value and here.has("order", "verb", *SAID)


def _with_fronted(made: list[Clause]) -> list[Clause]:
    """ "To your right, turn 15 degrees": the side belongs to the verb that lacks one, and so does
    how fast.
    """
    joined: list[Clause] = []
    for clause in made:
        front = joined[-1] if joined else None
        if front is not None and clause.glue == [","] and _is_fronted(front, clause):
            clause.tags = [*front.tags, *clause.tags]
            clause.glue, clause.lead, clause.opens = front.glue, front.lead, front.opens
            joined.pop()
        joined.append(clause)
    return joined


def _is_fronted(front: Clause, clause: Clause) -> bool:
    sides = [tag for tag in front.tags if tag.role in ("side", "way")]
    alone = all(tag.role in ("side", "way", "filler", "then", "tempo") for tag in front.tags)
    leads = front.begins_sentence or "then" in front.glue
    lacks = clause.has("order") and not clause.has("side", "way", "place")
    turns = any(tag.value in _SIDED for tag in clause.tags if tag.role == "order")
    travels = any(tag.value in ORDERED for tag in clause.tags if tag.role == "order")
    is_meant = len(sides) == 1 and (
        turns or (travels if sides[0].role == "way" else sides[0].text.startswith(("to ", "on ")))
    )
    if front.has("tempo") and not sides:  # "slowly, walk 2 m"
        return alone and leads and clause.has("order") and not clause.has("tempo")
    return alone and leads and lacks and is_meant


_SIDED = frozenset({"turn", "side", "face"})


def _runs_on(here: Clause, tag: Tag) -> bool:
    """Whether another thing to do begins here though nothing says so: "walk 2 m turn left"."""
    if tag.role != "order" or not here.tags:
        return False
    if tag.text in ("step", "steps") and any(other.value == "climb" for other in here.tags):
        return False  # "climb the 12 cm step"
    last = here.tags[-1]
    if last.role in ("article", "place", "measure", "context", "aim", "order", "verb", "not"):
        return False
    is_noun = last.role in ("side", "amount") and not here.has("order", "verb")
    return not is_noun and here.has("order", "verb") and here.has(*SAID)
