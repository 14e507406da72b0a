"""Free text of a prompt's version: sentences of the block, and paragraphs that were rewritten.

A version's lines, in events and for people, say all it holds:

    - when stuck for 3 ticks: turn_left     a rule
    * Keep to the right of the heap.        a sentence of the block
    ~ "Walk slowly.\nStop at the door."     an open paragraph as it reads now, quoted as in JSON
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from handlers.judge.prompt.opened import Rewrite

SENTENCE, PARAGRAPH = "* ", "~ "
MOST_SENTENCES = 6
"""That a block holds."""


@dataclass(frozen=True, slots=True)
class Wording:
    """`sentences` without their mark; `rewrites` of open paragraphs."""

    sentences: tuple[str, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sentences or self.rewrites)

    @property
    def lines(self) -> tuple[str, ...]:
        """As a version's lines."""
        return (*map(sentence_line, self.sentences), *(line_of(r.after) for r in self.rewrites))

    @property
    def text(self) -> str:
        """All that would be new in the prompt."""
        return "\n".join((*self.sentences, *(rewrite.after for rewrite in self.rewrites)))


NOTHING = Wording()
"""No free text."""


def sentence_line(sentence: str) -> str:
    return f"{SENTENCE}{sentence}"


def sentence_on(line: str) -> str | None:
    """The sentence on a line of the block; None where it is another line."""
    return line.removeprefix(SENTENCE) if line.startswith(SENTENCE) else None


def line_of(paragraph: str) -> str:
    """The line for an open paragraph that was rewritten."""
    return PARAGRAPH + json.dumps(paragraph, ensure_ascii=False)


def paragraphs_in(lines: Iterable[str]) -> list[str]:
    """The rewritten paragraphs among a version's lines."""
    return [json.loads(line.removeprefix(PARAGRAPH)) for line in lines if is_paragraph(line)]


def is_free(line: str) -> bool:
    """Whether a version's line is free text."""
    return line.startswith((SENTENCE, PARAGRAPH))


def is_paragraph(line: str) -> bool:
    return line.startswith(PARAGRAPH)
