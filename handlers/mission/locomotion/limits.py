"""What the gaits can climb: what a way may be planned over. `tests/benchmarks/bench_climb.py`.

Said for a robot of Go1's size, on floors of friction 0.5 to 1.0, under pushes of up to 30 N.
Heights grow with `Body.size`; slopes do not.
"""

from __future__ import annotations

from math import radians

CLIMB_STEP_M = 0.12
"""The highest step that the crawl goes up and down, m: of 60 stairs of three, all; of 12 cm boxes
of any depth and from any side, 28 of 30, and of 10 cm all. 14 cm is done on stairs, and on 21 of 30
boxes."""

SLOPE_RAD = radians(15.0)
"""The steepest slope that the crawl goes up and down, rad. 20 degrees lose one robot in three: on a
floor of friction 0.5 nothing holds on 27 degrees, and steps need some of that."""

WALK_SLOPE_RAD = radians(12.0)
"""The steepest for the walk, rad; down 15 degrees it loses one in ten."""
