"""What the rules of a prompt say, for a brain that has ideas of its own besides."""

from __future__ import annotations

from typing import Any

from reading import decide  # the sample project's, which reads the grammar


def followed(observation: dict[str, Any], system_prompt: str) -> dict[str, Any] | None:
    """What the first rule that holds says; None where none does."""
    found: dict[str, Any] = decide(observation, f"{system_prompt}\n- when always: NONE")
    return None if found["action"] == "NONE" else found


def call(action: str, amount: str | None) -> dict[str, Any]:
    """An action with how far (m) or how much (rad) it goes."""
    if amount is None:
        return {"action": action}
    name = "rotation_rad" if action.startswith("turn") else "distance_m"
    return {"action": action, name: float(amount)}
