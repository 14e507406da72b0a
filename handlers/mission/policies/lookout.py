"""Looking around and signalling: driven by what is in view, whoever drives the rest.

A phase that is won by seeing or by signalling is never left to a learned head: its act is decided
here, from the cone of view and from where the robot stands, under every policy.
"""

from __future__ import annotations

import re
from math import ceil, hypot, pi, radians

from handlers.goals.reading import asks_to_report
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.protocol import Decision, Policy, View
from handlers.mission.world.vision import bearing, highest_ahead, place_of

EXPLORE_M = 0.6
"""How far it walks on to look from there, m."""

SCAN_RAD = pi / 4
"""The most it turns before it looks again, rad."""

FACED_RAD = 0.1
"""Nearer than this it faces what it turned to, rad."""


def signal_wanted(view: View) -> str | None:
    """The signal the phase waits for, None when it waits for none or has none to send."""
    wanted = view.phase.success_when.signal_emitted
    if not wanted or not view.spec.signals:
        return None
    return wanted if isinstance(wanted, str) else view.spec.signals[0]


def signal_told(view: View) -> str | None:
    """The signal that the goal speaks of, in a phase that does not wait for one.

    Of several, the one whose words the goal uses more of than any other's; else none.
    """
    if view.phase.success_when.signal_emitted or not view.spec.signals:
        return None
    goal = view.phase.goal_prompt
    if not asks_to_report(goal):
        return None
    if len(view.spec.signals) == 1:
        return view.spec.signals[0]
    words = set(re.findall(r"\w+", goal.casefold()))

    def shared(name: str) -> int:
        text = f"{name} {view.spec.control_panel.actions[name]}"
        return len(words.intersection(re.findall(r"[^\W_]+", text.casefold())))

    first, second = sorted(view.spec.signals, key=shared, reverse=True)[:2]
    return first if shared(first) > shared(second) else None


def distance_to(view: View, tag: str) -> float:
    """Horizontal distance (m) to the middle of the nearest object with a tag."""
    places = map(place_of, view.spec.scene.tagged(tag))
    return min(hypot(px - view.x, py - view.y) for px, py, _ in places)


def clear_to_signal(view: View) -> bool:
    """Whether what a signal reports is in view, or nothing has to be."""
    needed = view.spec.control_panel.requires_visible_tag
    return not needed or needed in view.visible


def scan_step(view: View) -> float:
    """How far it turns before it looks again, rad: so that the fields of view overlap."""
    return min(radians(view.spec.vision.fov_deg) * 0.8, SCAN_RAD)


class Lookout:
    """Turns step by step until what is looked for is in view, then holds still or signals."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new episode starts."""
        self.tick, self.phase, self.turned = -1, -1, 0
        self.near = self.seen = 0

    def advise(self, view: View) -> Decision | None:
        """The next step of looking or signalling; None while there is something else to do.

        To be asked once for each tick.
        """
        wanted = view.phase.success_when
        self._count(view)
        if wanted.see_object is None and not wanted.signal_emitted:
            return None
        if not self._in_place(view):
            return None
        if not view.upright:
            return Decision(Call("stand_up"), "not on its feet: stand up before looking")
        sought = wanted.see_object
        if sought is not None and sought.tag not in view.visible:
            return self._search(view, sought.tag)
        signal = signal_wanted(view)
        if signal is None:
            return Decision(Call("stand"), "it is in view: hold still")
        needed = view.spec.control_panel.requires_visible_tag
        if not clear_to_signal(view):
            return self._search(view, str(needed))
        if not self._held_long_enough(view):
            return Decision(Call("stand"), f"hold still before {signal} is due")
        return Decision(Call(signal), f"{needed or 'all'} is in view: signal {signal}")

    def _in_place(self, view: View) -> bool:
        """Whether the robot is where the phase wants it; looking is all that is left to do."""
        wanted = view.phase.success_when
        if wanted.exit_zone is not None and not view.route.there(view.x, view.y):
            return False
        if wanted.enter_zone is not None:
            zone = view.spec.scene.zone(wanted.enter_zone)
            if not zone.contains((view.x, view.y, view.z)):
                return False
        near = wanted.near_object
        return near is None or distance_to(view, near.tag) <= near.max_distance_m

    def _count(self, view: View) -> None:
        """For how many ticks of the phase the robot has been near, and has seen, what it should."""
        if view.tick == self.tick:
            return
        if view.phase_idx != self.phase:
            self.phase, self.turned = view.phase_idx, 0
            self.near = self.seen = 0
        elif view.phase_tick:
            wanted = view.phase.success_when
            near, sought = wanted.near_object, wanted.see_object
            close = near is not None and distance_to(view, near.tag) <= near.max_distance_m
            self.near = self.near + 1 if close else 0
            self.seen = self.seen + 1 if sought and sought.tag in view.visible else 0
        self.tick = view.tick

    def _held_long_enough(self, view: View) -> bool:
        """Whether a signal sent now comes in the tick in which the rest has held long enough."""
        wanted = view.phase.success_when
        near, sought = wanted.near_object, wanted.see_object
        return (near is None or self.near + 1 >= near.for_ticks) and (
            sought is None or self.seen + 1 >= sought.for_ticks
        )

    def _search(self, view: View, tag: str) -> Decision:
        near = view.phase.success_when.near_object
        if near is not None and near.tag == tag:
            px, py, _ = min(
                map(place_of, view.spec.scene.tagged(tag)),
                key=lambda at: hypot(at[0] - view.x, at[1] - view.y),
            )
            off = bearing(view.x, view.y, view.yaw, px, py)
            if abs(off) > FACED_RAD:
                side = "left" if off > 0 else "right"
                call = Call(f"turn_{side}", rotation_rad=round(abs(off), 4))
                return Decision(call, f"the {tag} is not in view: turn to it")
        step = scan_step(view)
        if self.turned >= ceil(2 * pi / step):
            self.turned = 0
            if highest_ahead(view.terrain, view.x, view.y, view.yaw, EXPLORE_M + 0.4) < 0.02:
                return Decision(
                    Call("walk_forward", distance_m=EXPLORE_M),
                    f"no {tag} anywhere around: walk on and look from there",
                )
        self.turned += 1
        return Decision(
            Call("turn_left", rotation_rad=round(step, 4)), f"no {tag} in view: turn and look"
        )


class VisionFirst:
    """Any policy, with looking and signalling taken out of its hands."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.lookout = Lookout()

    @property
    def name(self) -> str:
        return self.policy.name

    def begin(self, seed: int) -> None:
        self.lookout.begin()
        self.policy.begin(seed)

    def decide(self, view: View) -> Decision:
        return self.lookout.advise(view) or self.policy.decide(view)
