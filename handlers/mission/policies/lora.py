"""The learned policy: asks the project's deployed adapter what the phase's goal means.

The adapter decodes a goal into a plan once per phase; the plan is then carried out step by step,
and again from its start when the phase is not over. It says nothing of what stands in the way. So
each step is checked against dead reckoning, and where the robot is not near where the step should
have led it (it was blocked, pushed, or fell), the way there is planned over the height map and the
plan goes on with its next step. Decoding again would not help: an adapter reads the goal's words,
and those have not changed.

This module knows where a deployed adapter lies and the shape of its answer; loading and running one
is the adapters' own business, handed in as `decode`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import atan2, hypot
from pathlib import Path
from typing import Any

from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.protocol import Decision, View
from handlers.mission.policies.reckoning import Pose, after
from handlers.mission.route.ground import GroundMap
from handlers.mission.route.route import Leg, legs_to
from handlers.mission.world.sense import wrapped
from handlers.project.paths import ADAPTERS_DIR
from store.errors import InputError, ProjectError

Decode = Callable[[str], Sequence[Mapping[str, Any]]]
"""A goal -> [{"action": name, parameter: value, ...}, ...]."""

DEPLOYED = f"{ADAPTERS_DIR}/deployed"

OFF_M, OFF_RAD = 0.25, 0.35
"""Further than this from where a step should have led, the world is not as the plan assumed. Moves
of 1 m and turns are off by 1 cm and 0.004 rad at their worst, under pushes by 8 cm and 0.07 rad."""

BACK_M, BACK_RAD = 0.1, 0.1
"""So near to it the robot is back on the plan."""

TRIES = 12
"""Actions on the way back to one place; then the plan goes on from where the robot is."""

STEP_BACK_M, WALK_M, CRAWL_M = 0.2, 3.0, 1.2
"""Away from what it bumped into, and the longest action on the way back, m."""


def deployed_adapter(project: Path) -> Path:
    """The folder of the project's deployed adapter.

    Raises ProjectError, which says how to train one, when there is none.
    """
    folder = project / DEPLOYED
    if not folder.is_dir():
        raise ProjectError(
            f"{project}: no adapter is deployed, so there is no learned policy yet",
            hint=f"cadenza env lora finetune {project} --gate trains one and deploys it when it "
            "passes; until then use --policy scripted",
        )
    return folder.resolve()


class Lora:
    """Carries out what the adapter makes of each phase's goal."""

    name = "lora"

    def __init__(self, decode: Decode) -> None:
        self.decode = decode
        self.begin(0)

    def begin(self, seed: int) -> None:
        self.phase = -1
        self.plan: list[Call] = []
        self.step = 0
        self.due: Pose | None = None
        self.legs: list[Leg] = []
        self.tries = 0
        self.backed = False

    def decide(self, view: View) -> Decision:
        if view.phase_idx != self.phase:
            self._enter(view)
        if not view.upright:
            return Decision(Call("stand_up"), "not on its feet: stand up first")
        if not self.plan:
            return Decision(Call("stand"), "the adapter gives no plan for this goal")
        here = Pose(view.x, view.y, view.yaw)
        return self._way_back(view, here) or self._next(here)

    def _enter(self, view: View) -> None:
        self.phase, self.step, self.due, self.tries = view.phase_idx, 0, None, 0
        self.plan = self._decoded(view)
        fail = view.phase.fail_when.enter_zone
        self.ground = GroundMap(
            view.route.ground.footing, [view.spec.scene.zone(fail)] if fail else []
        )

    def _next(self, here: Pose) -> Decision:
        """The plan's next step; from its start, and from here, when it is through."""
        index = self.step % len(self.plan)
        start = here if self.due is None or index == 0 else self.due
        call = self.plan[index]
        self.step, self.tries, self.backed, self.legs = self.step + 1, 0, False, []
        self.due = after(start, call)
        return Decision(call, f"step {index + 1} of the decoded plan")

    def _way_back(self, view: View, here: Pose) -> Decision | None:
        """An action toward where the last step should have led; None when the robot is there.

        Also when that place cannot be reached: the plan goes on from here then.
        """
        if self.due is None:
            return None
        metres, radians = here.off(self.due)
        near = (BACK_M, BACK_RAD) if self.tries else (OFF_M, OFF_RAD)
        if metres <= near[0] and radians <= near[1]:
            return None
        call = self._toward(view, here, self.due) if self.tries < TRIES else None
        if call is None:
            self.due = here
            return None
        self.tries += 1
        return Decision(call, f"{metres:.2f} m off the decoded plan: back to where it should be")

    def _toward(self, view: View, here: Pose, due: Pose) -> Call | None:
        """The next action of the way to a pose; None when it cannot be reached."""
        if view.last_outcome == "blocked" and not self.backed:
            self.backed, self.legs = True, []
            return Call("walk_backward", distance_m=STEP_BACK_M)
        self.backed = False
        if here.off(due)[0] <= BACK_M:
            return _turn(wrapped(due.yaw - here.yaw))
        while self.legs and hypot(self.legs[0].x - here.x, self.legs[0].y - here.y) <= BACK_M / 2:
            self.legs.pop(0)
        if not self.legs:
            self.legs = legs_to(self.ground, (here.x, here.y), (due.x, due.y))
        if not self.legs:
            return None
        leg = self.legs[0]
        aside = wrapped(atan2(leg.y - here.y, leg.x - here.x) - here.yaw)
        if abs(aside) > BACK_RAD:
            return _turn(aside)
        way = hypot(leg.x - here.x, leg.y - here.y)
        if leg.ground in ("rough", "closed", "solid"):
            return Call("crawl_forward", distance_m=round(min(way, CRAWL_M), 3))
        return Call("walk_forward", distance_m=round(min(way, WALK_M), 3))

    def _decoded(self, view: View) -> list[Call]:
        calls = []
        for action in self.decode(view.phase.goal_prompt):
            problems = view.library.validate(action)
            if problems:
                raise InputError(f"the adapter's plan for {view.phase.name!r}: {problems[0]}")
            params = {k: v for k, v in action.items() if k != "action" and not k.startswith("_")}
            calls.append(Call.of(str(action["action"]), params))
        return calls


def _turn(angle: float) -> Call:
    return Call("turn_left" if angle > 0 else "turn_right", rotation_rad=round(abs(angle), 4))
