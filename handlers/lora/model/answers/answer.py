"""What a goal is taken for, before anything is judged: its pieces, how sure, how familiar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.goals.reading import read_goal
from handlers.lora.model.answers.matching import Found, Match, Matcher
from handlers.lora.model.answers.paths import best_path, known_paths, spans_of, without
from handlers.lora.model.learning.familiarity import familiarity
from handlers.lora.model.pieces import orders
from handlers.lora.model.text import Text

MAX_PIECES = 24
ANY = -1.0
"""A familiarity that everything has."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`path`: the pieces of the goal in the order they are to be done, `familiar`: each one's own
    familiarity. `scores`: how sure each guessed piece is, of no unit; none of what is known or
    read. `familiarity`: 1 where every piece is known word for word. `whole`: nothing was left out
    for being too long. `nearest`: taught goals. `readings`: how many plans the goal may mean,
    cut in one way or another ("before A, B, C"). `strange`: pieces that are like nothing taught,
    which were answered with their neighbours. `opposed`: for each piece the taught goal it is
    nearest to, where that goes the other way and is none it is taken for ("" where not), and by
    how much that is nearer than what it is taken for (a difference of cosines).
    """

    path: tuple[Match, ...]
    familiar: tuple[float, ...]
    scores: tuple[float, ...]
    familiarity: float
    whole: bool
    nearest: tuple[str, ...]
    readings: int = 1
    strange: tuple[Text, ...] = ()
    opposed: tuple[tuple[str, float], ...] = ()

    @property
    def steps(self) -> list[dict[str, Any]]:
        return [step for match in self.path for step in match.steps]


@dataclass(frozen=True, slots=True)
class Looked:
    """A goal with all that was found of it, before it is said what it is taken for.

    `ways`: to cut it, short enough to be weighed, `is_whole`: none had to be cut short;
    `familiarities`: by the key of each piece.
    """

    matcher: Matcher
    text: Text
    ways: Sequence[tuple[Text, ...]]
    is_whole: bool
    found: Found
    familiarities: Mapping[str, float]
    nearest: tuple[str, ...]

    def answer(self, familiar: float = ANY) -> Answer:
        """The likeliest plan. Of guesses alone none is strange: less `familiar` than what is
        answered by itself, and taken for a part of a goal or an action's name. Else "walk to the
        edge, upright" has a stand at its end. What would be is one with its neighbours, or with the
        whole goal.
        """
        matches = self.found.matches
        known = known_paths(self.text, self.ways, matches)
        path = known[0] if known else best_path(self.text, self.ways, matches)
        strange = self._strange(familiar)
        odd = [match.text for match in path if match.text in strange]
        if odd and not any(match.is_sure for match in path):
            path = best_path(self.text, self.ways, without(strange, matches))
        else:
            odd = []
        path = self._once(path)
        if len(path) == 1 and path[0].text == self.text and not path[0].is_sure:
            path = [self.found.whole]
        of_pieces = tuple(map(self._familiarity, path))
        guessed = [match for match in path if not match.is_sure]
        whole = self.familiarities[self.text.key]
        return Answer(
            path=tuple(path),
            familiar=of_pieces,
            scores=tuple(match.score * match.probability for match in guessed),
            # that of the whole goal or of its least familiar piece, whichever is more
            familiarity=max(whole, min(of_pieces)) if guessed else 1.0,
            whole=self.is_whole,
            nearest=self.nearest,
            readings=max(1, len(known)),
            strange=tuple(odd),
            opposed=tuple(map(self._opposed, path)),
        )

    def _once(self, path: Sequence[Match]) -> list[Match]:
        """The pieces without those that say in other words what the one before them was taken for:
        "leave them alone and walk out" is not to be done twice where either is like the same
        example.
        """
        kept = [path[0]]
        for match in path[1:]:
            if _is_same(kept[-1], match):
                kept[-1] = max(kept[-1], match, key=lambda it: (it.is_sure, it.score))
            elif not _says_too(self.matcher, kept[-1], match):
                kept.append(match)
        return kept

    def _strange(self, familiar: float) -> set[Text]:
        """The pieces that are like nothing taught; the whole goal is none of them."""
        found = {
            text
            for text, match in self.found.matches.items()
            if not match.entry.goal and self._familiarity(match) < familiar
        }
        return found - {self.text}

    def _opposed(self, match: Match) -> tuple[str, float]:
        if match.is_sure or match.text.key not in self.found.keys:
            return "", 0.0
        return self.matcher.opposed(match, self.found.vector_of(match.text))

    def _familiarity(self, match: Match) -> float:
        return 1.0 if match.is_sure else self.familiarities[match.text.key]


_POSES = frozenset({"stand_up", "sit", "lie_down", "rear_up"})
"""What is not done twice by who is told of it twice."""


def _is_same(before: Match, match: Match) -> bool:
    """Whether two pieces without a number are taken for one plan: where one of them is guessed, or
    both are for one pose, in other words and not both taught ("wake up and get up").
    """
    if before.text.quantities or match.text.quantities:
        return False
    if not (before.is_sure and match.is_sure) and before.entry.plan == match.entry.plan:
        return True
    are_taught = all(each.exact and each.entry.goal for each in (before, match))
    if are_taught or before.text.key == match.text.key:
        return False
    return before.steps == match.steps and {s["action"] for s in match.steps} <= _POSES


def _says_too(matcher: Matcher, before: Match, match: Match) -> bool:
    """Whether what was read of a piece is said by examples as well of what the piece before it was
    taken for, and is done there in another way: "pass the heap and stop behind it" was taught
    without a stand at its end, so "go by the heap and stop there" has none.
    """
    if match.read is None or match.text.quantities or before.is_sure or not before.entry.goal:
        return False
    texts = [matcher.entries[at].text for at in matcher.taught(before.entry.plan)]
    said = {step.action for text in texts for step in read_goal(text.written, aimed=True).steps}
    said -= {action.name for action in before.entry.plan}
    return said.issuperset(step["action"] for step in match.read)


def look(matcher: Matcher, probe: Any, text: Text, image: Path | None = None) -> Looked:
    """Look up a goal and all its pieces. `probe`: of familiarity; None without one."""
    ways, uncut = orders(text), [(text,)]
    short = uncut if image else [way[:MAX_PIECES] for way in ways] or uncut
    # by words and numbers: "walk 1 m" and "walk 2 m" read the same and mean different things
    spans = list(dict.fromkeys([text, *(span for way in short for span in spans_of(way))]))
    found = matcher.look_up(spans, image)
    familiar = familiarity(found.seen(probe is not None), matcher.vectors, probe).tolist()
    return Looked(
        matcher=matcher,
        text=text,
        ways=short,
        is_whole=all(len(way) <= MAX_PIECES for way in ways),
        found=found,
        familiarities=dict(zip(found.keys, familiar, strict=True)),
        nearest=matcher.nearest(found.order),
    )
