"""Missions with something forbidden in the way, and adapters that answer as they are told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handlers.lora.model.interface import Decoded
from handlers.project.formats.examples import Step
from handlers.project.project import Project
from handlers.project.spec import parse_spec
from store.errors import InputError

ACROSS = "cross the hall"
"""The goal of the one phase."""

LAVA = {"name": "lava", "aabb": [[-1.4, -0.5, 0.0], [-0.8, 0.5, 1.0]]}
FAR = {"name": "far", "aabb": [[-2.6, -1.2, 0.0], [-1.8, 1.2, 1.0]]}


def lava_hall(**phase: Any) -> dict[str, Any]:
    """A hall whose far end lies behind lava; a way leads past it on either side."""
    return {
        "name": "hall",
        "scene": {"objects": [], "zones": [LAVA, FAR]},
        "phases": [
            {
                "name": "across",
                "goal_prompt": ACROSS,
                "success_when": {"enter_zone": "far"},
                "fail_when": {"enter_zone": "lava", "flipped": True},
                "max_ticks": 6,
                **phase,
            }
        ],
    }


def project_of(folder: Path, mission: Mapping[str, Any]) -> Project:
    """A project in a folder that need not hold it: nothing but env.json's content is used."""
    return Project(folder, parse_spec(json.dumps(mission).encode(), "env.json"))


def step(action: str, **parameters: float) -> Step:
    return Step(action, parameters)


STRAIGHT = (step("walk_forward", distance_m=2.2),)
AROUND = (
    step("side_step_left", distance_m=0.9),
    step("walk_forward", distance_m=2.2),
)


class Says:
    """An adapter that makes of each goal what it is told, and refuses every other one."""

    def __init__(self, plans: Mapping[str, tuple[Step, ...]], *, needs_image: bool = False) -> None:
        self.plans, self.needs_image = plans, needs_image

    def decode(self, goal: str, image: Path | None = None) -> Decoded:
        if self.needs_image and image is None:
            raise InputError("this adapter was trained with images, and none is given")
        plan = self.plans.get(goal, ())
        return Decoded(goal, plan, not plan, False, (), 0.9, 0.9)
