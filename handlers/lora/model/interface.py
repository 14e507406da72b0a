"""What decoding a goal gives, and the interface that the scorecard and the mission use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from handlers.project.formats.examples import Step


@dataclass(frozen=True, slots=True)
class Decoded:
    """A goal's plan, or its refusal.

    `refused`: the goal is nothing this adapter was taught anything like; `nearest` are the known
    goals nearest to it. `doubtful`: it is, but which plan is meant is not clear, or a number had to
    be cut to what the robot can do. `confidence` is the probability of the plan among those known,
    `familiarity` how much the goal resembles what was taught: 1 for its very words. `doubts`: the
    words that are in doubt, or forbid something, each with why.
    """

    goal: str
    actions: tuple[Step, ...]
    refused: bool
    doubtful: bool
    nearest: tuple[str, ...]
    confidence: float
    familiarity: float
    doubts: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "goal": self.goal,
            "actions": [step.as_json() for step in self.actions],
            "refused": self.refused,
            "doubtful": self.doubtful,
            "nearest": list(self.nearest),
            "confidence": round(self.confidence, 4),
            "familiarity": round(self.familiarity, 4),
            "doubts": list(self.doubts),
        }


class Decoder(Protocol):
    """Turns goals into plans, the same goal into the same plan."""

    def decode(self, goal: str, image: Path | None = None) -> Decoded: ...
