"""The random policy: anything the robot can do, in amounts that make sense; for variety in data."""

from __future__ import annotations

from math import pi
from random import Random

from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.protocol import Decision, View
from handlers.project.library import ActionSpec


class RandomPolicy:
    """Draws from the library and the control panel; the same seed draws the same."""

    name = "random"

    def __init__(self) -> None:
        self.random = Random(0)

    def begin(self, seed: int) -> None:
        self.random = Random(f"random policy {seed}")

    def decide(self, view: View) -> Decision:
        if not view.upright:
            return Decision(Call("stand_up"))
        spec = self.random.choice(list(view.library.actions.values()))
        return Decision(self._call(spec))

    def _call(self, spec: ActionSpec) -> Call:
        draw = self.random
        if spec.kind == "signal":
            return Call(spec.name)
        speed = round(draw.uniform(0.6, 1.4), 2)
        if spec.kind == "turn":
            return Call(spec.name, speed=speed, rotation_rad=round(draw.uniform(0.2, pi), 3))
        if spec.kind == "gait":
            reach = spec.default * draw.uniform(0.3, 1.5)
            return Call(spec.name, speed=speed, distance_m=round(reach, 2))
        return Call(spec.name, speed=speed)
