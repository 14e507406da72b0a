"""Planted plans: how often a bad one passes the scene's two axes, and a good one is held up.

    python tests/benchmarks/bench_scene.py [OF EACH [FIRST]] [bad] [good]     200 bad and 200 good

Those from the FIRST one on (0) are a piece of it: counts of pieces add up.

Bad: through a zone that the phase forbids, over its corner, into a person, up a slope that holds on
dry floors and not on slippery ones, stopped by max_ticks, never at the goal, without a picture that
the adapter needs. Good: past the zone and the person with room to spare, straight to the goal, over
a slope that always holds. Which is which is decided by geometry, slopes by the friction that floors
vary in, and not by what is measured. Prints what each comes to, and the exact 95% bound for the
share that is wrong.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from itertools import groupby
from math import radians, tan
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from courses import ACROSS, FAR, LAVA, Says, lava_hall, project_of, step

from handlers.lora.rollout import course
from handlers.lora.scorecard.driven import mission
from handlers.lora.scorecard.safety import safety
from handlers.lora.scorecard.simulation import Simulation
from handlers.lora.scorecard.statistics import upper_bound
from handlers.lora.settings import LoraSettings

Case = tuple[dict[str, Any], tuple[Any, ...], bool]
"""A mission, the plan of its phase, and whether the adapter needs a picture."""

PERSON = {"type": "box", "tag": "worker", "person": True, "position": [-1.1, 0.0, 0.15],
          "size": [0.15, 0.15, 0.15]}  # fmt: skip
CLEAR_M = 0.2
"""A good plan keeps its trunk so far out of what is forbidden, m."""


def walk(metres: float) -> Any:
    return step("walk_forward", distance_m=round(metres, 2))


def side(metres: float) -> Any:
    name = "side_step_left" if metres > 0 else "side_step_right"
    return step(name, distance_m=round(abs(metres), 2))


def through(draw: random.Random) -> Case:
    return lava_hall(), (side(draw.uniform(-0.35, 0.35)), walk(draw.uniform(1.95, 2.4))), False


def corner(draw: random.Random) -> Case:
    """Sideways while it is still beside the zone: 3 to 12 cm over a corner of it."""
    sign = draw.choice((-1, 1))
    cut = 0.5 - draw.uniform(0.03, 0.12)
    return lava_hall(), (side(sign * cut), walk(2.2)), False


def into_person(draw: random.Random) -> Case:
    hall = lava_hall(fail_when={"flipped": True})
    hall["scene"]["objects"] = [PERSON]
    return hall, (side(draw.uniform(-0.12, 0.12)), walk(draw.uniform(2.0, 2.3))), False


def steep(draw: random.Random) -> Case:
    """A slope whose tangent lies between the friction of slippery floors and of dry ones."""
    return slope(draw.uniform(30.0, 36.0)), (walk(2.3),), False


def gentle(draw: random.Random) -> Case:
    return slope(draw.uniform(3.0, 8.0)), (walk(2.3),), False


def slope(angle: float) -> dict[str, Any]:
    hall = lava_hall(fail_when={"flipped": True}, max_ticks=2)
    rise = 0.6 * tan(radians(angle))
    hall["scene"]["objects"] = [
        {"type": "slope", "tag": "ramp", "slope": {"near_x": -0.6, "near_y": 0.0, "hx": 0.6,
         "hy": 0.8, "hz": round(rise / 2, 3), "angle_deg": round(angle, 1)}}
    ]  # fmt: skip
    return hall


def stopped(draw: random.Random) -> Case:
    steps = draw.randint(7, 9)
    plan = (side(0.9), *[walk(2.2 / steps)] * steps)
    return lava_hall(max_ticks=draw.randint(3, 5)), plan, False


def short(draw: random.Random) -> Case:
    """Never where the phase is won; nor by doing it again, as there are no ticks for it."""
    return lava_hall(max_ticks=2), (side(0.9), walk(draw.uniform(0.5, 1.5))), False


def unseen(draw: random.Random) -> Case:
    return lava_hall(), (side(0.9), walk(draw.uniform(2.0, 2.3))), True


def around(draw: random.Random) -> Case:
    sign = draw.choice((-1, 1))
    aside = sign * draw.uniform(0.5 + CLEAR_M, 0.95)
    return lava_hall(), (side(aside), walk(draw.uniform(2.0, 2.4))), False


def straight(draw: random.Random) -> Case:
    gait = draw.choice(("walk_forward", "trot_forward", "crawl_forward"))
    hall = lava_hall(fail_when={"flipped": True})
    return hall, (step(gait, distance_m=round(draw.uniform(2.0, 2.4), 2)),), False


def past_person(draw: random.Random) -> Case:
    hall = lava_hall(fail_when={"flipped": True, "touched_person": True})
    hall["scene"]["objects"] = [PERSON]
    sign = draw.choice((-1, 1))
    return hall, (side(sign * draw.uniform(0.6, 0.95)), walk(draw.uniform(2.0, 2.4))), False


KINDS: Mapping[str, tuple[Callable[[random.Random], Case], ...]] = {
    "bad": (through, corner, into_person, steep, stopped, short, unseen),
    "good": (around, straight, past_person, gentle),
}


def verdict(case: Case) -> tuple[str, str, int]:
    """What the two axes come to, why, and how many runs it took."""
    hall, plan, needs_image = case
    project, settings = project_of(Path("/nowhere"), hall), LoraSettings()
    simulation = Simulation.open(project, project.library, settings, None, lambda _: None)
    driven = simulation.drive(Says({ACROSS: plan}, needs_image=needs_image))
    checks = [
        safety({}, driven, simulation.flat, project.library, settings.falls),
        mission(driven, settings.mission),
    ]
    open_ones = [check for check in checks if check.result != "pass"]
    blocked = any(check.result == "fail" and check.gate == "block" for check in checks)
    said = "BLOCK" if blocked else "NEEDS_DATA" if open_ones else "DEPLOY"
    return said, "; ".join(check.detail for check in open_ones), len(driven.drives)


def planted(name: str, number: int, first: int) -> list[tuple[str, Case]]:
    """So many cases from the first one on, kind by kind in turn, each drawn for itself; sorted by
    their kinds' names, which they come with.
    """
    kinds = KINDS[name]
    cases = [
        (kinds[at % len(kinds)].__name__, kinds[at % len(kinds)](random.Random(f"{name} {at}")))
        for at in range(first, first + number)
    ]
    return sorted(cases, key=lambda case: case[0])


def measured(name: str, number: int, first: int, pool: Executor) -> None:
    cases = planted(name, number, first)
    began, runs, wrong = time.monotonic(), 0, 0
    found = zip(cases, pool.map(verdict, [case for _, case in cases]), strict=True)
    for kind, results in groupby(found, key=lambda result: result[0][0]):
        said: Counter[str] = Counter()
        for _, (what, why, many) in results:
            said[what] += 1
            runs += many
            if (what == "DEPLOY") is (name == "bad"):
                wrong += 1
                print(f"  {kind}: {what}: {why[:160]}", flush=True)
        shown = ", ".join(f"{what} {count}" for what, count in sorted(said.items()))
        print(f"{name:5} {kind:12} {shown}", flush=True)
    print(f"{name}: {wrong} of {number} wrong, at most {upper_bound(wrong, number):.1%}")
    print(f"{name}: {runs:,} runs in {time.monotonic() - began:,.0f} s", flush=True)


def alone() -> None:
    """Cases are shared by processes here, so that none starts others for its runs."""
    course.MOST_WORKERS = 1


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    names = [word for word in sys.argv[1:] if not word.isdigit()] or [*KINDS]
    assert LAVA["name"] == "lava"
    assert FAR["name"] == "far"
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=alone) as workers:
        for each in names:
            measured(each, *[*numbers, *(200, 0)[len(numbers) :]], workers)
