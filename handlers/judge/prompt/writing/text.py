"""A text that knows where each of its characters is written, so that it can be edited there.

`"a {x}".format(x=y).strip()` comes to a text whose characters lie in a literal, in another name's
literal, or nowhere in particular. Operations that choose among characters (strip, dedent, a slice)
keep what is known of each; others give characters that are written nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from handlers.judge.prompt.writing.documents import Document

LONGEST = 1 << 18
"""Characters; what comes to more is no prompt."""


class Slot(Protocol):
    """A place that characters are written in: a string token, a whole file, a value of YAML."""

    @property
    def document(self) -> Document: ...

    def written(self, text: str) -> str | None:
        """How a text is written there; None where it cannot be."""


class Layer(Protocol):
    """What is done to a literal on the way to the value, seen from the value."""

    def written(self, text: str, *, fresh: bool, goes_on: bool) -> str:
        """What has to be written to come out as `text`.

        `fresh`: it begins a line of the value, with nothing before it; `goes_on`: a line that was
        there goes on behind it.
        """


@dataclass(frozen=True, slots=True)
class Doubled:
    """Characters that stand for themselves only twice: braces under format, % under %."""

    characters: str

    def written(self, text: str, *, fresh: bool, goes_on: bool) -> str:
        for character in self.characters:
            text = text.replace(character, character * 2)
        return text


@dataclass(frozen=True, slots=True)
class Margin:
    """An indentation that is taken off every line."""

    margin: str

    def written(self, text: str, *, fresh: bool, goes_on: bool) -> str:
        *lines, last = text.split("\n")
        first = self.margin if fresh else ""
        made = first + f"\n{self.margin}".join([*lines, last])
        # Behind a last newline nothing is written, unless a line goes on there.
        return made if last or goes_on or not lines else made.removesuffix(self.margin)


@dataclass(frozen=True, slots=True)
class Ink:
    """What a character is written with: the slot, and what was done to it since, innermost first.

    Without a slot it is a hole: something that is known only when the code runs.
    """

    slot: Slot | None
    layers: tuple[Layer, ...] = ()


HOLE = Ink(None)


@dataclass(frozen=True, slots=True)
class Text:
    """A str of the project. Lists are by character: `first` and `last` its place in the document.

    `ink` is None for a character that is known and cannot be edited. `empty`: where an empty text
    is written.
    """

    value: str
    first: Sequence[int]
    last: Sequence[int]
    ink: Sequence[Ink | None]
    empty: tuple[Ink, int] | None = None

    @classmethod
    def fixed(cls, value: str) -> Text:
        """A text that is known and written nowhere."""
        nowhere = [0] * len(value)
        return cls(value, nowhere, nowhere, [None] * len(value))

    @classmethod
    def hole(cls, source: str) -> Text:
        """What is known only when the code runs, shown as its source in braces."""
        shown = "{" + " ".join(source.split())[:60] + "}"
        nowhere = [0] * len(shown)
        return cls(shown, nowhere, nowhere, [HOLE] * len(shown))

    @property
    def is_exact(self) -> bool:
        """Whether all of it is known."""
        return all(ink is None or ink.slot is not None for ink in self.ink)

    def __add__(self, other: Text) -> Text:
        if not self.value or not other.value:
            return self if self.value or not other.value else other
        return Text(
            self.value + other.value,
            [*self.first, *other.first],
            [*self.last, *other.last],
            [*self.ink, *other.ink],
        )

    def take(self, indices: Sequence[int]) -> Text:
        """The characters at these places."""
        return Text(
            "".join([self.value[at] for at in indices]),
            [self.first[at] for at in indices],
            [self.last[at] for at in indices],
            [self.ink[at] for at in indices],
        )

    def cut(self, begin: int, end: int) -> Text:
        return Text(
            self.value[begin:end], self.first[begin:end], self.last[begin:end], self.ink[begin:end]
        )

    def unwritten(self) -> Text:
        """The same, and not to be edited here."""
        ink = [one if one is HOLE else None for one in self.ink]
        return Text(self.value, self.first, self.last, ink)

    def under(self, layer: Layer) -> Text:
        """The same, with something done to all of it."""
        made: dict[int, Ink] = {}
        for one in self.ink:
            if one is not None and one.slot is not None and id(one) not in made:
                made[id(one)] = replace(one, layers=(*one.layers, layer))
        ink = [made.get(id(one), one) if one is not None else None for one in self.ink]
        return Text(self.value, self.first, self.last, ink, self.empty)


def joined(texts: Iterable[Text], separator: Text | None = None) -> Text:
    """Texts one after the other, in one go."""
    parts: list[Text] = []
    for text in texts:
        if parts and separator is not None:
            parts.append(separator)
        parts.append(text)
    if sum(len(part.value) for part in parts) > LONGEST:
        return Text.hole("longer than any prompt")
    if len([part for part in parts if part.value]) < 2:
        return next((part for part in parts if part.value), parts[0] if parts else Text.fixed(""))
    return Text(
        "".join(part.value for part in parts),
        [at for part in parts for at in part.first],
        [at for part in parts for at in part.last],
        [ink for part in parts for ink in part.ink],
    )


def of_characters(
    characters: Sequence[tuple[str, int, int]], ink: Ink, empty: int | None = None
) -> Text:
    """A text of characters as they are written: each with where it begins and ends."""
    return Text(
        "".join([character for character, _, _ in characters]),
        [first for _, first, _ in characters],
        [last for _, _, last in characters],
        [ink] * len(characters),
        (ink, empty) if empty is not None and not characters else None,
    )
