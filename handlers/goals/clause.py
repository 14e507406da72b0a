"""One clause -> one step: its verb, side, way and amounts, and what is odd about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from handlers.goals.clauses import Clause, Tag
from handlers.goals.doubts import Doubt, DoubtKind
from handlers.goals.words.verbs import ORDERED, PAST
from handlers.goals.words.vocabulary import WORDS, Role

LONGEST_WORD = 24
"""Longer words are not compared with those known."""


@dataclass(slots=True)
class Heard:
    """What a clause says, before it is made a step."""

    clause: Clause
    goal: str
    verbs: list[Tag] = field(default_factory=list)
    sides: list[Tag] = field(default_factory=list)
    ways: list[Tag] = field(default_factory=list)
    amounts: list[Tag] = field(default_factory=list)
    counts: list[Tag] = field(default_factory=list)
    gaits: list[Tag] = field(default_factory=list)
    tempos: list[Tag] = field(default_factory=list)
    sideways: Tag | None = None
    place: tuple[int, int] | None = None
    aims: bool = False
    repeats: Tag | None = None
    again: Tag | None = None
    doubts: list[Doubt] = field(default_factory=list)

    def doubt(self, kind: DoubtKind, start: int, end: int, why: str) -> None:
        self.doubts.append(Doubt(kind, self.goal[start:end], start, end, why))

    @property
    def says_action(self) -> bool:
        return bool(self.verbs or self.gaits or self.sides or self.ways or self.sideways)


def hear(clause: Clause, goal: str) -> Heard:
    """The clause's words by what they are for; those that mean nothing here are doubts."""
    heard = Heard(clause, goal)
    tags = clause.tags
    index = 0
    while index < len(tags):
        index = _take(heard, tags, index)
    return heard


def _take(heard: Heard, tags: Sequence[Tag], index: int) -> int:
    """Take a tag, with what belongs to it; returns where it goes on."""
    tag = tags[index]
    after = tags[index + 1] if index + 1 < len(tags) else None
    measure = after if after is not None and after.role == "amount" else None
    match tag.role:
        case "order" | "verb":
            return _take_verb(heard, tags, index)
        case "side":
            heard.sides.append(tag)
        case "way":
            heard.ways.append(tag)
        case "sideways":
            heard.sideways = tag
        case "gait":
            heard.gaits.append(tag)
        case "tempo":
            heard.tempos.append(tag)
        case "amount":
            _take_amount(heard, tag)
        case "aim":
            heard.aims = True
            return _past_noun(tags, index + 1)
        case "place" | "measure" | "bound" | "context" | "company" if measure is not None:
            if tag.role != "measure" and tag.text not in _PLAIN:
                heard.doubt("range", tag.start, measure.end, "say one plain amount")
        case "place" if tag.text in ("around", "round") and _turns_around(heard, tags[index + 1 :]):
            heard.verbs[-1] = replace(heard.verbs[-1], value="turn around")
        case "place" | "measure" | "bound":
            end = _past_noun(tags, index + 1)
            heard.place = (tag.start, tags[end - 1].end)
            return end
        case "company":
            end = _past_noun(tags, index + 1)
            if not any(verb.value == "shake_hand" for verb in heard.verbs):
                heard.doubt("unknown", tag.start, tags[end - 1].end, "not understood")
            return end
        case "context" if tag.value == "ground":
            pass
        case "context":
            end = _past_noun(tags, index + 1, stops=("place",))
            heard.place = heard.place or (tag.start, tags[end - 1].end)
            return end
        case "article" if tag.text in ("each", "every") and measure is not None:
            heard.doubt("ambiguous", tag.start, measure.end, "how often in all is not said")
        case "manner":
            return _take_manner(heard, tags, index)
        case "repeat":
            heard.repeats = tag
        case "again":
            heard.again = tag
        case "vague" if tag.text in _ATTRIBUTES and _is_measured(tags):
            pass
        case "vague":
            end = index + 1 + (after is not None and after.role == "unit")
            heard.doubt("vague", tag.start, tags[end - 1].end, "how much is not said")
            return end
        case "unit":
            heard.doubt("vague", tag.start, tag.end, "how many?")
        case "compass":
            why = "the robot knows no such direction: say left or right, and how far"
            heard.doubt("unknown", tag.start, tag.end, why)
        case "word":
            return _take_unknown(heard, tags, index)
        case _:
            pass
    return index + 1


def _turns_around(heard: Heard, rest: Sequence[Tag]) -> bool:
    """ "turn completely around", but not "turn around the corner"."""
    turns = bool(heard.verbs) and heard.verbs[-1].value == "turn"
    return turns and not any(tag.role in ("article", "word", "place", "object") for tag in rest)


_ATTRIBUTES = frozenset({"small", "tiny", "short", "long"})


def _is_measured(tags: Sequence[Tag]) -> bool:
    """Whether a clause says how much: "a small turn of 10 degrees"."""
    return any(tag.amount is not None and tag.amount.kind in ("m", "rad", "s") for tag in tags)


