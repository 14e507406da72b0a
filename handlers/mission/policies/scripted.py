"""The scripted policy: do what the goal prompt says, and plan where the straight way is blocked."""

from __future__ import annotations

from collections.abc import Callable
from math import atan2, hypot

from handlers.mission.locomotion.actions import LINES
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.prompts import calls_of, read_prompt
from handlers.mission.policies.protocol import Decision, View
from handlers.mission.policies.route import GroundMap, Leg, Spot, plan, swept
from handlers.mission.world.sense import wrapped
from handlers.mission.world.vision import place_of
from handlers.project.scene import Zone

AIM_RAD = 0.06
"""Off the way by more than this, rad, it turns first."""

ARRIVED_M, OFF_PATH_M = 0.05, 0.12
"""At the end of a leg, and off it, so that the way is planned anew, m."""

MARGIN_M = 0.12
"""How far inside a zone it wants to be, m: or a quarter of the zone, where that is less."""

AWAY_M = 0.3
"""How much further from the target a move of the prompt may lead, m."""

LEG_MAX_M, CRAWL_MAX_M = 3.0, 1.2
"""The longest walk and crawl in one action, m: then it looks again."""

STEP_BACK_M = 0.2
"""How far it steps back from what it bumped into, m."""


class Target:
    """Where a phase wants the robot: inside a zone (away from its border) or near a tag."""

    def __init__(
        self, inside: Callable[[float, float], bool], way: Callable[[Spot], float]
    ) -> None:
        self.inside = inside
        self.way = way

    @classmethod
    def zone(cls, zone: Zone) -> Target:
        (ax, ay, _), (bx, by, _) = zone.aabb
        mx, my = min(MARGIN_M, (bx - ax) / 4), min(MARGIN_M, (by - ay) / 4)
        return cls(
            lambda x, y: ax + mx <= x <= bx - mx and ay + my <= y <= by - my,
            lambda at: hypot(
                max(ax + mx - at[0], 0.0, at[0] - bx + mx),
                max(ay + my - at[1], 0.0, at[1] - by + my),
            ),
        )

    @classmethod
    def tag(cls, places: list[Spot], reach: float) -> Target:
        def way(at: Spot) -> float:
            return max(0.0, min(hypot(px - at[0], py - at[1]) for px, py in places) - reach)

        return cls(lambda x, y: way((x, y)) <= 0.0, way)


def target_of(view: View) -> Target | None:
    """The place the phase's success_when asks for, None when it asks for none."""
    wanted = view.phase.success_when
    if wanted.enter_zone is not None:
        return Target.zone(view.spec.scene.zone(wanted.enter_zone))
    if wanted.near_object is not None:
        near = wanted.near_object
        places = [place_of(item)[:2] for item in view.spec.scene.tagged(near.tag)]
        return Target.tag(places, 0.75 * near.max_distance_m)
    return None


