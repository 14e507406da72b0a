"""What the controller costs beside the simulator, and which way of stepping many robots is fastest.

    python tests/benchmarks/bench_speed.py [--repeats N] [--only NAME]

loop    a run, and bare `mj_step` on the very controls of that run, turn about, as often as
        `--repeats`; of each control period the least time counts, since other processes can only
        add to it. The replay has to end in the same state, bit for bit.
steps   many robots on recorded controls, a control period at a time: `mj_step` one after the other,
        `mujoco.batch` and `mujoco.rollout`, each with one thread and with one for every core; CPU
        time, and the wall clock's, which says little while others use the cores.
cores   closed loop: `rollout` with one worker, and with one for every core, by the wall clock.
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from a checkout as it is

import mujoco
import numpy as np
from bench_mission import FIRST_SEED, random_mission
from mujoco.batch import Batch
from mujoco.rollout import Rollout

from handlers.mission.episode.environment import Mission
from handlers.mission.episode.episode import run_episode
from handlers.mission.episode.rollout import Plan, rollout
from handlers.mission.episode.sim import SUBSTEPS, Simulator
from handlers.mission.locomotion.rhythm import TICK_S
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.scripted import Scripted
from handlers.mission.world.model import SceneModel, compile_scene
from handlers.project.library import library_for

ROBOTS, PERIODS = 24, 300
CORES = len(os.sched_getaffinity(0))

Record = list[tuple[Any, Any]]
"""ctrl and applied forces of each control period."""

Drive = Callable[[Callable[[Simulator], None]], Simulator]
"""Carry a run out, calling back after each control period; the simulator at its end."""


# -- closed loop beside bare stepping --------------------------------------------------------------


def replayed(start: Any, model: Any, record: Record) -> tuple[list[int], Any]:
    """Nanoseconds of each period of bare mj_step on recorded controls, and where that ends."""
    data = copy.copy(start)
    times = [time.perf_counter_ns()]
    for ctrl, force in record:
        data.ctrl[:] = ctrl
        data.qfrc_applied[:] = force
        mujoco.mj_step(model, data, SUBSTEPS)
        times.append(time.perf_counter_ns())
    return times, data.qpos.copy()


def ratio(drive: Drive, repeats: int) -> str:
    """A run beside its replay."""
    record: Record = []
    start: list[Any] = []

    def keep(sim: Simulator) -> None:
        if start:
            record.append((sim.data.ctrl.copy(), sim.data.qfrc_applied.copy()))
        else:  # what the replay begins from: one period is stepped already
            start.append(copy.copy(sim.data))

    end = drive(keep)
    closed, bare = [], []
    for _ in range(repeats):
        times: list[int] = []
        drive(lambda _sim, kept=times: kept.append(time.perf_counter_ns()))  # type: ignore[misc]
        closed.append(times)
        times, last = replayed(start[0], end.model, record)
        bare.append(times)
        assert (last == end.data.qpos).all(), "the replay ends elsewhere: it is of another run"
    a, b, n = least(closed), least(bare), len(record)
    return f"{a / b:.2f}   ({a / n / 1000:.0f} and {b / n / 1000:.0f} us a period, {n} periods)"


def least(runs: list[list[int]]) -> int:
    """The sum of each period's least time over the runs, ns."""
    return sum(min(run[at + 1] - run[at] for run in runs) for at in range(min(map(len, runs)) - 1))


def called(scene: SceneModel, spawn: tuple[float, float, float], call: Call) -> Drive:
    """Drive one action, from standing."""

    def drive(on_control: Callable[[Simulator], None]) -> Simulator:
        sim = Simulator(scene, seed=3, spawn=spawn)
        sim.on_tick = on_control
        sim.execute(call)
        return sim

    return drive


def mission() -> Drive:
    """Drive a whole mission: planning, perception and log records included."""
    spec = random_mission(FIRST_SEED + 1)
    library, scene = library_for(spec.robot, None, spec.signals), compile_scene(spec.scene.objects)

    def drive(on_control: Callable[[Simulator], None]) -> Simulator:
        run = Mission(spec, library, scene, seed=5, policy="scripted", on_control=on_control)
        run_episode(run, Scripted(), lambda _record: None)
        return run.sim

    return drive


def loop(repeats: int) -> None:
    field = compile_scene(random_mission(FIRST_SEED).scene.objects)
    origin, aside = (0.0, 0.0, 0.0), (0.0, 6.0, 0.0)
    runs = {
        "walk, flat": called(compile_scene(), origin, Call("walk_forward", distance_m=4.0)),
        "trot, flat": called(compile_scene(), origin, Call("trot_forward", distance_m=6.0)),
        "crawl, flat": called(compile_scene(), origin, Call("crawl_forward", distance_m=1.0)),
        "trot beside a field": called(field, aside, Call("trot_forward", distance_m=6.0)),
        "mission through a field": mission(),
    }
    for name, drive in runs.items():
        print(f"closed loop / bare mj_step, {name:<25} {ratio(drive, repeats)}", flush=True)


