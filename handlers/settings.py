"""What a table of settings is made of: a strict model, bounds, and marks on who may set what."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

DAY = 86_400.0
"""Upper bounds keep a number within what timers and the kernel's timeouts can hold."""


class Mark(Enum):
    """What a key allows beyond being set in the daemon's own files.

    Of words, one further right in their Literal is the higher.
    """

    RESTART = "a running daemon takes it over only when it is started anew"
    PROJECT_RAISES = "a project may set it for itself, to the daemon's value or a higher one"
    PROJECT_LOWERS = "a project may set it for itself, to the daemon's value or a lower one"
    PROJECT_SETS = "a project may set it for itself: it is about its own files alone"


class Refusal(ValueError):
    """A value that a table refuses for a reason of its own; `hint` shows one that it takes."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Section(BaseModel):
    """A table of the file. Strict: `"4"` is no number and `1` is not `true`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


SectionT = TypeVar("SectionT", bound=Section)


class Settings:
    """Tables, each known by its type: who asks for one need not know the others."""

    def __init__(self, *sections: Section) -> None:
        self._sections = sections

    def of(self, kind: type[SectionT]) -> SectionT:
        """The table of a type; its defaults where it is not among these."""
        return next((item for item in self._sections if isinstance(item, kind)), kind())
