"""What the gaits can climb: what a way may be planned over. `tests/benchmarks/bench_climb.py`.

Said for a robot of Go1's size, on floors of friction 0.5 to 1.0, under pushes of up to 30 N.
Heights grow with `Body.size`; slopes do not.
"""

from __future__ import annotations

from math import radians

CLIMB_STEP_M = 0.12
"""The highest step that the crawl goes up and down, m: stairs 30 times of 30, boxes of any depth
and from aslant 27 times. 14 cm: 20 and 24 times."""

SURE_STEP_M = 0.085
"""The highest that it goes over wherever it comes from, m: no fall in 50 over 8 cm, and three in 30
over CLIMB_STEP_M. A way leads over more where there is no other."""

SLOPE_RAD = radians(15.0)
"""The steepest slope that the crawl goes up and down, rad: 30 and 28 times of 30. 20 degrees: 22
and 21 times. On a floor of friction 0.5 nothing holds on 27 degrees, and steps need some of it."""

WALK_SLOPE_RAD = radians(10.0)
"""The steepest for the walk, rad: 30 and 29 times of 30; down 15 degrees 25 times."""
