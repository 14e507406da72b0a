"""A goal -> its plan: cut into pieces, each piece looked up by meaning, numbers filled in.

Every way to cut the goal and to join neighbouring pieces is weighed by dynamic programming: the
similarity of each piece to the nearest known one, by its share of the words. Two gates follow. A
goal that resembles nothing taught is refused; a plan that is hardly likelier than others is marked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.lora.decoder import Decoded
from handlers.lora.model.encoder import Encoder, LightEncoder, find_encoder, torch
from handlers.lora.model.files import Facts, read_head
from handlers.lora.model.head import SCALE, base_head, base_sha256, load_lora
from handlers.lora.model.lexicon import Entry, Lexicon, filled
from handlers.lora.model.text import Text, joined, orders, read
from handlers.project.examples import Step
from handlers.project.library import PARAMETERS, ActionLibrary
from store.errors import CadenzaError, InputError

LETTERS = 0.3
"""Share of the spelling in a similarity, besides the meaning. Chosen by cross-validation."""
WRONG_SIDE = 0.2
"""What is taken off when one speaks of left and the other does not, or of right."""
CUT = 0.03
"""What each cut costs."""
SURE = 0.5
NEAREST = 3
MAX_PIECES = 24
MAX_STEPS = 64


@dataclass(frozen=True, slots=True)
class _Match:
    """A piece and what it most likely means."""

    text: Text
    entry: Entry
    score: float
    probability: float
    times: int = 1


class ActionDecoder:
    """A trained adapter, ready to decode. Implements handlers.lora.decoder.Decoder."""

    def __init__(
        self, encoder: Encoder, head: Any, facts: Facts, entries: Sequence[Entry],
        library: ActionLibrary,
    ) -> None:  # fmt: skip
        known = [entry for entry in entries if all(a.name in library for a in entry.plan)]
        if not known:
            raise InputError("the adapter knows none of this robot's actions")
        self._encoder, self._head, self._library = encoder, head, library
        self._facts = facts
        self._entries = known
        self._lexicon = Lexicon(repeats=facts.repeats)
        for entry in known:
            self._lexicon.entries.setdefault(entry.text.key, []).append(entry)
        numbers: dict[Any, int] = {}
        module = torch()
        self._labels = module.tensor([numbers.setdefault(e.plan, len(numbers)) for e in known])
        self._plans = len(numbers)
        self._letters = LightEncoder()
        spoken = [entry.text.spoken for entry in known]
        self._raw = encoder.encode(spoken)
        with module.inference_mode():
            self._known = head(self._raw)
        self._known_letters = self._letters.encode(spoken)
        self._sides = [_sides(entry.text) for entry in known]

    def decode(self, goal: str, image: Path | None = None) -> Decoded:
        """The plan of a goal. Raises InputError for an empty goal."""
        text = read(goal)
        if not text.words:
            raise InputError("the goal is empty")
        ways = [way[:MAX_PIECES] for way in orders(text)] or [(text,)]
        spans = {text.key: text}
        for way in ways:
            for span in _spans(way):
                spans.setdefault(span.key, span)
        matches, familiar, order = self._look_up(list(spans.values()), image)
        found = [[matches[text.key]]] + [_best(way, matches) for way in ways]
        scores = [matches[text.key].score] + [_score(path) for path in found[1:]]
        path = found[max(range(len(found)), key=lambda index: scores[index])]
        familiarity = max(familiar[text.key], min(familiar[match.text.key] for match in path))
        if all(self._lexicon.exact(match.text) for match in path):
            familiarity = 1.0
        refused = familiarity < self._facts.familiar
        confidence = math.prod(match.probability for match in path)
        steps = [] if refused else [step for match in path for step in self._steps(match)]
        return Decoded(
            goal=goal,
            actions=tuple(steps[:MAX_STEPS]),
            refused=refused,
            doubtful=not refused and confidence < SURE,
            nearest=tuple(self._entries[index].text.spoken for index in order),
            confidence=confidence,
            familiarity=familiarity,
        )

    def _look_up(
        self, spans: Sequence[Text], image: Path | None
    ) -> tuple[dict[str, _Match], dict[str, float], list[int]]:
        """Each span's match and familiarity, and the known pieces nearest to the whole goal."""
        module = torch()
        plain = {span.key: span.without("n") for span in spans} if self._facts.repeats else {}
        texts = {text.key: text for text in [*spans, *plain.values()] if text.words}
        spoken = [text.spoken for text in texts.values()]
        raw = self._encoder.encode(spoken, [image] * len(spoken) if image else None)
        with module.inference_mode():
            meaning = self._head(raw) @ self._known.T
        letters = self._letters.encode(spoken) @ self._known_letters.T
        alike = (1 - LETTERS) * meaning + LETTERS * letters
        side = module.tensor(
            [[_sides(text) != known for known in self._sides] for text in texts.values()]
        )
        scores = alike - WRONG_SIDE * side
        near = (1 - LETTERS) * (raw @ self._raw.T) + LETTERS * letters
        familiar = {key: float(near[row].max()) for row, key in enumerate(texts)}
        rows = {key: row for row, key in enumerate(texts)}
        matches = {span.key: self._match(span, plain.get(span.key), rows, scores) for span in spans}
        top = near[0].topk(min(NEAREST, near.shape[1])).indices.tolist()
        return matches, familiar, top

    def _match(self, span: Text, plain: Text | None, rows: dict[str, int], scores: Any) -> _Match:
        exact = self._lexicon.exact(span)
        if exact is not None:
            return _Match(span, exact, 1.0, 1.0)
        times = _count(span) if plain is not None else 0
        if plain is not None and times and plain.words:
            exact = self._lexicon.exact(plain)
            if exact is not None:
                return _Match(plain, exact, 1.0, 1.0, times)
            span = plain
        module = torch()
        row = scores[rows[span.key]]
        best = int(row.argmax())
        plans = module.full((self._plans,), -9.0).scatter_reduce(0, self._labels, row, "amax")
        probability = float(module.softmax(plans * SCALE, 0).max())
        return _Match(span, self._entries[best], float(row[best]), probability, max(1, times))

    def _steps(self, match: _Match) -> list[Step]:
        made = filled(match.entry.plan, match.text) * match.times
        return [self._allowed(values) for values in made]

    def _allowed(self, values: dict[str, Any]) -> Step:
        """A step within the library: parameters the action takes, in their ranges."""
        name = values["action"]
        given: dict[str, float] = {}
        for key in self._library.spec(name).parameters:
            if key in values:
                limit = PARAMETERS[key]
                number = min(max(float(values[key]), limit.low), limit.high)
                given[key] = round(number) if limit.whole else round(number, 6)
        return Step(name, given)


