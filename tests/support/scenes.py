"""Missions laid out at random, one kind of difficulty each; the same seed gives the same one."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import cos, pi, sin
from random import Random
from typing import Any

from handlers.project.spec import ProjectSpec, parse_spec

Thing = dict[str, Any]


def box(x: float, y: float, hx: float, hy: float, top: float, tag: str = "rubble") -> Thing:
    """A block on the ground; half extents and height in m."""
    return {
        "type": "box", "tag": tag, "position": [x, y, top / 2], "size": [hx, hy, top / 2],
    }  # fmt: skip


def zone(name: str, x: float, y: float, hx: float, hy: float) -> Thing:
    """A zone around a place, a metre high."""
    return {"name": name, "aabb": [[x - hx, y - hy, 0.0], [x + hx, y + hy, 1.0]]}


def phase(name: str, goal: str, ticks: int = 25, **wanted: Any) -> Thing:
    """A phase that ends when the robot has tipped over."""
    return {
        "name": name, "goal_prompt": goal, "success_when": wanted, "max_ticks": ticks,
        "fail_when": {"flipped": True},
    }  # fmt: skip


def _field(draw: Random) -> Thing:
    """Heaps of 6 to 20 cm all over the way."""
    heaps = [
        box(draw.uniform(-2.9, -1.3), draw.uniform(-0.9, 0.9), draw.uniform(0.12, 0.22),
            draw.uniform(0.12, 0.22), draw.uniform(0.06, 0.2))
        for _ in range(draw.randint(3, 6))
    ]  # fmt: skip
    return {
        "objects": heaps,
        "zones": [zone("beyond", -3.9, draw.uniform(-0.5, 0.5), 0.5, 0.5)],
        "phases": [phase("cross", "walk through the rubble", enter_zone="beyond")],
    }


def _door(draw: Random) -> Thing:
    """A wall with a door of 60 to 90 cm."""
    x, y = draw.uniform(-1.8, -1.2), draw.uniform(-0.8, 0.8)
    half, thick = draw.uniform(0.3, 0.45), draw.uniform(0.03, 0.1)
    walls = [
        box(x, y + side * (half + 1.5), thick, 1.5, 0.5, "wall") for side in (-1.0, 1.0)
    ]  # fmt: skip
    return {
        "objects": walls,
        "zones": [zone("behind", x - 1.3, draw.uniform(-0.6, 0.6), 0.4, 0.4)],
        "phases": [phase("through", "go through the door", enter_zone="behind")],
    }


def _table(draw: Random) -> Thing:
    """A wall whose only gap is under a table."""
    x, top = draw.uniform(-1.8, -1.3), draw.uniform(0.42, 0.7)
    y = draw.uniform(-0.4, 0.4)
    slab = {"type": "box", "tag": "table", "position": [x, y, top + 0.03], "size": [0.4, 0.6, 0.03]}
    walls = [box(x, y + side * 2.1, 0.1, 1.5, 0.5, "wall") for side in (-1.0, 1.0)]
    return {
        "objects": [slab, *walls],
        "zones": [zone("behind", x - 1.4, y, 0.4, 0.4)],
        "phases": [phase("under", "crawl under the table", enter_zone="behind")],
    }


def _leave(draw: Random) -> Thing:
    """Out of the zone it stands in, past what stands beside it."""
    angle = draw.uniform(-pi, pi)
    heaps = [box(0.75 * cos(angle), 0.75 * sin(angle), 0.12, 0.12, 0.3)]
    return {
        "objects": heaps,
        "zones": [zone("room", draw.uniform(-0.3, 0.3), draw.uniform(-0.3, 0.3), 0.6, 0.6)],
        "phases": [phase("out", "leave the room", exit_zone="room")],
    }


def _spots(draw: Random) -> Thing:
    """Two small places, one after the other."""
    places = [(draw.uniform(-2.0, 1.0), draw.uniform(-1.5, 1.5)) for _ in range(2)]
    names = ("first", "second")
    return {
        "objects": [],
        "zones": [
            zone(name, x, y, draw.uniform(0.03, 0.06), draw.uniform(0.03, 0.06))
            for name, (x, y) in zip(names, places, strict=True)
        ],
        "phases": [phase(name, f"go to the {name} mark", enter_zone=name) for name in names],
    }


def _person(draw: Random) -> Thing:
    """Somebody behind a heap, to be reported and not to be touched, and on from there."""
    x, y = draw.uniform(-3.2, -2.6), draw.uniform(-0.6, 0.6)
    person = {**box(x, y, 0.25, 0.12, 0.18, "victim"), "person": True}
    heap = box(draw.uniform(-1.6, -1.2), draw.uniform(-0.4, 0.4), 0.2, 0.3, 0.3)
    near = {"tag": "victim", "max_distance_m": 0.8, "for_ticks": draw.randint(1, 2)}
    return {
        "objects": [heap, person],
        "zones": [zone("home", 0.2, draw.uniform(-0.5, 0.5), 0.4, 0.4)],
        "phases": [
            phase("find", "walk up to the person and report", near_object=near,
                  signal_emitted=True),
            phase("home", "walk back home", enter_zone="home"),
        ],
        "control_panel": {"actions": {"found": "FOUND"}, "requires_visible_tag": "victim"},
    }  # fmt: skip


def _steps(draw: Random) -> Thing:
    """Low steps right across the way."""
    first = box(-1.0, 0.0, draw.uniform(0.12, 0.3), 3.0, draw.uniform(0.03, 0.08), "step")
    second = box(-2.1, 0.0, draw.uniform(0.12, 0.3), 3.0, draw.uniform(0.03, 0.08), "step")
    return {
        "objects": [first, second],
        "zones": [zone("beyond", -3.2, draw.uniform(-0.5, 0.5), 0.4, 0.4)],
        "phases": [phase("over", "crawl forward 0.5 meters", enter_zone="beyond")],
    }


def _errand(draw: Random) -> Thing:
    """Open ground: there, aside as the prompt says, and back."""
    y = draw.choice((-1.0, 1.0)) * draw.uniform(0.9, 1.5)
    side = "left" if y < 0 else "right"
    return {
        "objects": [box(-2.4, -y, 0.2, 0.2, 0.2)],
        "zones": [zone("there", -1.5, 0.0, 0.4, 0.6), zone("aside", -1.3, y, 0.6, 0.4),
                  zone("back", 0.3, 0.0, 0.5, 0.6)],
        "phases": [
            phase("there", "walk forward 1.4 meters", enter_zone="there"),
            phase("aside", f"turn {side} then walk forward 0.8 meters", enter_zone="aside"),
            phase("back", "trot back", enter_zone="back"),
        ],
    }  # fmt: skip


KINDS: tuple[Callable[[Random], Thing], ...] = (
    _field, _door, _table, _leave, _spots, _person, _steps, _errand,
)  # fmt: skip


def random_spec(seed: int) -> ProjectSpec:
    """The mission of a seed; seeds in a row go through all the kinds."""
    kind = KINDS[seed % len(KINDS)]
    made = kind(Random(seed))
    name = f"{kind.__name__.strip('_')}-{seed}"
    env = {
        "name": name,
        "scene": {"objects": made["objects"], "zones": made["zones"]},
        "phases": made["phases"],
    }
    if "control_panel" in made:
        env["control_panel"] = made["control_panel"]
    return parse_spec(json.dumps(env).encode(), name)  # type: ignore[arg-type]