_PLAIN = frozenset({"during", "through", "along", "with", "in a", "using"})
"""Before an amount these add nothing, as "over" and "within" do."""


def _take_verb(heard: Heard, tags: Sequence[Tag], index: int) -> int:
    tag = tags[index]
    last = heard.verbs[-1] if heard.verbs else None
    if last is not None and last.value == "climb" and tag.text in ("step", "steps"):
        before = tags[index - 1].amount
        if before is not None and before.kind == "m":
            heard.doubt("ambiguous", tags[index - 1].start, tag.end, "how high, or how far?")
        return index + 1  # the steps that are climbed
    is_noun = index > 0 and tags[index - 1].role == "article" and tag.text == "step"
    if is_noun and not any(other.role == "amount" for other in tags):
        heard.doubt("vague", tag.start, tag.end, "how far? a step has no length of its own")
    if last is not None and last.text == tag.text and tag.value not in _STILL:
        heard.doubt("ambiguous", last.start, tag.end, "how often? say twice, or three times")
    told = tag.role == "verb" and tag.text.split()[0] in PAST
    if told and heard.clause.glue[-1:] != ["after"]:
        heard.doubt("ambiguous", tag.start, tag.end, "told of the past: is it asked for?")
    if _rides_on_pronoun(heard, tags, index):
        heard.doubt("vague", tag.start, tags[index + 1].end, "how far, and where to?")
    heard.verbs.append(tag)
    return index + 1


def _rides_on_pronoun(heard: Heard, tags: Sequence[Tag], index: int) -> bool:
    """ "walk it": the way is one that was spoken of elsewhere."""
    after = tags[index + 1].text if index + 1 < len(tags) else ""
    known = heard.clause.has("amount", "side", "way", "place")
    return after in ("it", "that", "this") and tags[index].value in ORDERED and not known


def _take_amount(heard: Heard, tag: Tag) -> None:
    assert tag.amount is not None
    if tag.amount.flaw is not None:
        heard.doubt(tag.amount.flaw, tag.start, tag.end, tag.amount.why)
    (heard.counts if tag.amount.kind == "n" else heard.amounts).append(tag)


def _take_manner(heard: Heard, tags: Sequence[Tag], index: int) -> int:
    """ "keeping balance", "without scraping the rubble": to the end of the clause."""
    for tag in tags[index + 1 :]:
        if tag.role == "amount" or (tag.role in ("order", "verb") and tag.value not in _STILL):
            why = "this cannot be done beside the step"
            heard.doubt("ambiguous", tags[index].start, tags[-1].end, why)
            break
    if tags[index].text in _RESULTS and not heard.amounts:
        heard.place = heard.place or (tags[index].start, tags[-1].end)
    return len(tags)


_RESULTS = frozenset({"so that", "such that"})
"""What follows says when it is done, where no amount does."""
_STILL = frozenset({"stand", "stand_up", "sit", "lie_down"})


def _take_unknown(heard: Heard, tags: Sequence[Tag], index: int) -> int:
    """Words in a row that mean nothing here are one doubt."""
    end = index
    while end < len(tags) and tags[end].role == "word":
        end += 1
    why = "not understood"
    near = [_near(tag.text) for tag in tags[index : min(end, index + 3)]]
    known = [word for word in near if word]
    if known:
        why += f"; did you mean {' '.join(known)!r}?"
    heard.doubt("unknown", tags[index].start, tags[end - 1].end, why)
    return end


def _near(word: str) -> str:
    if not 3 < len(word) < LONGEST_WORD:
        return ""
    found = [near for near in get_close_matches(word, WORDS, n=2, cutoff=0.75) if near != word]
    is_like = found and (len(found[0]) >= len(word) - 1 and found[0][0] == word[0])
    return found[0] if is_like else ""


def _past_noun(tags: Sequence[Tag], index: int, stops: tuple[Role, ...] = ()) -> int:
    """Where the noun after a preposition ends: "the edge of the debris field"."""
    after_article = False
    while index < len(tags):
        tag = tags[index]
        after = tags[index + 1] if index + 1 < len(tags) else None
        if _is_name(tags, index):
            index += 1
            continue
        if tag.role in ("order", "verb", "amount") and not after_article:
            break
        if tag.role == "amount" and (after is None or after.role != "word"):
            break
        if tag.role in ("side", "way"):
            names = after is not None and after.role == "word" and after_article
            if not names:
                break
        if tag.role in ("manner", "not", "again", "repeat", "gait", *stops):
            break
        if tag.role == "tempo" and not after_article:
            break
        if tag.role == "vague" and not after_article:
            break
        after_article = tag.role == "article"
        index += 1
    return index


def _is_name(tags: Sequence[Tag], index: int) -> bool:
    """Whether a number tells which thing is meant, and no amount: "bay 1", "to the gate no. 3"."""
    amount = tags[index].amount
    if amount is None or amount.kind != "bare" or not float(amount.value).is_integer():
        return False
    return index > 0 and tags[index - 1].role == "word"
