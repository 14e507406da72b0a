"""Ramps, stairs and boxes: what the gaits can climb, up and down.

    python tests/benchmarks/bench_climb.py [--runs N]

Friction and trunk mass vary with the seed, pushes are those of a run (up to 30 N); the start is up
to 30 cm off the middle. A run counts when the robot ends on its feet within 12 cm of its goal.
`mission`: the scripted policy plans over such ground, or through a door or under a table (its size
in m) that is not straight before it, and back again.
"""

from __future__ import annotations

import argparse
import sys
from math import cos, pi
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from a checkout as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from climbs import climbing, passing
from planting import Tally, drive

from handlers.mission.episode.sim import Simulator
from handlers.mission.locomotion.skill import Call
from handlers.mission.world.model import compile_scene
from handlers.project.scene import Box, Slope

FIRST_SEED = 80_000
Course = tuple[tuple[Box | Slope, ...], float]
"""What stands there, and the x of the platform on top."""


def course(kind: str, size: float) -> Course:
    """A ramp or stairs, without a mission."""
    (ax, _, _), (bx, _, _) = (spec := climbing(kind, size)).scene.zones[0].aabb
    return spec.scene.objects, (ax + bx) / 2  # type: ignore[return-value]


def climbed(course: Course, action: str, seed: int, down: bool) -> bool:
    """Whether one robot gets up, or down."""
    things, top = course
    start, goal = (top, 0.0) if down else (0.0, top)
    aside = Random(seed).uniform(-0.3, 0.3)
    sim = Simulator(
        compile_scene(things), seed=seed, spawn=(start, aside, 0.0), yaw=pi if down else 0.0
    )
    result = sim.execute(Call(action, distance_m=abs(goal - sim.sense.x)))
    return result.ok and abs(sim.sense.x - goal) < 0.12


def boxed(height: float, seed: int) -> bool:
    """Whether one robot gets over a box of random depth, from a random place and heading."""
    draw = Random(seed)
    half, at = draw.uniform(0.12, 0.4), draw.uniform(-1.2, -0.7)
    box = Box(type="box", position=(at - half, 0.0, height / 2), size=(half, 1.5, height / 2))
    start, yaw = (draw.uniform(-0.1, 0.1), draw.uniform(-0.4, 0.4), 0.0), draw.uniform(-0.35, 0.35)
    sim = Simulator(compile_scene([box]), seed=seed, spawn=start, yaw=yaw)
    end = at - 2 * half - 0.5
    way = (sim.sense.x - end) / cos(yaw)
    return sim.execute(Call("crawl_forward", distance_m=way)).ok and sim.sense.x < end + 0.1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=30)
    seeds = range(FIRST_SEED, FIRST_SEED + parser.parse_args().runs)
    courses = [(f"ramp of {d} degrees", course("ramp", d), ("crawl_forward", "walk_forward"))
               for d in (10, 12, 15, 17, 20, 25)]  # fmt: skip
    courses += [(f"stairs of {100 * h:.0f} cm", course("stairs", h), ("crawl_forward",))
                for h in (0.08, 0.1, 0.12, 0.14, 0.16)]  # fmt: skip
    for name, there, actions in courses:
        for action in actions:
            up, down = (
                sum(climbed(there, action, seed, way) for seed in seeds) for way in (False, True)
            )
            print(f"{name:<20} {action:<14} up {up:2d}, down {down:2d} of {len(seeds)}", flush=True)
    for height in (0.08, 0.1, 0.12, 0.14):
        over = sum(boxed(height, seed) for seed in seeds)
        print(f"box of {100 * height:.0f} cm, any depth {'':<10} {over:2d} of {len(seeds)}",
              flush=True)  # fmt: skip
    for made, kind, size in (
        (climbing, "ramp", 15.0), (climbing, "stairs", 0.12), (passing, "door", 0.5),
        (passing, "door", 0.55), (passing, "door", 0.6), (passing, "table", 0.35),
    ):  # fmt: skip
        tally = Tally()
        for seed in seeds:
            drive(made(kind, size, seed), seed, tally)
        print(f"mission: {kind} of {size:g}, there and back {tally.won:2d} of {len(seeds)}",
              flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
