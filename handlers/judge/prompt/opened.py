"""Paragraphs that a prompt's author opened to free text (`judge.text = "free"`), by two marks.

    [cadenzad open]
    Walk toward the beacon, and take your time.
    [end of cadenzad open]

Each mark has a line of its own. What lies between may be rewritten, nothing else of the author's
ever. Rules, and our block, are not rewritten as text: a paragraph that holds one is closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from handlers.judge.prompt.rules.grammar import parse

BEGIN, END = "[cadenzad open]", "[end of cadenzad open]"
_MARK = re.compile(
    rf"^[ \t]*(?:(?P<begin>{re.escape(BEGIN)})|{re.escape(END)})[ \t]*$", re.MULTILINE
)
_CLOSING = re.compile(r"^[ \t]*(?:- when\b|\[(?:end of )?cadenzad)", re.MULTILINE)
"""What is no prose: a rule in whatever words, one of our marks."""


class Rewrite(NamedTuple):
    """A paragraph as it is, and as it is to be."""

    before: str
    after: str

    @property
    def back(self) -> Rewrite:
        return Rewrite(self.after, self.before)


class Paragraph(NamedTuple):
    """Characters `start` to `end` of the prompt, between the marks; with them, `outer`."""

    start: int
    end: int
    text: str
    outer: tuple[int, int]

    def lines(self, value: str) -> tuple[int, int]:
        """Its first and last line in the prompt, from 1."""
        first = _line(value, self.start)
        return first, first + self.text.count("\n")


class Opened(NamedTuple):
    """`paragraphs` that may be rewritten; `problems`: why others, that were marked, may not."""

    paragraphs: tuple[Paragraph, ...] = ()
    problems: tuple[str, ...] = ()


def opened(value: str) -> Opened:
    """What a prompt's author opened. Marks that do not match open nothing at all."""
    marked, problem = _marked(value)
    if problem:
        return Opened(problems=(problem,))
    free, problems = [], []
    for paragraph in marked:
        where = f"the paragraph of line {_line(value, paragraph.start)} of the prompt"
        if not paragraph.text.strip():
            problems.append(f"{where} is empty: write what is to be rewritten")
        elif holds_rules(paragraph.text):
            problems.append(f"{where} holds a rule or a managed block: keep those outside of it")
        else:
            free.append(paragraph)
    return Opened(tuple(free), tuple(problems))


def holds_rules(text: str) -> bool:
    """Whether a line of a text is a rule, reads like one, or is one of our marks."""
    lines = text.split("\n")
    return _CLOSING.search(text) is not None or any(parse(line) is not None for line in lines)


def outside(value: str, place: int, *, after: bool) -> int:
    """A place that is in no marked paragraph: this one, or that behind (before) the paragraph."""
    for paragraph in _marked(value)[0]:
        begin, end = paragraph.outer
        if begin < place < end:
            return min(end + 1, len(value)) if after else begin
    return place


def with_rewrites(value: str, rewrites: Iterable[Rewrite]) -> str | None:
    """A prompt with paragraphs rewritten; None where one of them is not there as it was."""
    for rewrite in rewrites:
        found = find(value, rewrite.before)
        if found is None:
            return None
        value = value[: found.start] + rewrite.after + value[found.end :]
    return value


def find(value: str, text: str) -> Paragraph | None:
    """The open paragraph with this text; None where there is none, or several."""
    found = [paragraph for paragraph in opened(value).paragraphs if paragraph.text == text]
    return found[0] if len(found) == 1 else None


def rewrites_between(old: str, new: str) -> tuple[Rewrite, ...]:
    """What became of the open paragraphs from one prompt to another that has the same ones."""
    before, after = opened(old).paragraphs, opened(new).paragraphs
    if len(before) != len(after):
        return ()
    pairs = zip(before, after, strict=True)
    return tuple(Rewrite(one.text, other.text) for one, other in pairs if one.text != other.text)


def _marked(value: str) -> tuple[list[Paragraph], str]:
    found: list[Paragraph] = []
    begun: re.Match[str] | None = None
    for mark in _MARK.finditer(value):
        is_begin = mark["begin"] is not None
        if is_begin == (begun is not None):
            return [], f"{mark[0].strip()} on line {_line(value, mark.start())} has no other mark"
        if begun is not None:
            start, end = begun.end() + 1, max(begun.end() + 1, mark.start() - 1)
            outer = (begun.start(), mark.end())
            found.append(Paragraph(start, end, value[start:end], outer))
        begun = mark if is_begin else None
    if begun is not None:
        line = _line(value, begun.start())
        return [], f"{BEGIN} on line {line} of the prompt has no {END}"
    return found, ""


def _line(value: str, at: int) -> int:
    return value.count("\n", 0, at) + 1
