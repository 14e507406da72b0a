"""What the rules of a prompt say, for a brain that has ideas of its own besides."""

from __future__ import annotations

from typing import Any

from reading import decide  # the sample project's, which reads the grammar


def followed(observation: dict[str, Any], system_prompt: str) -> dict[str, Any] | None:
    """What the first rule that holds says; None where none does."""
    found: dict[str, Any] = decide(observation, f"{system_prompt}\n- when always: NONE")
    return None if found["action"] == "NONE" else found
