"""The gaits' numbers: said for Go1, and put into a robot's own measure."""

from __future__ import annotations

from math import pi

from handlers.mission.world.body import Body

# What other values do was measured with each halved and doubled, everything else as it is, over six
# seeds: walk, trot, quarter turn and side step under a 60 N push every 2 s; pace, bound, crawl,
# precision turn and an 8 cm box under the usual variation. As it is, 2 of the 6 side steps fail and
# nothing else does; where nothing is said of other values, they did not do clearly worse.

LEASH_M = 0.05
"""How far the reference may run ahead of the trunk, m: the stretch that the servos pull with.
Halved, 5 of 6 walks and every turn fall over; doubled, 3 of 12 walks and trots fail, and motors
saturate."""

LEASH_RAD = 0.15
"""The same for the heading, rad. Halved, 5 of 6 turns and 4 of 6 precision turns fail."""

LEAK = 1.5
"""How fast that stretch is let go while stepping without sway, 1/s: where a push has moved the
trunk to is where it goes on from, instead of being pulled back."""

CAPTURE_S = 0.13
"""Speed that was not commanded moves the landing place by itself times this, s: that of a
pendulum of the trunk's height would be sqrt(height / g) = 0.17 s. Halved, 3 of 6 trots fail."""

CAPTURE_M = 0.16
"""The most a landing place is moved by that, m, so that the leg still reaches it."""

LEVELLING = 2.0
"""How fast the trunk follows the ground's height and slope, 1/s. At 5 stepping down tipped it."""

ROLL_SHARE = 0.4
"""How much of a sideways slope the trunk follows: one foot up or down is the legs' affair. At 1,
one of 6 precision turns falls."""

HEIGHT_LEVELLING, LIFT_RATE = 2.0, 1.5
"""The height follows twice as fast as the slope (factor), and the legs are made longer by what the
trunk hangs below its reference (1/s), which the servos' softness costs."""

LIFT_LOW, LIFT_HIGH = -0.02, 0.03
"""Bounds of that, m: a trunk that hangs on an edge must not stretch the legs for ever."""

EXTENSION_MAX = 1.15
"""The most an action's `extension` counts (factor) in a rhythm with sway, which has no strength to
spare for lifting its feet much higher."""

AIM_M = 0.16
"""How far around its landing place the ground must be even for a foot to be aimed until it lands,
m: the same as CAPTURE_M, which is as far as the aim can move."""

UPHILL_M = 0.05
"""On a slope, feet are set downhill of the hips by this times the sine of the slope, m: the trunk
leans uphill, since legs that lose their hold lose it downhill. At 0 and at 0.1, one and three of 10
walks down 15 degrees fall."""

SLIP_M = 0.03
"""A standing foot is taken to be where its anchor is up to this, m: the rest it has slipped, and
its anchor goes along. Without, legs push after feet that are no longer there, ever faster: every
crawl down 10 degrees ends in a fall."""

SWAY_LEAD_S = 0.06
"""How much earlier than the feet the sway is commanded, s: the trunk follows its reference that
much later. Doubled, motors saturate on the box, and precision turns take longer."""

SWAY_PHASE = 0.45 * pi
"""Where in the crawl's period the sway is at its most, rad: the trunk is over the right feet while
the left ones swing."""

SWAY_RISE = 4.0
"""The sway grows and dies away within about a quarter of a period (rate per period)."""

SWAY_KEEP = 0.7
"""What is left of another rhythm's sway a control period later: gone in 0.2 s, without a jerk."""

AIM_UNTIL, TOUCH_FROM = 0.75, 0.6
"""Parts of the swing: until when a foot's aim still moves, after which it would scrape; and from
when on a foot that meets the ground has landed. Before that it may have met its own place."""

TOUCH_N = 8.0
"""The force that says so, N: a quarter of what a foot carries standing, more than it weighs."""

REST, APEX_AT = 0.08, 0.45
"""Parts of the swing: a foot goes straight up and down for the first and last 8%, to come clear of
edges; it is highest a little before the middle, to have time to come down."""

ROUNDING = 0.001
"""Parts of a swing are added up period by period: what lacks this much of 1 is over."""

PRESS_M = 0.004
"""A foot is aimed this far into the ground, m, so that it lands and does not hover."""

STANDS_N = 1.0
"""A standing foot with less force on it has found no ground, N."""

SINK_M_S = 0.25
"""How fast such a foot feels its way down, m/s. Doubled, one of 6 precision turns falls."""

SINK_MAX, SINK_EVEN = 0.10, 0.025
"""How far down it goes, m: about a step, or on even ground, where only the
trunk's lean can have lifted it, a little more than a foot's radius."""

LOST = 0.02
"""A foot that finds ground after sinking further than this, m, has a new anchor there; less is the
trunk rocking, and the anchor stays."""


class Measures:
    """The numbers above for one robot: lengths by its size, times by its pace, forces by its load.

    What has no dimension (parts, factors) is read from above.
    """

    __slots__ = (
        "aim", "capture", "capture_s", "leak", "leash", "levelling", "lift_high", "lift_low",
        "lift_rate", "lost", "press", "sink_even", "sink_max", "sink_rate", "slip", "stands",
        "sway_lead", "touch", "uphill",
    )  # fmt: skip

    def __init__(self, body: Body) -> None:
        size, pace, load = body.size, body.pace, body.load
        self.leash = LEASH_M * size
        self.capture_s, self.capture = CAPTURE_S * pace, CAPTURE_M * size
        self.aim, self.uphill, self.press = AIM_M * size, UPHILL_M * size, PRESS_M * size
        self.leak, self.levelling, self.lift_rate = LEAK / pace, LEVELLING / pace, LIFT_RATE / pace
        self.lift_low, self.lift_high = LIFT_LOW * size, LIFT_HIGH * size
        self.sway_lead = SWAY_LEAD_S * pace
        self.touch, self.stands = TOUCH_N * load, STANDS_N * load
        self.slip = SLIP_M * size
        self.sink_rate = SINK_M_S * pace
        self.sink_max, self.sink_even, self.lost = SINK_MAX * size, SINK_EVEN * size, LOST * size
