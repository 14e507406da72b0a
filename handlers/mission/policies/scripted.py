"""The scripted policy: do what the goal prompt says, and plan where the straight way is blocked."""

from __future__ import annotations

from handlers.mission.policies.guide import Guide
from handlers.mission.policies.protocol import Decision, View


class Scripted:
    """Does what the plan of the mission says."""

    name = "scripted"

    def __init__(self) -> None:
        self.guide = Guide()

    def begin(self, seed: int) -> None:
        self.guide.begin()

    def decide(self, view: View) -> Decision:
        advice = self.guide.advise(view)
        self.guide.took(view, advice.call)
        return Decision(advice.call, advice.reason)
