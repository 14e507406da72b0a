"""What a goal is taken for, before anything is judged: its pieces, how sure, how familiar."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.lora.model.answers.matching import Match, Matcher
from handlers.lora.model.answers.paths import best_path, known_paths, spans_of
from handlers.lora.model.learning.familiarity import familiarity
from handlers.lora.model.pieces import orders
from handlers.lora.model.text import Text

MAX_PIECES = 24


@dataclass(frozen=True, slots=True)
class Answer:
    """`path`: the pieces of the goal in the order they are to be done, `familiar`: each one's own
    familiarity. `scores`: how sure each guessed piece is, of no unit; none of what is known or
    read. `familiarity`: 1 where every piece is known word for word. `whole`: nothing was left out
    for being too long. `nearest`: taught goals. `readings`: how many plans the goal may mean,
    cut in one way or another ("before A, B, C").
    """

    path: tuple[Match, ...]
    familiar: tuple[float, ...]
    scores: tuple[float, ...]
    familiarity: float
    whole: bool
    nearest: tuple[str, ...]
    readings: int = 1

    @property
    def steps(self) -> list[dict[str, Any]]:
        return [step for match in self.path for step in match.steps]


def answer(matcher: Matcher, probe: Any, text: Text, image: Path | None = None) -> Answer:
    """The likeliest plan of a goal. `probe`: of familiarity; None without one."""
    ways, uncut = orders(text), [(text,)]
    short = uncut if image else [way[:MAX_PIECES] for way in ways] or uncut
    # by words and numbers: "walk 1 m" and "walk 2 m" read the same and mean different things
    spans = list(dict.fromkeys([text, *(span for way in short for span in spans_of(way))]))
    found = matcher.look_up(spans, image)
    known = known_paths(text, short, found.matches)
    path = tuple(known[0] if known else best_path(text, short, found.matches))
    familiar = familiarity(found.seen(probe is not None), matcher.vectors, probe).tolist()
    by_key = dict(zip(found.keys, familiar, strict=True))
    of_pieces = tuple(_familiarity(match, by_key) for match in path)
    guessed = [match for match in path if not match.exact and match.read is None]
    return Answer(
        path=path,
        familiar=of_pieces,
        scores=tuple(match.score * match.probability for match in guessed),
        # that of the whole goal or of its least familiar piece, whichever is more
        familiarity=max(by_key[text.key], min(of_pieces)) if guessed else 1.0,
        whole=all(len(way) <= MAX_PIECES for way in ways),
        nearest=matcher.nearest(found.order),
        readings=max(1, len(known)),
    )


def _familiarity(match: Match, familiarities: dict[str, float]) -> float:
    is_sure = match.exact or match.read is not None
    return 1.0 if is_sure else familiarities[match.text.key]
