"""Missions over what is hard to get over: ramps, stairs, doors, tables. A seed places the rest."""

from __future__ import annotations

import json
from math import cos, radians, sin
from random import Random

from scenes import Thing, box, phase, zone

from handlers.project.spec import ProjectSpec, parse_spec

FOOT_X = -0.8
"""Where a climb begins, m."""

STAIR_M = 0.35
"""How deep a stair is, m."""


def ramp(degrees: float, length: float = 2.0) -> tuple[list[Thing], float, float]:
    """A ramp onto a platform of 1.2 m: the things, the x of the platform's middle, its height."""
    angle = radians(degrees)
    top, end = length * sin(angle), FOOT_X - length * cos(angle)
    shape = {"near_x": FOOT_X, "near_y": 0.0, "hx": length / 2, "hy": 1.0, "hz": 0.02,
             "angle_deg": degrees}  # fmt: skip
    slope = {"type": "slope", "tag": "ramp", "slope": shape}
    return [slope, box(end - 0.6, 0.0, 0.6, 1.0, top, "platform")], end - 0.6, top


def stairs(height: float, steps: int = 3) -> tuple[list[Thing], float, float]:
    """Steps onto a platform of 1.2 m, the same way."""
    far = FOOT_X - STAIR_M * steps - 0.8
    nears = [FOOT_X - STAIR_M * step for step in range(steps)]
    things = [
        box((near + far) / 2, 0.0, (near - far) / 2, 1.0, height * (step + 1), "stairs")
        for step, near in enumerate(nears)
    ]
    return things, far + 0.55, height * steps


def climbing(kind: str, size: float, seed: int = 0) -> ProjectSpec:
    """Up a `ramp` (degrees) or `stairs` (m a step) and down again, from up to 40 cm aside."""
    things, x, top = ramp(size) if kind == "ramp" else stairs(size)
    above = {"name": "top", "aabb": [[x - 0.4, -0.5, top], [x + 0.4, 0.5, top + 1.0]]}
    aside = Random(seed).uniform(-0.4, 0.4)
    return _there_and_back(f"{kind} of {size:g}", things, above, aside)


def passing(kind: str, size: float, seed: int = 0) -> ProjectSpec:
    """Through a `door` as wide, or under a `table` as high, as `size` (m), not straight before it,
    and back again."""
    draw = Random(seed)
    x, y = draw.uniform(-1.8, -1.2), draw.uniform(-0.8, 0.8)
    gap, thick = size, draw.uniform(0.03, 0.1)
    things: list[Thing] = []
    if kind == "table":
        gap, slab = 1.2, {"position": [x, y, size + 0.03], "size": [0.4, 0.6, 0.03]}
        things.append({"type": "box", "tag": "table", **slab})
    things += [box(x, y + side * (gap / 2 + 1.5), thick, 1.5, 0.5, "wall") for side in (-1.0, 1.0)]
    behind = zone("top", x - 1.3, 0.0, 0.4, 0.5)
    return _there_and_back(f"{kind} of {size:g}", things, behind, draw.uniform(-0.6, 0.6))


def _there_and_back(name: str, things: list[Thing], there: Thing, aside: float) -> ProjectSpec:
    env = {
        "name": name,
        "spawn": [0.0, aside, 0.0],
        "scene": {"objects": things, "zones": [there, zone("home", 0.1, 0.0, 0.4, 0.5)]},
        "phases": [
            phase("there", "walk there", 40, enter_zone="top"),
            phase("back", "walk back", 40, enter_zone="home"),
        ],
    }
    return parse_spec(json.dumps(env).encode(), name)  # type: ignore[arg-type]
