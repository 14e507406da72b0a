"""A goal -> its plan: cut into pieces, each piece looked up by meaning, numbers filled in.

Every way to cut the goal and to join neighbouring pieces is weighed by dynamic programming: the
similarity of each piece to the nearest known one, by its share of the words. Two gates follow. A
goal that resembles nothing taught, or says what not to do, is refused; a plan that is hardly
likelier than others, or leaves out or changes a number that was said, is marked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

from handlers.goals.reading import read_goal
from handlers.lora.model.doubts import COUNTED, all_used, doubts_of, forbidding
from handlers.lora.model.encoder import (
    Encoder,
    LightEncoder,
    expect_sample,
    find_encoder,
    refuse_images,
    torch,
)
from handlers.lora.model.familiarity import familiarity, with_openings
from handlers.lora.model.files import Facts, load_known, read_head
from handlers.lora.model.head import SCALE, base_head, base_sha256, load_lora
from handlers.lora.model.interface import Decoded
from handlers.lora.model.lexicon import Entry, Lexicon, filled
from handlers.lora.model.pieces import joined, orders
from handlers.lora.model.text import VOCABULARY, Text, read
from handlers.project.code import ImportedCode
from handlers.project.formats.examples import Step
from handlers.project.library import PARAMETERS, ActionLibrary
from store.errors import CadenzaError, InputError

LETTERS = 0.3
"""Share of the spelling in a similarity, besides the meaning. Chosen by cross-validation."""
WRONG_SIDE = 0.2
"""What is taken off when one speaks of left and the other does not, or of right."""
CUT = 0.03
"""What each cut costs."""
SURE = 0.5
SLIP = 0.75
"""How alike a word and the one it is taken for must be (difflib's ratio)."""
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
    exact: bool = False


class ActionDecoder:
    """A trained adapter, ready to decode. Implements handlers.lora.model.interface.Decoder."""

    def __init__(
        self,
        encoder: Encoder,
        head: Any,
        facts: Facts,
        entries: Sequence[Entry],
        library: ActionLibrary,
        vectors: Any = None,
    ) -> None:
        """`head`: [B, width] -> [B, width]. `vectors` [N, width] of `entries`, where images made
        them. Raises InputError when the library has none of their actions.
        """
        kept = [i for i, e in enumerate(entries) if all(a.name in library for a in e.plan)]
        known = [entries[index] for index in kept]
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
        self._raw = encoder.encode(spoken) if vectors is None else vectors[kept]
        self._letter_share = LETTERS if vectors is None else 0.0
        with module.inference_mode():
            self._known = head(self._raw)
        self._known_letters = self._letters.encode(spoken)
        self._sides = [_sides(entry.text) for entry in known]
        self._words = VOCABULARY.union(*(entry.text.words for entry in known))
        self._probe = module.tensor(facts.probe).double() if facts.probe else None

    def decode(self, goal: str, image: Path | None = None) -> Decoded:
        """The plan of a goal: SI units, within the library's ranges, at most MAX_STEPS steps.

        Raises InputError for an empty goal, and for an image that is missing or not asked for.
        """
        text = read(goal, self._spell)
        self._expect_fitting(text, image)
        ways, whole = orders(text), [(text,)]
        short = whole if image else [way[:MAX_PIECES] for way in ways] or whole
        # by words and numbers: "walk 1 m" and "walk 2 m" read the same and mean different things
        spans = dict.fromkeys([text, *(span for way in short for span in _spans(way))])
        matches, familiarities, order = self._look_up(list(spans), image)
        path = self._path(text, short, matches)
        familiar = _familiarity(text, path, familiarities)
        confidence = math.prod(match.probability for match in path)
        reading = read_goal(goal)
        forbidden = forbidding(reading, [match.entry.text for match in path])
        refused = familiar < self._facts.familiar or bool(forbidden)
        doubts = forbidden or doubts_of(reading, all(match.exact for match in path))
        actions: tuple[Step, ...] = ()
        is_all = all(len(way) <= MAX_PIECES for way in ways)
        if refused:
            confidence *= min(1.0, max(familiar, 0.0) / max(self._facts.familiar, 1e-6))
        else:
            actions, as_asked = self._plan(path)
            is_all = is_all and as_asked
        return Decoded(
            goal=goal,
            actions=actions,
            refused=refused,
            doubtful=not refused and (confidence < SURE or not is_all or bool(doubts)),
            nearest=self._nearest(order),
            confidence=confidence,
            familiarity=familiar,
            doubts=tuple(str(doubt) for doubt in doubts),
        )

    def _expect_fitting(self, text: Text, image: Path | None) -> None:
        """Raises InputError for a goal without words, or with an image too few or too many."""
        if not text.words:
            raise InputError("the goal is empty")
        if image is None and self._facts.images:
            raise InputError("this adapter was trained with images, and none is given")
        if image is not None and not self._facts.images:
            refuse_images(self._encoder.name, [image])
            raise InputError("this adapter was trained without images, and one is given")

    def _path(
        self, text: Text, ways: Sequence[tuple[Text, ...]], matches: dict[Text, _Match]
    ) -> list[_Match]:
        """The likeliest pieces. Where all is known word for word, nothing is guessed."""
        known = [[matches[text]]] if matches[text].exact else []
        known += [path for path in (_known_path(way, matches) for way in ways) if path]
        if known:
            return min(known, key=len)
        return max([[matches[text]], *(_best(way, matches) for way in ways)], key=_score)

    def _look_up(
        self, spans: Sequence[Text], image: Path | None
    ) -> tuple[dict[Text, _Match], dict[str, float], list[int]]:
        """Each span's match and familiarity, and the known pieces nearest to the whole goal."""
        module = torch()
        plain = {span: span.without("n") for span in spans} if self._facts.repeats else {}
        texts = {text.key: text for text in [*spans, *plain.values()] if text.words}
        spoken = [text.spoken for text in texts.values()]
        raw = self._encoder.encode(spoken, [image] * len(spoken) if image else None)
        with module.inference_mode():
            meaning = self._head(raw) @ self._known.T
        letters = self._letters.encode(spoken) @ self._known_letters.T
        alike = (1 - self._letter_share) * meaning + self._letter_share * letters
        side = module.tensor(
            [[_sides(text) != known for known in self._sides] for text in texts.values()]
        )
        scores = alike - WRONG_SIDE * side
        seen = raw if self._probe is None else with_openings(self._encoder, spoken, raw)
        values = familiarity(seen, self._raw, self._probe).tolist()
        familiarities = dict(zip(texts, values, strict=True))
        rows = {key: row for row, key in enumerate(texts)}
        matches = {span: self._match(span, plain.get(span), rows, scores) for span in spans}
        top = (raw[0] @ self._raw.T).argsort(descending=True).tolist()
        return matches, familiarities, top

    def _match(self, span: Text, plain: Text | None, rows: dict[str, int], scores: Any) -> _Match:
        exact = None if self._facts.images else self._lexicon.exact(span)
        if exact is not None:
            return _Match(span, exact, 1.0, 1.0, exact=True)
        times = _count(span) if plain is not None else 0
        if plain is not None and times and plain.words:
            exact = self._lexicon.exact(plain)
            if exact is not None:
                return _Match(plain, exact, 1.0, 1.0, times, exact=True)
            span = plain
        module = torch()
        row = scores[rows[span.key]]
        best = int(row.argmax())
        plans = module.full((self._plans,), -9.0).scatter_reduce(0, self._labels, row, "amax")
        probability = float(module.softmax(plans * SCALE, 0).max())
        return _Match(span, self._entries[best], float(row[best]), probability, max(1, times))

    def _spell(self, word: str) -> str:
        """A word that nobody knows, as the taught one it is a slip of."""
        dictionary = self._encoder.dictionary
        if len(word) < 4 or word in self._words or (dictionary and word in dictionary):
            return word
        near = get_close_matches(word, self._words, n=1, cutoff=SLIP)
        if not near or (dictionary is None and sorted(near[0]) != sorted(word)):
            return word  # without a dictionary only letters that changed places are a slip
        return near[0]

    def _nearest(self, order: Sequence[int]) -> tuple[str, ...]:
        """The nearest goals that were taught, as they were written."""
        goals = dict.fromkeys(self._entries[i].goal for i in order if self._entries[i].goal)
        return tuple(islice(goals, NEAREST))

    def _plan(self, path: Sequence[_Match]) -> tuple[tuple[Step, ...], bool]:
        """The steps of the pieces, and whether they are all that was asked, in its very numbers."""
        made = [
            self._allowed(values)
            for match in path
            for values in filled(match.entry.plan, match.text) * match.times
        ]
        steps = tuple(step for step, _ in made[:MAX_STEPS])
        as_asked = (
            len(made) <= MAX_STEPS
            and all(is_unchanged for _, is_unchanged in made)
            and all_used([match.text for match in path], steps)
        )
        return steps, as_asked

    def _allowed(self, values: dict[str, Any]) -> tuple[Step, bool]:
        """A step within the library: parameters the action takes, in their ranges.

        False: a number had to be changed to be allowed.
        """
        name = values["action"]
        given: dict[str, float] = {}
        is_unchanged = True
        for key in self._library.spec(name).parameters:
            if key in values:
                limit = PARAMETERS[key]
                asked = float(values[key])
                number = min(max(asked, limit.low), limit.high)
                same = math.isclose(number, asked, rel_tol=1e-3, abs_tol=1e-3)
                is_unchanged = is_unchanged and same and (number > 0 or key not in COUNTED)
                given[key] = round(number) if limit.whole else round(number, 6)
        return Step(name, given), is_unchanged


def load_decoder(
    folder: Path, library: ActionLibrary, project_encoder: ImportedCode | Path | None = None
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
    expect_sample(encoder, facts.sample)
    try:
        head = load_lora(base_head(encoder.width), str(folder))
    except CadenzaError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever PEFT raises for a damaged file
        raise InputError(
            f"{folder}: PEFT cannot load it: {type(error).__name__}", hint="train it again"
        ) from None
    vectors = load_known(folder) if facts.images else None
    return ActionDecoder(encoder, head, facts, entries, library, vectors)


def _familiarity(text: Text, path: Sequence[_Match], familiarities: dict[str, float]) -> float:
    """That of the whole goal or of its least familiar piece, whichever is more."""
    if all(match.exact for match in path):
        return 1.0
    return max(familiarities[text.key], min(familiarities[match.text.key] for match in path))


def _spans(way: Sequence[Text]) -> list[Text]:
    return [
        joined(way[start:end])
        for start in range(len(way))
        for end in range(start + 1, len(way) + 1)
    ]


def _known_path(way: Sequence[Text], matches: dict[Text, _Match]) -> list[_Match] | None:
    """The fewest pieces that are all known word for word; None when some are not."""
    paths: list[list[_Match] | None] = [[]]
    for end in range(1, len(way) + 1):
        options = []
        for start in range(end):
            before, match = paths[start], matches[joined(way[start:end])]
            if before is not None and match.exact:
                options.append([*before, match])
        paths.append(min(options, key=len) if options else None)
    return paths[-1]


def _best(way: Sequence[Text], matches: dict[Text, _Match]) -> list[_Match]:
    """The best way to join neighbouring pieces."""
    words = sum(len(piece.words) for piece in way) or 1
    paths: list[tuple[float, list[_Match]]] = [(0.0, [])]
    for end in range(1, len(way) + 1):
        options = []
        for start in range(end):
            match = matches[joined(way[start:end])]
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


def _sides(text: Text) -> tuple[str, ...]:
    """The sides a text speaks of, in order: left, right, left is another way than the reverse."""
    sides = [word[:4] for word in text.words if word.startswith(("left", "right"))]
    return tuple(side for index, side in enumerate(sides) if side not in sides[index - 1 : index])