class Scripted:
    """Goal prompt first, A* where that does not lead on."""

    name = "scripted"

    def __init__(self) -> None:
        self.begin(0)

    def begin(self, seed: int) -> None:
        self.phase = -1
        self.steps: list[Call] = []
        self.doubt = ""
        self.legs: list[Leg] = []
        self.at: Spot = (0.0, 0.0)
        self.next_step = 0
        self.backed = False

    def _enter(self, view: View) -> None:
        self.phase = view.phase_idx
        reading = read_prompt(view.phase)
        self.steps = [call for call in calls_of(reading) if _known(view, call)]
        self.doubt = f" (in doubt: {reading.doubts[0]})" if reading.doubtful else ""
        self.legs, self.next_step, self.backed = [], 0, False
        fail = view.phase.fail_when.enter_zone
        self.ground = GroundMap(view.terrain, [view.spec.scene.zone(fail)] if fail else [])
        self.target = target_of(view)

    def decide(self, view: View) -> Decision:
        if view.phase_idx != self.phase:
            self._enter(view)
        if not view.upright:
            return Decision(Call("stand_up"), "not on its feet: stand up first")
        if view.last_outcome == "blocked" and not self.backed:
            self.backed, self.legs = True, []
            return Decision(
                Call("walk_backward", distance_m=STEP_BACK_M), "bumped into something: step back"
            )
        self.backed = False
        if (
            self.target is not None
            and self.target.inside(view.x, view.y)
            and self._only_moves_left()
        ):
            return Decision(Call("stand"), "at the target: hold position")
        step = self._prompt_step(view)
        if step is not None:
            return step
        if self.target is not None:
            return self._toward(view, self.target)
        if self.steps:
            self.next_step = 0
            step = self._prompt_step(view)
            if step is not None:
                return step
        return Decision(Call("stand"), f"the goal asks for nothing more: hold position{self.doubt}")

    def _only_moves_left(self) -> bool:
        """Whether the prompt has nothing left to say that is not walking."""
        return all(step.action in LINES for step in self.steps[self.next_step :])

    # -- what the prompt says ----------------------------------------------------------------------

    def _prompt_step(self, view: View) -> Decision | None:
        """The prompt's next step, if it can be taken as it stands."""
        while self.next_step < len(self.steps):
            call = self.steps[self.next_step]
            self.next_step += 1
            if self._sensible(view, call):
                return Decision(call, f"the goal says {call.action}{self.doubt}")
        return None

    def _sensible(self, view: View, call: Call) -> bool:
        """A move must be free of obstacles, and not lead away from where the phase wants to be."""
        line = LINES.get(call.action)
        if line is None:
            return True
        distance = (call.distance_m or line.distance) * call.repeat
        start, end = swept(view.x, view.y, view.yaw, distance * line.along, distance * line.left)
        ground = self.ground.line(start, end)
        careful = call.action in ("crawl_forward", "climb_step")
        if ground == "closed" or (ground != "open" and not careful):
            return False
        if self.target is None:
            return True
        if self.next_step < len(self.steps):
            return True  # the goal may well lead around before it leads there
        return self.target.way(end) < self.target.way(start) + AWAY_M and not self._passes(
            start, end
        )

    def _passes(self, start: Spot, end: Spot) -> bool:
        """Whether a move would run into the target and out of it again."""
        assert self.target is not None
        middle = [
            (start[0] + (end[0] - start[0]) * k / 8, start[1] + (end[1] - start[1]) * k / 8)
            for k in range(1, 8)
        ]
        return any(self.target.inside(*spot) for spot in middle) and not self.target.inside(*end)

    # -- the planned way ---------------------------------------------------------------------------

    def _toward(self, view: View, target: Target) -> Decision:
        here = (view.x, view.y)
        while self.legs and hypot(self.legs[0].x - view.x, self.legs[0].y - view.y) < ARRIVED_M:
            self.at = (self.legs[0].x, self.legs[0].y)
            self.legs.pop(0)
        if not self.legs or self._strayed(here):
            self.legs = plan(self.ground, here, target.inside, lambda x, y: target.way((x, y)))
            self.at = here
        if not self.legs:
            return Decision(Call("stand"), "no way leads nearer to the target: hold position")
        return self._follow(view, self.legs[0])

    def _strayed(self, here: Spot) -> bool:
        """Whether the robot has left the leg it was on."""
        leg = self.legs[0]
        dx, dy = leg.x - self.at[0], leg.y - self.at[1]
        length = hypot(dx, dy)
        if length < 1e-6:
            return False
        aside = (dx * (here[1] - self.at[1]) - dy * (here[0] - self.at[0])) / length
        return abs(aside) > OFF_PATH_M

    def _follow(self, view: View, leg: Leg) -> Decision:
        dx, dy = leg.x - view.x, leg.y - view.y
        off = wrapped(atan2(dy, dx) - view.yaw)
        way = hypot(dx, dy)
        if abs(off) > max(AIM_RAD, min(0.3, 0.03 / way)):
            side = "left" if off > 0 else "right"
            return Decision(
                Call(f"turn_{side}", rotation_rad=round(abs(off), 4)),
                f"the way around leads {side}: turn to it",
            )
        if leg.ground in ("rough", "closed"):
            return Decision(
                Call("crawl_forward", distance_m=round(min(way, CRAWL_MAX_M), 3)),
                "rough ground on the way: crawl",
            )
        return Decision(
            Call(self._gait(), distance_m=round(min(way, LEG_MAX_M), 3)), "the way is open: walk"
        )

    def _gait(self) -> str:
        """The gait the prompt speaks of, for open ground."""
        for call in self.steps:
            if call.action in ("trot_forward", "crawl_forward", "pace_forward", "bound_forward"):
                return call.action
        return "walk_forward"


def _known(view: View, call: Call) -> bool:
    return call.action in view.library
