"""Looking around and signalling: driven by what is in view, whoever drives the rest.

A phase that is won by seeing or by signalling is never left to a learned head: its act is decided
here, from the cone of view alone, under every policy.
"""

from __future__ import annotations

from math import ceil, pi, radians

from handlers.mission.episode.conditions import nearest_tag
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.protocol import Decision, Policy, View
from handlers.mission.world.vision import highest_ahead

EXPLORE_M = 0.6


def looks(view: View) -> bool:
    """Whether the phase is at a point where only looking or signalling is left to do."""
    wanted = view.phase.success_when
    if wanted.see_object is None and not wanted.signal_emitted:
        return False
    place = (view.x, view.y, view.z)
    if wanted.enter_zone and not view.spec.scene.zone(wanted.enter_zone).contains(place):
        return False
    near = wanted.near_object
    return near is None or nearest_tag(view.spec, near.tag, view.x, view.y) <= near.max_distance_m


def signal_wanted(view: View) -> str | None:
    """The signal the phase waits for, None when it waits for none or has none to send."""
    wanted = view.phase.success_when.signal_emitted
    if not wanted or not view.spec.signals:
        return None
    return wanted if isinstance(wanted, str) else view.spec.signals[0]


class Lookout:
    """Turns step by step until what is looked for is in view, then holds still or signals."""

    def __init__(self) -> None:
        self.turned = 0
        self.phase = -1

    def begin(self) -> None:
        """A new episode starts."""
        self.turned, self.phase = 0, -1

    def decide(self, view: View) -> Decision:
        """The next step of looking or signalling."""
        if view.phase_idx != self.phase:
            self.turned, self.phase = 0, view.phase_idx
        if not view.upright:
            return Decision(Call("stand_up"), "not on its feet: stand up before looking")
        sought = view.phase.success_when.see_object
        if sought is not None and sought.tag not in view.visible:
            return self._search(view, sought.tag)
        signal = signal_wanted(view)
        if signal is None:
            return Decision(Call("stand"), "it is in view: hold still")
        needed = view.spec.control_panel.requires_visible_tag
        if needed is not None and needed not in view.visible:
            return self._search(view, needed)
        return Decision(Call(signal), f"{needed or 'all'} is in view: signal {signal}")

    def _search(self, view: View, tag: str) -> Decision:
        step = min(radians(view.spec.vision.fov_deg) * 0.8, pi / 4)
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
        return self.lookout.decide(view) if looks(view) else self.policy.decide(view)
