"""A robot's actions by what they are for, so that remedies can be said of any robot."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.judge.evidence.mission import acts_of
from handlers.project.library import PARAMETERS, ActionLibrary

PLAIN = (
    "walk_forward", "walk_backward", "side_step_left", "side_step_right", "turn_left",
    "turn_right", "trot_forward", "stand", "stand_up",
)  # fmt: skip
"""Of several actions of one kind these are meant; else the first of the library."""


class Moves:
    """For each purpose the action, or None where the robot has none.

    Purposes: forward, back, left, right (steps aside), turn left, turn right, quick (forward, not
    the plain one), still, up.
    """

    def __init__(self, library: ActionLibrary) -> None:
        self.library = library
        found: dict[str, list[str]] = {}
        for name, act in acts_of(library).items():
            purpose = _PURPOSES.get((act.axis, act.sign))
            if name is not None and purpose is not None:
                found.setdefault(purpose, []).append(name)
        self._actions = {
            purpose: next((name for name in names if name in PLAIN), names[0])
            for purpose, names in found.items()
        }
        quick = [name for name in found.get("forward", ()) if name.startswith(("trot", "run"))]
        self._actions |= {"quick": quick[0]} if quick else {}
        for purpose, names in (("still", ("stand",)), ("up", ("stand_up", "stand"))):
            known = [name for name in names if name in library]
            self._actions |= {purpose: known[0]} if known else {}

    def action(self, purpose: str) -> str | None:
        return self._actions.get(purpose)

    def parameters(self, action: str, amount: float | None, **more: float) -> Mapping[str, float]:
        """The action's main parameter and others, each within its range; what it has not is none.

        `amount`: m or rad.
        """
        spec = self.library.spec(action)
        given = dict(more)
        if amount is not None and spec.main_parameter in ("distance_m", "rotation_rad"):
            given = {spec.main_parameter: amount, **more}
        return {
            name: round(min(max(value, PARAMETERS[name].low), PARAMETERS[name].high), 2)
            for name, value in given.items()
            if name in spec.parameters
        }


_PURPOSES = {
    ("forward", 1): "forward",
    ("forward", -1): "back",
    ("side", 1): "left",
    ("side", -1): "right",
    ("turn", 1): "turn left",
    ("turn", -1): "turn right",
}
