"""The best way to cut a goal: into which pieces, and which neighbours are one.

Where all pieces are known word for word nothing is guessed. Else every way to cut a goal and to
join neighbouring pieces is weighed by dynamic programming: the similarity of each piece to the
nearest known one, by its share of the words, less what each cut costs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from handlers.lora.model.answers.matching import Match
from handlers.lora.model.pieces import joined
from handlers.lora.model.text import Text

CUT = 0.05
"""What each cut costs."""


def best_path(
    text: Text, ways: Sequence[tuple[Text, ...]], matches: dict[Text, Match]
) -> list[Match]:
    """The likeliest pieces, where they are not all known."""
    return max([[matches[text]], *(_best(way, matches) for way in ways)], key=score_of)


def known_paths(
    text: Text, ways: Sequence[tuple[Text, ...]], matches: dict[Text, Match]
) -> list[list[Match]]:
    """The ways to cut a goal into the fewest pieces that are all known word for word, each of
    another plan: "before A, B, C" may mean B, C, A or C, A, B.
    """
    paths = [[matches[text]]] if matches[text].exact else []
    paths += [path for path in (_known_path(way, matches) for way in ways) if path]
    fewest = min(map(len, paths), default=0)
    plans: dict[str, list[Match]] = {}
    for path in paths:
        if len(path) == fewest:
            plans.setdefault(repr([step for match in path for step in match.steps]), path)
    return list(plans.values())


def without(spans: Collection[Text], matches: Mapping[Text, Match]) -> dict[Text, Match]:
    """The matches where none of these spans is a piece by itself."""
    never = float("-inf")
    return {
        text: replace(match, score=never) if text in spans else match
        for text, match in matches.items()
    }


def spans_of(way: Sequence[Text]) -> list[Text]:
    """Every run of neighbouring pieces, as one."""
    return [
        joined(way[start:end])
        for start in range(len(way))
        for end in range(start + 1, len(way) + 1)
    ]


def score_of(path: Sequence[Match]) -> float:
    """The similarity of a goal cut so, less what the cuts cost."""
    words = sum(len(match.text.words) for match in path) or 1
    value = sum(match.score * len(match.text.words) / words for match in path)
    return value - CUT * (len(path) - 1)


def _known_path(way: Sequence[Text], matches: dict[Text, Match]) -> list[Match] | None:
    """The fewest pieces that are all known word for word; None when some are not."""
    paths: list[list[Match] | None] = [[]]
    for end in range(1, len(way) + 1):
        options = []
        for start in range(end):
            before, match = paths[start], matches[joined(way[start:end])]
            if before is not None and match.exact:
                options.append([*before, match])
        paths.append(min(options, key=len) if options else None)
    return paths[-1]


def _best(way: Sequence[Text], matches: dict[Text, Match]) -> list[Match]:
    """The best way to join neighbouring pieces."""
    words = sum(len(piece.words) for piece in way) or 1
    paths: list[tuple[float, list[Match]]] = [(0.0, [])]
    for end in range(1, len(way) + 1):
        options = []
        for start in range(end):
            match = matches[joined(way[start:end])]
            share = sum(len(piece.words) for piece in way[start:end]) / words
            value = paths[start][0] + share * match.score - (CUT if start else 0.0)
            options.append((value, [*paths[start][1], match]))
        paths.append(max(options, key=lambda option: option[0]))
    return paths[-1][1]
