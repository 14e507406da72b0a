"""Ways to put text into a prompt where it is written: in its literal, beside it, or behind it.

Each way is one range of one file that is replaced. Which of them holds is proven by reading the
changed file anew (source.py); here they come in the order in which they are to be tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from handlers.judge.prompt.reading.variable import Found
from handlers.judge.prompt.writing.documents import Document
from handlers.judge.prompt.writing.strings import Token, plain
from handlers.judge.prompt.writing.text import Ink, Text

_OPERAND = re.compile(r" \+ $|(?<=[\"']) $")
"""What stands before a string that is only ours: it is taken out with it."""


@dataclass(frozen=True, slots=True)
class Change:
    """Characters `start` to `end` of a document become `new`."""

    document: Document
    start: int
    end: int
    new: str

    def made(self) -> bytes:
        """The file's bytes with the change."""
        return self.document.spliced(self.start, self.end, self.new)


def changes(found: Found, start: int, end: int, new: str) -> Iterator[Change]:
    """Ways to have characters `start`:`end` of the prompt replaced by `new`."""
    if start < end:
        yield from _replaced(found.text, start, end, new)
    else:
        yield from _inserted(found, start, new)


def _ink(text: Text, at: int) -> Ink | None:
    ink = text.ink[at] if 0 <= at < len(text.value) else None
    return ink if ink is not None and ink.slot is not None else None


def _written(ink: Ink, new: str, *, fresh: bool, goes_on: bool) -> str | None:
    """How text is written so that all that is done to it afterwards leaves `new`."""
    assert ink.slot is not None
    for layer in reversed(ink.layers):
        new = layer.written(new, fresh=fresh, goes_on=goes_on)
    return ink.slot.written(new)


def _replaced(text: Text, start: int, end: int, new: str) -> Iterator[Change]:
    ink = _ink(text, start)
    if ink is None or any(one is None or one.slot is not ink.slot for one in text.ink[start:end]):
        return
    assert ink.slot is not None
    document = ink.slot.document
    before, behind = _ink(text, start - 1), _ink(text, end)
    first, last, goes_on = text.first[start], text.last[end - 1], False
    if before is not None and before.slot is ink.slot:
        first = text.last[start - 1]
    elif behind is not None and behind.slot is ink.slot:
        last, goes_on = text.first[end], True
    token = ink.slot
    if not new and isinstance(token, Token) and (first, last) == (token.body, token.end):
        lead = _OPERAND.search(document.text[max(0, token.begin - 3) : token.begin])
        if lead is not None:
            yield Change(document, token.begin - len(lead[0]), token.close, "")
    fresh = first != text.first[start] or (start == 0 and not goes_on)
    fresh = fresh and (start == 0 or text.value[start - 1] == "\n")
    written = _written(ink, new, fresh=fresh, goes_on=goes_on) if new else ""
    if written is not None:
        yield Change(document, first, last, written)


def _inserted(found: Found, at: int, new: str) -> Iterator[Change]:
    text = found.text
    before, behind = _ink(text, at - 1), _ink(text, at)
    if before is not None:
        yield from _behind(text, at, before, behind, new)
    elif behind is not None:
        written = _written(behind, new, fresh=False, goes_on=True)
        if written is not None and behind.slot is not None:
            place = text.first[at]
            yield Change(behind.slot.document, place, place, written)
    elif not text.value and text.empty is not None:
        ink, place = text.empty
        written = _written(ink, new, fresh=True, goes_on=False)
        if written is not None and ink.slot is not None:
            yield Change(ink.slot.document, place, place, written)
    if at == len(text.value) and found.node is not None and found.module is not None:
        document = found.module.document
        end = found.module.span(found.node)[1]
        yield Change(document, end, end, f" + {plain(document, new)}")


def _behind(text: Text, at: int, before: Ink, behind: Ink | None, new: str) -> Iterator[Change]:
    """In the string that the character before is written in; else in one of its own beside it."""
    slot = before.slot
    assert slot is not None
    fresh = text.value[at - 1] == "\n"
    written = _written(before, new, fresh=fresh, goes_on=False)
    place = text.last[at - 1]
    if written is not None:
        yield Change(slot.document, place, place, written)
    if isinstance(slot, Token) and (behind is None or behind.slot is not slot):
        for layer in reversed(before.layers[1 if slot.is_formatted else 0 :]):
            new = layer.written(new, fresh=fresh, goes_on=False)
        yield Change(slot.document, slot.close, slot.close, f" {plain(slot.document, new)}")