def load_decoder(
    folder: Path, library: ActionLibrary, project_encoder: Path | None = None
) -> ActionDecoder:
    """An adapter from its folder. `project_encoder`: the project's lora_encoder.py, if trusted.

    Raises InputError when it is damaged or was made for another encoder, MissingExtraError without
    torch and peft.
    """
    facts, entries = read_head(folder)
    torch().set_num_threads(facts.threads)
    if facts.encoder == "project":
        if project_encoder is None:
            raise InputError(
                f"{folder}: was trained with the project's lora_encoder.py, which is not trusted",
                hint="cadenzactl trust PROJECT",
            )
        encoder = find_encoder("project", project_encoder)
    else:
        encoder = find_encoder(facts.encoder)
    if base_sha256(encoder.identity, encoder.width) != facts.base_sha256:
        raise InputError(
            f"{folder}: was trained with another base ({facts.base_sha256[:12]}...)",
            hint="train it again with the encoder that is here now",
        )
    try:
        head = load_lora(base_head(encoder.width), str(folder))
    except CadenzaError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever PEFT raises for a damaged file
        raise InputError(
            f"{folder}: PEFT cannot load it: {type(error).__name__}", hint="train it again"
        ) from None
    return ActionDecoder(encoder, head, facts, entries, library)


def _spans(way: Sequence[Text]) -> list[Text]:
    return [
        joined(way[start:end])
        for start in range(len(way))
        for end in range(start + 1, len(way) + 1)
    ]


def _best(way: Sequence[Text], matches: dict[str, _Match]) -> list[_Match]:
    """The best way to join neighbouring pieces."""
    words = sum(len(piece.words) for piece in way) or 1
    paths: list[tuple[float, list[_Match]]] = [(0.0, [])]
    for end in range(1, len(way) + 1):
        options = []
        for start in range(end):
            match = matches[joined(way[start:end]).key]
            share = sum(len(piece.words) for piece in way[start:end]) / words
            value = paths[start][0] + share * match.score - (CUT if start else 0.0)
            options.append((value, [*paths[start][1], match]))
        paths.append(max(options, key=lambda option: option[0]))
    return paths[-1][1]


def _score(path: Sequence[_Match]) -> float:
    words = sum(len(match.text.words) for match in path) or 1
    value = sum(match.score * len(match.text.words) / words for match in path)
    return value - CUT * (len(path) - 1)


def _count(text: Text) -> int:
    if text.words and text.words[-1] == "#n":
        return int(min(max(round(text.quantities[-1].value), 1), 10))
    return 0


def _sides(text: Text) -> tuple[bool, bool]:
    return (
        any(word.startswith("left") for word in text.words),
        any(word.startswith("right") for word in text.words),
    )
