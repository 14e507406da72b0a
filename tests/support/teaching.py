"""What tests of adapters share: rows of examples, and a project that has some and an exam."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Goals = dict[str, list[dict[str, Any]]]


def rows(goals: Goals) -> str:
    """A file of examples."""
    return "".join(json.dumps({"goal": g, "actions": a}) + "\n" for g, a in goals.items())


REST = {
    "name": "rest",
    "control_panel": {"actions": {"signal_victim_found": "Person found, position follows"}},
    "phases": [{"name": "rest", "goal_prompt": "sit down", "success_when": {"elapsed_ticks": 1},
                "fail_when": {"flipped": True}, "max_ticks": 1}],
}  # fmt: skip
"""A mission that is won by sitting down once: a scorecard drives it in a second or two."""


def taught_project(house: Any, goals: Goals, tables: str, exam: Goals | None = None) -> Path:
    """A project with a small mission, these examples, and an exam; without one, it asks for the
    examples in a few more words, which does not count."""
    house.configure(improve=tables)
    house.environ["CONFIGURATION_DIRECTORY"] = str(house.root)
    made: Path = house.project()
    (made / "env.json").write_text(json.dumps(REST))
    (made / "lora" / "patterns.jsonl").write_text(rows(goals))
    if exam is None:
        exam = {f"please {goal} now": actions for goal, actions in goals.items()}
    (made / "lora" / "eval.jsonl").write_text(rows(exam))
    return made
