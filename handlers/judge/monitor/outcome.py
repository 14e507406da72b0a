"""What follows from what the monitor says: the event of a watch that is over, or a rollback."""

from __future__ import annotations

from typing import Any

from handlers.judge.monitor.sequential import Look
from store.events.prompt import PromptWatchEnded


def ended(version: int, look: Look) -> PromptWatchEnded | None:
    """The event of a version that stays; None while it is monitored, or is to be taken back."""
    if look.decision == "worse" or look.decision == "waiting":
        return None
    return PromptWatchEnded(
        version=version,
        test=look.test,
        evidence=dict(look.evidence),
        outcome=look.decision,
        reason=look.reason,
    )


def rollback_spec(version: int, look: Look) -> dict[str, Any]:
    """The spec of the job that takes a version back because of what the monitor says."""
    return {
        "action": "rollback",
        "version": version,
        "by": "cadenzad",
        "reason": look.reason,
        "test": look.test,
        "evidence": dict(look.evidence),
    }