# -- many robots -----------------------------------------------------------------------------------


class Took(NamedTuple):
    """Seconds of all cores together, and of the clock on the wall."""

    cpu: float
    wall: float


class Watch:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def took(self) -> Took:
        return Took(time.process_time() - self.cpu, time.perf_counter() - self.wall)


class Recorded:
    """ROBOTS robots of different seeds, and what they were told for PERIODS control periods."""

    def __init__(self) -> None:
        self.scene = compile_scene()
        self.models: list[Any] = []
        self.starts: list[Any] = []
        told = []
        for seed in range(ROBOTS):
            sim = Simulator(self.scene, seed=seed)
            self.models.append(sim.model)
            self.starts.append(copy.copy(sim.data))
            record: list[Any] = []
            sim.on_tick = lambda running, kept=record: kept.append(running.data.ctrl.copy())  # type: ignore[misc]
            sim.execute(Call("trot_forward", distance_m=8.0))
            told.append((record + [record[-1]] * PERIODS)[:PERIODS])
        self.ctrl = np.array(told)

    def one_by_one(self, _threads: int) -> Took:
        datas = [copy.copy(data) for data in self.starts]
        watch = Watch()
        for period in range(PERIODS):
            for model, data, ctrl in zip(self.models, datas, self.ctrl, strict=True):
                data.ctrl[:] = ctrl[period]
                mujoco.mj_step(model, data, SUBSTEPS)
        return watch.took()

    def batch(self, threads: int) -> Took:
        batch = Batch(copy.copy(self.scene.model), ROBOTS, nthread=threads)
        for name in ("geom_friction", "body_mass", "body_inertia"):
            values = batch.expand(name)
            for index, model in enumerate(self.models):
                values[index] = getattr(model, name)
        for name in ("qpos", "qvel", "qacc_warmstart"):
            batch.bind(name)[:] = [getattr(data, name) for data in self.starts]
        ctrl = batch.bind("ctrl")
        watch = Watch()
        for period in range(PERIODS):
            ctrl[:] = self.ctrl[:, period]
            batch.step(nstep=SUBSTEPS)
        return watch.took()

    def rollout(self, threads: int) -> Took:
        kind = mujoco.mjtState.mjSTATE_FULLPHYSICS
        state = np.zeros((ROBOTS, mujoco.mj_stateSize(self.scene.model, kind)))
        for row, model, data in zip(state, self.models, self.starts, strict=True):
            mujoco.mj_getState(model, data, row, kind)
        datas = [mujoco.MjData(self.scene.model) for _ in range(threads)]
        with Rollout(nthread=threads if threads > 1 else 0) as pool:
            watch = Watch()
            for period in range(PERIODS):
                ctrl = np.repeat(self.ctrl[:, period : period + 1], SUBSTEPS, axis=1)
                state = pool.rollout(self.models, datas, state, ctrl)[0][:, -1]
            return watch.took()


def steps(repeats: int) -> None:
    robots = Recorded()
    ways = [("mj_step, one by one", robots.one_by_one, 1)]
    for threads in sorted({1, CORES}):
        ways.append((f"mujoco.batch, {threads} threads", robots.batch, threads))
        ways.append((f"mujoco.rollout, {threads} threads", robots.rollout, threads))
    runs = [[way(threads) for _ in range(repeats)] for _, way, threads in ways]
    best = [Took(min(t.cpu for t in took), min(t.wall for t in took)) for took in runs]
    for (name, _, _), took in zip(ways, best, strict=True):
        factors = "  ".join(
            f"{kind} {ROBOTS * PERIODS * TICK_S / took[at]:4.0f} x real time ("
            f"{best[0][at] / took[at]:.2f} of one by one)"
            for at, kind in enumerate(("CPU", "wall"))
        )
        print(f"{ROBOTS} robots, {name:<26} {factors}", flush=True)


def cores(repeats: int) -> None:
    plans = [Plan(f"trot {n}", (Call("trot_forward", distance_m=8.0),)) for n in range(2 * CORES)]
    alone = 0.0
    for workers in sorted({1, CORES}):
        best = 0.0
        for _ in range(repeats):
            began = time.perf_counter()
            outcomes = rollout(plans, range(32), workers=workers)
            best = max(best, sum(row.seconds for row in outcomes) / (time.perf_counter() - began))
        alone = alone or best
        print(f"closed loop, {len(plans) * 32} runs, {workers} workers {best:8.0f} x real time,"
              f" {best / alone:.2f} of one", flush=True)  # fmt: skip


MEASURES: dict[str, Callable[[int], None]] = {"loop": loop, "steps": steps, "cores": cores}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--only", action="append", choices=list(MEASURES))
    args = parser.parse_args()
    for name, measure in MEASURES.items():
        if not args.only or name in args.only:
            measure(args.repeats if name == "loop" else max(args.repeats // 3, 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
