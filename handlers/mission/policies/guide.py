"""What the plan of a mission says to do next: the goal prompt first, the route where that does not
lead on.

The scripted policy does what its guide says. The judgment of a tick asks a guide of its own, which
is told what was really done: so both mean the same plan, whoever drives.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, ceil, hypot, pi

from handlers.mission.locomotion.actions import LINES, MOST_M, TURNS
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.lookout import clear_to_signal, distance_to, signal_told
from handlers.mission.policies.prompts import calls_of, read_prompt
from handlers.mission.policies.protocol import View
from handlers.mission.route.fewest import fewest
from handlers.mission.route.footing import Spot, cell_of
from handlers.mission.route.ground import CRAWLED, ORDER, swept
from handlers.mission.route.route import Leg
from handlers.mission.world.sense import wrapped

AIM_RAD, NARROW_AIM_RAD, HURRIED_AIM_RAD = 0.06, 0.03, 0.12
"""Off the way by more than this, rad, it turns first: on most ground, where there is no room to
turn, and where ticks are short."""

BACKWARD_RAD = 0.3
"""Faces away from the way but for this, rad: without room to turn it may walk backward."""

ARRIVED_M, OFF_PATH_M = 0.05, 0.12
"""At the end of a leg, and off it, so that the way is planned anew, m."""

AWAY_M = 0.3
"""How much further from the target a move of the prompt may lead, m."""

LEG_MAX_M = 3.0
"""The longest walk or crawl in one action, m: then it looks again, unless ticks are short. Shorter
crawls stop, and begin anew, in the middle of a ramp, where three in 20 then fall."""

STEP_BACK_M, BUMP_M = 0.2, 0.35
"""How far it steps back from what it bumped into, and how far ahead of its middle that is, m."""

CAREFUL = (*CRAWLED, "closed", "solid")
"""Ground that it crawls over: and out of what it should not be in."""

REPORT_M = 0.5
"""With less than this left to go, m, it reports what it was told to, if that is in view."""


@dataclass(frozen=True, slots=True)
class Advice:
    """An action, how sure the plan is of it (0 to 1), and why."""

    call: Call
    confidence: float
    reason: str


class Guide:
    """One episode's way through the plan: in each tick `advise`, then `took` what was done."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new episode starts."""
        self.phase = -1
        self.steps: list[Call] = []
        self.doubt = ""
        self.legs: list[Leg] = []
        self.at: Spot = (0.0, 0.0)
        self.next_step = 0
        self.last: Call | None = None
        self.backed = self.reported = self.too_late = False

    def _enter(self, view: View) -> None:
        self.phase = view.phase_idx
        reading = read_prompt(view.phase)
        self.steps = [call for call in calls_of(reading) if call.action in view.library]
        self.doubt = f" (in doubt: {reading.doubts[0]})" if reading.doubtful else ""
        self.report = signal_told(view)
        self.legs, self.next_step, self.last = [], 0, None
        self.backed = self.reported = self.too_late = False

    def advise(self, view: View) -> Advice:
        """What to do now. To be asked once for each tick."""
        if view.phase_idx != self.phase:
            self._enter(view)
        route = view.route
        route.note(view.x, view.y, view.z)
        if not view.upright:
            return Advice(Call("stand_up"), 0.95, "not on its feet: stand up first")
        if view.last_outcome == "blocked" and not self.backed:
            step = self._step_back(view)
            if step is not None:
                return step
        if self.report is not None and not self.reported and self._report_due(view):
            return Advice(Call(self.report), 0.9, f"the goal says report: signal {self.report}")
        if route.there(view.x, view.y) and self._only_moves_left():
            return Advice(Call("stand"), 0.7, "at the target: hold position")
        step = self._prompt_step(view)
        if step is not None:
            return step
        if route.target is not None:
            return self._toward(view)
        if self.steps:
            self.next_step = 0
            step = self._prompt_step(view)
            if step is not None:
                return step
        return Advice(
            Call("stand"), 0.3, f"the goal asks for nothing more: hold position{self.doubt}"
        )

    def took(self, view: View, call: Call) -> None:
        """What was done in the tick that `advise` was asked for last."""
        self.backed = view.last_outcome == "blocked" and call.action == "walk_backward"
        if call.action == self.report:
            self.reported = True
        if self.next_step < len(self.steps) and _same(call, self.steps[self.next_step]):
            self.next_step += 1
        self.last = call

    def heading(self, view: View) -> float | None:
        """How far the robot faces off the way (rad, left positive); None without one."""
        self._plan(view)
        if not self.legs:
            return None
        leg = self.legs[0]
        return wrapped(atan2(leg.y - view.y, leg.x - view.x) - view.yaw)

    # -- special cases -----------------------------------------------------------------------------

    def _step_back(self, view: View) -> Advice | None:
        """Away from what was bumped into, and another way from there."""
        line = LINES.get(self.last.action) if self.last is not None else None
        if line is not None:
            _, at = swept(view.x, view.y, view.yaw, BUMP_M * line.along, BUMP_M * line.left)
            view.route.bumped(*at)
            self.legs = []
            view.route.note(view.x, view.y, view.z)
        start, end = swept(view.x, view.y, view.yaw, -STEP_BACK_M, 0.0)
        if view.route.ground.line(start, end) == "solid":
            return None
        call = Call("walk_backward", distance_m=STEP_BACK_M)
        return Advice(call, 0.7, "bumped into something: step back")

    def _report_due(self, view: View) -> bool:
        """Whether to send the signal that the goal speaks of: in view of what it reports, and
        where the phase leads."""
        if not clear_to_signal(view):
            return False
        near = view.phase.success_when.near_object
        if near is not None:
            return distance_to(view, near.tag) <= near.max_distance_m + REPORT_M
        return view.route.left(view.x, view.y) <= REPORT_M

    def _only_moves_left(self) -> bool:
        """Whether the prompt has nothing left to say that is not walking."""
        return all(step.action in LINES for step in self.steps[self.next_step :])

    # -- what the prompt says ----------------------------------------------------------------------

    def _prompt_step(self, view: View) -> Advice | None:
        """The prompt's next step, if it can be taken as it stands."""
        while self.next_step < len(self.steps):
            call = self.steps[self.next_step]
            if self._sensible(view, call):
                confidence = 0.5 if view.route.target is None else 0.8
                return Advice(call, confidence, f"the goal says {call.action}{self.doubt}")
            self.next_step += 1
        return None

    def _sensible(self, view: View, call: Call) -> bool:
        """A move must be free of obstacles, and not lead away from where the phase wants to be.

        To "stop between the heaps" it has to get there first.
        """
        line = LINES.get(call.action)
        if line is None:
            stops = call.action == "stand" and not call.duration_s
            return view.route.target is None or not stops or view.route.there(view.x, view.y)
        distance = (call.distance_m or line.distance) * call.repeat
        start, end = swept(view.x, view.y, view.yaw, distance * line.along, distance * line.left)
        route = view.route
        ground = route.ground.line(start, end)
        if ORDER[ground] >= ORDER["kept"]:
            return False
        if ground in CRAWLED and call.action not in ("crawl_forward", "climb_step"):
            return False
        if route.target is not None and line.along > 0 and not (call.distance_m or call.duration_s):
            return False  # it says to go there and not how far: the way leads
        if route.target is None or self.next_step + 1 < len(self.steps):
            return True  # the goal may well lead around before it leads there
        return route.left(*end) < route.left(*start) + AWAY_M and not _passes(view, start, end)

    # -- the planned way ---------------------------------------------------------------------------

    def _plan(self, view: View) -> None:
        """Keep to the legs as they are; plan anew from where the robot has left them."""
        while self.legs and hypot(self.legs[0].x - view.x, self.legs[0].y - view.y) < ARRIVED_M:
            self.at = (self.legs[0].x, self.legs[0].y)
            self.legs.pop(0)
        if not self.legs or self._strayed((view.x, view.y)):
            self.legs = view.route.legs(view.x, view.y)
            self.at = (view.x, view.y)

    def _strayed(self, here: Spot) -> bool:
        """Whether the robot has left the leg it was on."""
        leg = self.legs[0]
        dx, dy = leg.x - self.at[0], leg.y - self.at[1]
        length = hypot(dx, dy)
        if length < 1e-6:
            return False
        aside = (dx * (here[1] - self.at[1]) - dy * (here[0] - self.at[0])) / length
        return abs(aside) > OFF_PATH_M

    def _toward(self, view: View) -> Advice:
        self._plan(view)
        if not self.legs:
            return Advice(Call("stand"), 0.6, "no way leads nearer to the target: hold position")
        leg = self.legs[0]
        off = wrapped(atan2(leg.y - view.y, leg.x - view.x) - view.yaw)
        way = hypot(leg.x - view.x, leg.y - view.y)
        hurried = self._hurried(view)
        careful = leg.ground in CAREFUL
        if hurried:
            move = self._without_turning(view)
            if move is not None:
                return Advice(move, 0.6, "ticks are short: go there without turning")
        if abs(off) > _aim(leg, way, hurried):
            if abs(off) > pi - BACKWARD_RAD and self._cramped(view, way):
                call = Call("walk_backward", distance_m=round(min(way, LEG_MAX_M), 3))
                return Advice(call, 0.8, "no room to turn: walk backward")
            side = "left" if off > 0 else "right"
            call = Call(f"turn_{side}", rotation_rad=round(abs(off), 4))
            return Advice(call, 0.8, f"the way leads {side}: turn to it")
        most = MOST_M if hurried else LEG_MAX_M
        if careful:
            call = Call("crawl_forward", distance_m=round(min(way, most), 3))
            return Advice(call, 0.75, "rough ground on the way: crawl")
        call = Call(self._gait(), distance_m=round(min(way, most), 3))
        return Advice(call, 0.8, "the way is open: walk")

    def _hurried(self, view: View) -> bool:
        """Whether the phase has fewer ticks left than its legs take at the usual length."""
        needed, at = 0, (view.x, view.y)
        for leg in self.legs:
            needed += 1 + ceil(hypot(leg.x - at[0], leg.y - at[1]) / LEG_MAX_M)
            at = (leg.x, leg.y)
        return needed > view.phase.max_ticks - view.phase_tick

    def _cramped(self, view: View, way: float) -> bool:
        """Whether the robot would touch something if it turned, and not if it walked back."""
        ground = view.route.ground
        if ground.at(cell_of(view.x, view.y)) not in ("narrow", "closed"):
            return False
        back = view.route.stroll(*swept(view.x, view.y, view.yaw, -way, 0.0))
        return back.short_m == 0.0

    def _without_turning(self, view: View) -> Call | None:
        """The first move of a way that needs no more ticks than there are."""
        left, target = view.phase.max_ticks - view.phase_tick, view.route.target
        if self.too_late or target is None:
            return None
        move = fewest(view.route.ground, (view.x, view.y), view.yaw, target, left)
        if move is None:
            self.too_late = True
            return None
        along, aside = move
        name = "walk_forward" if along > 0 else "walk_backward"
        if aside:
            name = "side_step_left" if aside > 0 else "side_step_right"
        return Call(name, distance_m=round(min(abs(along + aside), MOST_M), 3))

    def _gait(self) -> str:
        """The gait the prompt speaks of, for open ground."""
        for call in self.steps:
            if call.action in ("trot_forward", "crawl_forward", "pace_forward", "bound_forward"):
                return call.action
        return "walk_forward"


def _aim(leg: Leg, way: float, hurried: bool) -> float:
    """How far off the way (rad) the robot may face and walk on."""
    aim = HURRIED_AIM_RAD if hurried else AIM_RAD
    if leg.ground == "narrow":
        return NARROW_AIM_RAD
    return max(aim, min(0.3, 0.03 / way))


def _passes(view: View, start: Spot, end: Spot) -> bool:
    """Whether a move would run into the target and out of it again."""
    middle = [
        (start[0] + (end[0] - start[0]) * k / 8, start[1] + (end[1] - start[1]) * k / 8)
        for k in range(1, 8)
    ]
    return any(view.route.there(*spot) for spot in middle) and not view.route.there(*end)


def _same(done: Call, step: Call) -> bool:
    """Whether what was done is what a step of the prompt asked for, as far as its kind goes."""
    if done.action == step.action:
        return True
    if done.action in TURNS and step.action in TURNS:
        return TURNS[done.action][1] == TURNS[step.action][1]
    a, b = LINES.get(done.action), LINES.get(step.action)
    return a is not None and b is not None and (a.along, a.left) == (b.along, b.left)
