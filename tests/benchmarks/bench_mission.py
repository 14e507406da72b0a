"""The robot and its missions, measured on scenes made at random and never used for tuning.

    python tests/benchmarks/bench_mission.py [--quick] [--only NAME]

Prints one row per target: what was measured, the target, and from how much. Times are CPU seconds
of this process, so that other work on the machine does not count; nothing here asserts on them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from math import cos, degrees, hypot, pi, sin
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from a checkout as it is

from handlers.mission.episode.environment import Mission
from handlers.mission.episode.episode import EpisodeResult, run_episode
from handlers.mission.episode.rollout import Plan, rollout
from handlers.mission.episode.runlog import encode
from handlers.mission.episode.sim import Simulator, Variation
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.scripted import Scripted
from handlers.mission.world.model import compile_scene
from handlers.project.library import library_for
from handlers.project.scene import Box, Scene
from handlers.project.spec import ProjectSpec, parse_spec

FIRST_SEED = 90_000
UNPUSHED = Variation(push_n=(0.0, 0.0))
PUSHED = Variation(push_n=(60.0, 60.0), push_every=(2.0, 2.0))
RESCUE = Path(__file__).parents[3] / "shared" / "data" / "missions" / "rescue-dog" / "env.json"


class Row(NamedTuple):
    """A measured value beside its target."""

    name: str
    value: str
    target: str
    met: bool
    basis: str


def seeds(count: int, offset: int = 0) -> list[int]:
    """Seeds no test or tuning run uses."""
    return list(range(FIRST_SEED + offset, FIRST_SEED + offset + count))


# -- walking ---------------------------------------------------------------------------------------


def falls_per_100_m(pushed: bool, runs: int) -> Row:
    """10 m trots; friction and mass vary; with or without a 60 N push for 0.12 s every 2 s."""
    variation = PUSHED if pushed else UNPUSHED
    plan = Plan("trot", (Call("trot_forward", distance_m=10.0),), variation=variation)
    outcomes = rollout([plan], seeds(runs, 1000 * pushed))
    metres = sum(hypot(row.x, row.y) for row in outcomes)
    falls = sum(row.falls for row in outcomes)
    short = sum(row.end not in ("done", "fell") for row in outcomes)
    rate = 100 * falls / metres
    name = "falls per 100 m" + (", 60 N pushes" if pushed else ", flat")
    limit = 2.0 if pushed else 0.5
    basis = f"{falls} falls in {metres:.0f} m, {short} of {runs} runs ended short"
    return Row(name, f"{rate:.2f}", f"<= {limit}", rate <= limit, basis)


def moves(action: str, runs: int) -> list[Row]:
    """1 m from a random place and heading."""
    away, turned, failed = [], [], 0
    scene = compile_scene()
    for seed in seeds(runs, 3000):
        sim = Simulator(scene, seed=seed, variation=UNPUSHED, yaw=Random(seed).uniform(-pi, pi))
        x, y, yaw = sim.sense.x, sim.sense.y, sim.sense.yaw
        failed += not sim.execute(Call(action, distance_m=1.0)).ok
        away.append(hypot(sim.sense.x - x - cos(yaw), sim.sense.y - y - sin(yaw)))
        turned.append(abs(degrees(sim.sense.yaw - yaw)))
    basis = f"worst of {runs}, {failed} failed"
    return [
        Row(f"{action} 1 m: error", f"{100 * max(away):.1f} cm", "<= 2 cm",
            max(away) <= 0.02 and not failed, basis),
        Row(f"{action} 1 m: heading", f"{max(turned):.2f} deg", "<= 1 deg",
            max(turned) <= 1.0 and not failed, basis),
    ]  # fmt: skip


def turns(action: str, runs: int) -> Row:
    """90 degrees on the spot."""
    sign = 1 if action.endswith("left") else -1
    off, failed = [], 0
    scene = compile_scene()
    for seed in seeds(runs, 4000):
        sim = Simulator(scene, seed=seed, variation=UNPUSHED)
        yaw = sim.sense.yaw
        failed += not sim.execute(Call(action)).ok
        off.append(abs(degrees(sim.sense.yaw - yaw) - 90 * sign))
    met = max(off) <= 2.0 and not failed
    return Row(f"{action} 90 deg", f"{max(off):.2f} deg", "<= 2 deg", met,
               f"worst of {runs}, {failed} failed")  # fmt: skip


def boxes(runs: int) -> Row:
    """Over an 8 cm box of random depth from a random start; default variation, pushes and all."""
    good = 0
    for seed in seeds(runs, 5000):
        draw = Random(seed)
        half, at = draw.uniform(0.12, 0.4), draw.uniform(-1.2, -0.7)
        box = Box(type="box", position=(at - half, 0.0, 0.04), size=(half, 1.5, 0.04))
        start = (draw.uniform(-0.1, 0.1), draw.uniform(-0.4, 0.4), 0.0)
        yaw = draw.uniform(-0.35, 0.35)
        sim = Simulator(compile_scene([box]), seed=seed, spawn=start, yaw=yaw)
        end = at - 2 * half - 0.5
        way = (sim.sense.x - end) / cos(yaw)
        good += sim.execute(Call("crawl_forward", distance_m=way)).ok and sim.sense.x < end + 0.1
    share = 100 * good / runs
    return Row("8 cm box", f"{share:.0f}%", ">= 95%", share >= 95, f"{good} of {runs} starts")


# -- missions --------------------------------------------------------------------------------------


def random_mission(seed: int) -> ProjectSpec:
    """A rescue mission of five phases through a rubble field laid out at random.

    Six heaps of 6 to 20 cm between the start and the far side. A field is drawn again when a heap
    would cover the victim, so that there is always something to reach.
    """
    draw = Random(seed)
    objects: list[dict[str, Any]] = []
    while len(objects) < 6:
        x, y, h = draw.uniform(-2.9, -1.5), draw.uniform(-0.9, 0.9), draw.uniform(0.03, 0.1)
        hx, hy = draw.uniform(0.14, 0.24), draw.uniform(0.14, 0.24)
        objects.append({"type": "box", "tag": "rubble", "position": [x, y, h], "size": [hx, hy, h]})
    objects.append(
        {"type": "marker", "tag": "victim", "position": [-3.7, draw.uniform(-0.4, 0.4), 0.02]}
    )

    def zone(name: str, x0: float, x1: float, half: float) -> dict[str, Any]:
        return {"name": name, "aabb": [[x0, -half, 0.0], [x1, half, 1.0]]}

    def phase(name: str, goal: str, ticks: int, **wanted: Any) -> dict[str, Any]:
        return {"name": name, "goal_prompt": goal, "success_when": wanted, "max_ticks": ticks,
                "fail_when": {"flipped": True}}  # fmt: skip

    spec = {
        "name": f"field-{seed}",
        "scene": {
            "objects": objects,
            "zones": [
                zone("edge", -1.1, -0.6, 1.2),
                zone("beyond", -4.4, -3.2, 1.6),
                zone("exit", -4.9, -4.2, 0.8),
                zone("patrol", -6.0, -5.2, 1.5),
            ],
        },
        "phases": [
            phase("approach", "walk forward 0.8 meters to the edge", 25, enter_zone="edge"),
            phase("cross", "walk forward 2.5 meters through the field", 30, enter_zone="beyond"),
            phase("find", "walk to the victim and hold position", 30,
                  near_object={"tag": "victim", "max_distance_m": 0.5, "for_ticks": 3}),
            phase("leave", "walk forward into the exit", 30, enter_zone="exit"),
            phase("patrol", "walk forward 1.0 meters", 25, enter_zone="patrol"),
        ],
    }  # fmt: skip
    return parse_spec(json.dumps(spec).encode(), spec["name"])  # type: ignore[arg-type]


def drive(spec: ProjectSpec, seed: int) -> tuple[EpisodeResult, bytes]:
    """One scripted run and its log."""
    library = library_for(spec.robot, None, spec.signals)
    mission = Mission(
        spec, library, compile_scene(spec.scene.objects), seed=seed, policy="scripted"
    )
    log: list[bytes] = []
    result = run_episode(mission, Scripted(), lambda record: log.append(encode(record)))
    return result, b"".join(log)


def missions(name: str, specs: Iterator[tuple[ProjectSpec, int]]) -> list[Row]:
    """Success, and simulated seconds per CPU second of the whole loop, planning included."""
    won, ends, simulated, began = 0, [], 0.0, time.process_time()
    for spec, seed in specs:
        result, _ = drive(spec, seed)
        won += result.success
        simulated += result.sim_time_s
        ends.append(result.end)
    factor = simulated / (time.process_time() - began)
    share = 100 * won / len(ends)
    lost = "; ".join(sorted({end for end in ends if end != "success"})) or "none lost"
    basis = f"{won} of {len(ends)}; {lost}"
    return [
        Row(f"{name}", f"{share:.0f}%", ">= 95%", share >= 95, basis),
        Row(f"{name}: real-time factor", f"{factor:.0f}", ">= 30", factor >= 30,
            f"{simulated:.0f} s simulated"),
    ]  # fmt: skip


def speeds(runs: int) -> list[Row]:
    """Simulated seconds per CPU second, controller included, on flat ground and in a field."""
    rows = []
    calls = (Call("trot_forward", distance_m=6.0), Call("turn_left"), Call("crawl_forward"))
    field = Scene(objects=random_mission(FIRST_SEED).scene.objects)
    away = (0.0, 6.0, 0.0)
    for where, scene, spawn in (("flat", Scene(), (0.0, 0.0, 0.0)), ("field", field, away)):
        plan = Plan("speed", calls, scene=scene, spawn=spawn)
        for kind, count, target in (("single", 1, 30), ("batch", runs, 60)):
            began = time.process_time()
            outcomes = rollout([plan], seeds(count, 6000), batched=kind == "batch")
            factor = sum(row.seconds for row in outcomes) / (time.process_time() - began)
            rows.append(
                Row(f"real-time factor, {kind}, {where}", f"{factor:.0f}", f">= {target}",
                    factor >= target, f"N = {count}, one thread")
            )  # fmt: skip
    return rows


def determinism() -> Row:
    """The same seed twice, and another seed."""
    spec = random_mission(FIRST_SEED + 1)
    first, second, other = (drive(spec, seed)[1] for seed in (5, 5, 6))
    same = first == second and first != other
    return Row("same seed", "identical" if same else "differs", "byte-identical log", same,
               f"{len(first)} bytes; another seed differs")  # fmt: skip


# -- all of it -------------------------------------------------------------------------------------


def benchmarks(quick: bool) -> dict[str, Callable[[], list[Row]]]:
    """Name -> what to measure."""
    few = 10 if quick else 50
    hundred = 10 if quick else 100

    def fields() -> Iterator[tuple[ProjectSpec, int]]:
        return ((random_mission(seed), seed) for seed in seeds(few, 7000))

    def rescue() -> list[Row]:
        if not RESCUE.is_file():
            return [Row("rescue-dog mission", "-", ">= 95%", False, "no recorded data here")]
        spec = parse_spec(RESCUE.read_bytes(), "rescue-dog")
        return missions("rescue-dog mission", ((spec, seed) for seed in seeds(few, 8000)))

    return {
        "flat": lambda: [falls_per_100_m(False, hundred + hundred // 20)],
        "pushes": lambda: [falls_per_100_m(True, hundred + hundred // 20)],
        "moves": lambda: [r for a in ("walk_forward", "trot_forward", "crawl_forward",
                                      "pace_forward", "bound_forward") for r in moves(a, few)],
        "turns": lambda: [turns(a, few) for a in ("turn_left", "turn_right",
                                                  "precision_turn_left", "precision_turn_right")],
        "boxes": lambda: [boxes(few)],
        "rescue": rescue,
        "fields": lambda: missions("random rubble fields", fields()),
        "speed": lambda: speeds(24),
        "seed": lambda: [determinism()],
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--only", action="append", choices=list(benchmarks(True)))
    args = parser.parse_args()
    for name, measure in benchmarks(args.quick).items():
        if args.only and name not in args.only:
            continue
        for row in measure():
            mark = "ok  " if row.met else "MISS"
            print(
                f"{mark} {row.name:<38} {row.value:>10}   {row.target:<20} {row.basis}", flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
