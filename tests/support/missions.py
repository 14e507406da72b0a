"""A small mission to run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., int]
"""Run a subcommand of `cadenza env`: its errors are raised, its exit code is returned."""


def base_mission() -> dict[str, Any]:
    """Half a metre forward into a zone; nothing in the way."""
    return {
        "name": "short",
        "scene": {
            "objects": [],
            "zones": [{"name": "ahead", "aabb": [[-0.9, -0.5, 0.0], [-0.35, 0.5, 1.0]]}],
        },
        "phases": [
            {
                "name": "go",
                "goal_prompt": "walk forward 0.5 meters",
                "success_when": {"enter_zone": "ahead"},
                "fail_when": {"flipped": True},
                "reward": {"step_cost": -0.05, "phase_success_bonus": 2.0},
                "max_ticks": 5,
            }
        ],
    }


def write_project(folder: Path) -> Path:
    """A project folder with the short mission."""
    folder.mkdir()
    (folder / "env.json").write_text(json.dumps(base_mission()), "utf-8")
    return folder


def logs_of(project: Path) -> list[Path]:
    """A project's run logs, the oldest first."""
    return sorted((project / ".cadenza-env").glob("*.log.jsonl"))
