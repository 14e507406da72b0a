"""A finding: what is wrong with a project, where, and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "hint"]
"""error: the mission cannot succeed as written; warning: it may not; hint: worth knowing."""

LEVELS: tuple[Level, ...] = ("error", "warning", "hint")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line about one place of env.json (`phases[1].goal_prompt`)."""

    level: Level
    place: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.level}: {self.place}: {self.what}" + (f"; {self.fix}" if self.fix else "")
