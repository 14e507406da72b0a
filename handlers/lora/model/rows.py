"""A row to learn from: a goal in words and the actions it means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from handlers.lora.model.text import read
from handlers.project.formats.examples import Step

Origin = Literal["pattern", "env", "run", "finetune"]

MAX_ACTIONS = 48

PUNCTUATION = frozenset(",;.:!?")


@dataclass(frozen=True, slots=True)
class Row:
    """A goal and its steps. `where` is file:line; `corrected`: canonical actions took part;
    `pinned`: its author wants it never to be lost.
    """

    goal: str
    actions: tuple[Step, ...]
    origin: Origin
    where: str
    image: str | None = None
    image_path: Path | None = None
    image_sha256: str | None = None
    corrected: bool = False
    pinned: bool = False

    @property
    def key(self) -> str:
        """Goals that read the same are the same; "" for a goal without a word."""
        return reading(self.goal)

    @property
    def plan(self) -> str:
        """The steps as one text: equal where they are."""
        return json.dumps([step.as_json() for step in self.actions], sort_keys=True)

    @property
    def shape(self) -> tuple[str, ...]:
        """The plan without its numbers."""
        return tuple(step.action for step in self.actions)


@lru_cache(maxsize=20_000)
def reading(goal: str) -> str:
    """A goal as the model reads it, without punctuation: "2 metres" is "two meters"."""
    text = read(goal)
    quantities = iter(text.quantities)
    return " ".join(
        f"{next(quantities).value:.4g}{word}" if word.startswith("#") else word
        for word in text.words
        if word not in PUNCTUATION
    )
