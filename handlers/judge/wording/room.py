"""What free text there is room for in a prompt: sentences, and the paragraphs that are open."""

from __future__ import annotations

from dataclasses import dataclass, field

from handlers.judge.brain import providers_in
from handlers.judge.prompt.block import without_block
from handlers.judge.prompt.opened import Paragraph, find
from handlers.judge.prompt.prose import code_near
from handlers.judge.prompt.source import PromptSource, open_paragraphs
from handlers.judge.question.secrets import looks_secret

BY_CODE = "rules alone: code reads this prompt, no language model"


@dataclass(frozen=True)
class Room:
    """`paragraphs`: those that may be rewritten, by their number from 1. `why`: there is no room
    for any free text, and this is why; "" where there is."""

    paragraphs: dict[int, Paragraph] = field(default_factory=dict)
    why: str = ""

    @property
    def said(self) -> str:
        return self.why or f"free text: sentences, and {len(self.paragraphs)} open paragraphs"

    def lines(self, value: str) -> dict[int, tuple[int, int]]:
        """First and last line of each paragraph in the author's part of a prompt, from 1."""
        own = without_block(value)
        there = {number: find(own, one.text) for number, one in self.paragraphs.items()}
        return {number: one.lines(own) for number, one in there.items() if one is not None}


def room_in(source: PromptSource | None, share: str) -> Room:
    """What a model may write in a prompt. `share`: the setting; what it is not shown stays shut.

    Free text is for brains that read prose: a language model, or code that was written for prose.
    """
    if source is None:
        return Room(why="rules alone: the prompt cannot be edited")
    if not (source.is_prose or _asks_a_model(source)):
        return Room(why=BY_CODE)
    if share != "prompt":
        return Room()
    shown = [p for p in open_paragraphs(source) if not looks_secret(p.text)]
    return Room(dict(enumerate(shown, 1)))


def _asks_a_model(source: PromptSource) -> bool:
    files = code_near((source.path, source.found.path)) | {source.found.path}
    return any(providers_in(path.read_bytes()) for path in files if path.suffix == ".py")
