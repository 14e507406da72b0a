"""Methods of str, and dedent and cleandoc, on a text that knows where it is written.

Where a text has holes, an operation that looks at what it cannot know (are there spaces at the end
of this field?) gives a text that is not to be edited inside any more.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Sequence

from handlers.judge.prompt.writing.text import HOLE, LONGEST, Margin, Text, joined

COMPUTED = frozenset({"upper", "lower", "title", "capitalize", "casefold", "swapcase"})
TEXTUAL = COMPUTED | {"center", "ljust", "rjust", "zfill", "expandtabs", "translate"}
"""Methods that give a str, whatever it is."""


def stripped(text: Text, characters: str | None, *, left: bool, right: bool) -> Text:
    """`strip`, `lstrip`, `rstrip`."""
    value = text.value
    begin = len(value) - len(value.lstrip(characters)) if left else 0
    end = len(value.rstrip(characters)) if right else len(value)
    made = text.cut(begin, max(begin, end))
    if not made.value:
        return made if text.is_exact else text.unwritten()
    # A hole at the border may begin or end with what would be stripped.
    unsure = (left and made.ink[0] is HOLE) or (right and made.ink[-1] is HOLE)
    lost = HOLE in text.ink[:begin] or HOLE in text.ink[end:]
    return text.unwritten() if unsure or lost else made


def replaced(text: Text, old: Text, new: Text) -> Text | None:
    """`replace`, of all there are; None for what cannot be known."""
    if not old.value or not old.is_exact or not text.is_exact:
        return None
    if text.value.count(old.value) * len(new.value) > LONGEST:
        return None
    parts, at = [], 0
    while (found := text.value.find(old.value, at)) >= 0:
        parts += [text.cut(at, found), new.unwritten()]
        at = found + len(old.value)
    return joined([*parts, text.cut(at, len(text.value))])


def without_affix(text: Text, affix: Text, *, at_end: bool) -> Text | None:
    """`removesuffix`, `removeprefix`; None for what cannot be known."""
    size = len(affix.value)
    if not affix.is_exact or not text.is_exact:
        return None
    if not size:
        return text
    if at_end:
        return text.cut(0, len(text.value) - size) if text.value.endswith(affix.value) else text
    return text.cut(size, len(text.value)) if text.value.startswith(affix.value) else text


def dedented(text: Text) -> Text:
    """`textwrap.dedent`."""
    if not text.is_exact:
        return text.unwritten()
    lines = _lines(text.value)
    margin = _common([text.value[begin:end] for begin, end in lines])
    indices: list[int] = []
    for begin, end in lines:
        if text.value[begin:end].strip(" \t\n"):
            indices += range(begin + len(margin), end)
        elif text.value[begin:end].endswith("\n"):
            indices.append(end - 1)
    return _checked(text, indices, margin, textwrap.dedent(text.value))


def cleaned(text: Text) -> Text:
    """`inspect.cleandoc`: the first line apart from the others, no blank lines around."""
    if not text.is_exact:
        return text.unwritten()
    if "\t" in text.value:  # which it makes spaces of
        return Text.fixed(inspect.cleandoc(text.value))
    lines = _lines(text.value)
    margin = _common([text.value[begin:end] for begin, end in lines[1:]])
    kept: list[list[int]] = []
    for number, (begin, end) in enumerate(lines):
        line = text.value[begin:end]
        skip = len(line) - len(line.lstrip(" ")) if number == 0 else len(margin)
        kept.append(list(range(begin + min(skip, len(line.rstrip("\n"))), end)))
    blank = ["".join(text.value[at] for at in line) in ("", "\n") for line in kept]
    while kept and blank[-1]:
        kept.pop()
        blank.pop()
    while kept and blank[0]:
        kept.pop(0)
        blank.pop(0)
    indices = [at for line in kept for at in line]
    if indices and text.value[indices[-1]] == "\n":
        indices.pop()
    return _checked(text, indices, margin, inspect.cleandoc(text.value))


def _lines(value: str) -> list[tuple[int, int]]:
    """Where each line begins and ends, behind its newline."""
    found, begin = [], 0
    while begin < len(value):
        end = value.find("\n", begin) + 1 or len(value)
        found.append((begin, end))
        begin = end
    return found


def _common(lines: Sequence[str]) -> str:
    """The indentation that all lines with something on them share."""
    indents = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip(" \t\n")]
    shared = min(indents, key=len, default="")
    while not all(indent.startswith(shared) for indent in indents):
        shared = shared[:-1]
    return shared


def _checked(text: Text, indices: Sequence[int], margin: str, wanted: str) -> Text:
    """The chosen characters, if they are what Python's own function gives."""
    made = text.take(indices).under(Margin(margin))
    return made if made.value == wanted else Text.fixed(wanted)
