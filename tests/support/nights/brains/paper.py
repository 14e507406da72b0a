"""A brain whose prompt is a page of its own, prompt.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reflexes import followed

SYSTEM_PROMPT = Path(__file__).with_name("prompt.md").read_text(encoding="utf-8")


def decide(observation: dict[str, Any], system_prompt: str) -> dict[str, Any]:
    return followed(observation, system_prompt) or {"action": "stand"}
