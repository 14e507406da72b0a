"""A brain that reads sentences, and before them the lines that begin with "- when"."""

from __future__ import annotations

from typing import Any

from habits import habit
from reflexes import followed

SYSTEM_PROMPT = """\
PROMPT"""


def decide(observation: dict[str, Any], system_prompt: str) -> dict[str, Any]:
    return followed(observation, system_prompt) or habit(observation, system_prompt)
