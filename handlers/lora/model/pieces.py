"""The pieces of a goal, in the order they are to be done: "B after A" is A, then B."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from handlers.goals.words.vocabulary import Role, sense_at
from handlers.lora.model.text import BREAKS, Text

MOST_TURNS = 8
"""Goals with more of "after" and "before" are not looked at in every order."""
MOST_COMMAS = 4
_FILLERS = frozenset({"first", "finally", "lastly", "next", "please", "also", "by", "you", "with"})
_GO = (("go",), ("come",), ("try",))
"""What "and" makes no thing to do of: "go and sit"."""
_HOW: frozenset[Role] = frozenset({"finely", "tempo"})
_ORDER_FILLERS = frozenset({"you", "you've", "having", "that", "doing", "have", "has", "are"})


def orders(text: Text) -> list[tuple[Text, ...]]:
    """The ways to cut a goal into its smallest pieces, each in the order they are to be done."""
    found = [tuple(_with_manner(_pieces(text)))]
    turns = [index for index, word in enumerate(text.words) if word in ("after", "before")]
    for index in turns[:MOST_TURNS]:
        word = text.words[index]
        head, tail = _cut(text, 0, index), _cut(text, index + 1, len(text.words))
        tail = _trimmed(tail, _ORDER_FILLERS)
        if index > 0 and word == "after" and tail.words[:1] not in ((), (",",)):
            found.append((*_pieces(tail), *_pieces(head)))
        elif index > 0 and word == "before":
            found.append((*_pieces(head), *_pieces(tail)))
        elif index == 0:  # "before A, B, C": which comma ends it only its pieces tell
            commas = [at for at, said in enumerate(tail.words) if said == ","]
            for comma in commas[:MOST_COMMAS]:
                one, two = _cut(tail, 0, comma), _cut(tail, comma + 1, len(tail.words))
                pair = (one, two) if word == "after" else (two, one)
                found.append((*_pieces(pair[0]), *_pieces(pair[1])))
    return list(dict.fromkeys(order for order in found if order))


def clauses(text: Text) -> int:
    """How many pieces a text has, however it is cut."""
    return max((len(order) for order in orders(text)), default=0)


def joined(pieces: Sequence[Text]) -> Text:
    """Neighbouring pieces as one."""
    words: list[str] = []
    for index, piece in enumerate(pieces):
        words += ["and", *piece.words] if index else piece.words
    return Text(tuple(words), tuple(q for piece in pieces for q in piece.quantities))


def _pieces(text: Text) -> Iterator[Text]:
    start = 0
    for index in range(len(text.words) + 1):
        if index < len(text.words) and not _is_break(text.words, index):
            continue
        piece = _trimmed(_cut(text, start, index), _FILLERS)
        if piece.words in _GO and text.words[index : index + 1] == ("and",):
            start = index + 1
            continue
        if piece.words:
            yield piece
        start = index + 1


def _with_manner(pieces: Iterable[Text]) -> Iterator[Text]:
    """The pieces, each with what follows it and says how it is done."""
    before: Text | None = None
    for piece in pieces:
        if before is not None and _says_only_how(piece):
            before = Text(before.words + piece.words, before.quantities + piece.quantities)
            continue
        if before is not None:
            yield before
        before = piece
    if before is not None:
        yield before


def _says_only_how(piece: Text) -> bool:
    """Whether a piece is no thing to do, but how it is done: "slip past the gap, carefully"."""
    if "#speed" in piece.words:
        return set(piece.words) <= {"#speed", "speed", "at", "with"}
    senses = [sense_at(piece.words, at) for at in range(len(piece.words))]
    return all(known is not None and known[0].role in _HOW for known in senses)


def _is_break(words: Sequence[str], index: int) -> bool:
    """Whether a word stands between two pieces: not the "next" of "next to", "the next step"."""
    if words[index] != "next":
        return words[index] in BREAKS
    before, after = words[index - 1 : index], words[index + 1 : index + 2]
    return after != ("to",) and before not in (("the",), ("your",))


def _trimmed(text: Text, fillers: frozenset[str]) -> Text:
    start = 0
    while start < len(text.words) and text.words[start] in fillers:
        start += 1
    return _cut(text, start, len(text.words))


def _cut(text: Text, start: int, end: int) -> Text:
    before = sum(word.startswith("#") for word in text.words[:start])
    words = text.words[start:end]
    inside = sum(word.startswith("#") for word in words)
    return Text(words, text.quantities[before : before + inside])
