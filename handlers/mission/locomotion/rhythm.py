"""The rhythms of walking: which foot lifts off when, how fast, how high."""

from __future__ import annotations

from dataclasses import dataclass, replace

from handlers.mission.world.body import STAND_HEIGHT, Body

TICK_S = 0.02
"""Control period, s: ten steps of the simulator. Longer, and a push is noticed later."""


@dataclass(frozen=True, slots=True)
class Gait:
    """A rhythm of Go1's. `starts` is the part of the period at which FR, FL, RR, RL lift off.

    period s; duty: part of the period a foot stands; speed m/s at action speed 1, top its limit;
    height of the trunk and clearance of a swinging foot in m; sway m sideways; turn rad/s on the
    spot; rocks: how far (rad) the trunk tilts to and fro by itself, which is no push.
    """

    period: float
    duty: float
    starts: tuple[float, float, float, float]
    speed: float
    top: float
    height: float = STAND_HEIGHT
    clearance: float = 0.05
    sway: float = 0.0
    turn: float = 1.0
    rocks: float = 0.0

    @property
    def swing_s(self) -> float:
        return self.period * (1.0 - self.duty)

    @property
    def stance_s(self) -> float:
        return self.period * self.duty

    def of(self, body: Body) -> Gait:
        """The same rhythm in another robot's measure."""
        return replace(
            self,
            period=self.period * body.pace,
            speed=self.speed * body.pace,
            top=self.top * body.pace,
            height=body.over(self.height),
            clearance=self.clearance * body.size,
            sway=self.sway * body.breadth,
            turn=self.turn / body.pace,
        )


_DIAGONAL = (0.0, 0.5, 0.5, 0.0)
_WAVE = (0.75, 0.25, 0.5, 0.0)

# docs/mission.md, "Measured", has what these come to. A longer period or a smaller duty leaves the
# trunk longer on two feet, or on none, while it tips; a shorter period asks the feet to move
# faster. Pace and bound tip sideways or forward with each step, so their steps are quick and low.
# The crawl has the time to move the trunk over the three feet that stand (`sway`), and is lower to
# reach down.
WALK = Gait(0.44, 0.60, _DIAGONAL, 0.35, 0.6)
TROT = Gait(0.40, 0.52, _DIAGONAL, 0.55, 0.9)
PACE = Gait(0.24, 0.66, (0.0, 0.5, 0.0, 0.5), 0.35, 0.5, clearance=0.035, rocks=0.03)
BOUND = Gait(0.24, 0.72, (0.0, 0.0, 0.5, 0.5), 0.40, 0.6, clearance=0.035, rocks=0.2)
CRAWL = Gait(
    0.9, 0.78, _WAVE, 0.18, 0.26, height=0.27, clearance=0.05, sway=0.025, turn=0.35, rocks=0.07
)
