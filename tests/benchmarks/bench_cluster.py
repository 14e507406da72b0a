"""Jobs on a cluster: what more workers do for the missions of a scorecard.

    python tests/benchmarks/bench_cluster.py [--seeds 64] [--rounds 3]

A real Ray cluster of one node on loopback addresses, whose workers run at this process' priority.
Missions are driven as a scorecard drives them: by this machine's own processes, and by 1, 2 and 4
workers of Ray's; the outcomes are compared. Nothing asserts on a clock.

Where other work keeps the processors busy, or there are fewer than workers, the clock says little.
So the kernel is asked how long each worker ran and how long it stood ready and got no processor
(/proc/PID/schedstat): without the latter, what the slowest of them took is what the missions take
where each worker has a processor. What a worker waits for else (a part, its data, the others' end)
is counted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from a checkout as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from courses import ACROSS, AROUND, lava_hall
from rays import Direct, Nodes, ray_nodes
from report import Goal, Samples, Table

from handlers.lora.rollout import course
from handlers.lora.rollout.course import Course
from handlers.lora.rollout.drive import Drive
from handlers.project.project import Project

CORES = len(os.sched_getaffinity(0))
WORKERS = (1, 2, 4)
NEAR_LINEAR = 0.8


@dataclass(frozen=True)
class Taken:
    """What a batch of missions took: by the clock, s; of processors, s; and, s, what the slowest
    worker would take with a processor of its own."""

    wall: float
    cpu: float
    alone: float


@dataclass(frozen=True)
class Counts:
    """What the kernel has counted of a worker, s."""

    ran: float
    stood_ready: float


def counts(nodes: Nodes) -> Mapping[int, Counts]:
    """Each worker of the cluster by its process."""
    import psutil

    found = {}
    for process in psutil.process_iter():
        try:
            if not process.name().startswith("ray::"):
                continue
            parent = process.parent()
            if parent is not None and str(nodes.folder) in " ".join(parent.cmdline()):
                ran, ready, _ = Path(f"/proc/{process.pid}/schedstat").read_text().split()
                found[process.pid] = Counts(int(ran) / 1e9, int(ready) / 1e9)
        except (psutil.Error, FileNotFoundError):
            continue
    return found


def driven(project: Project, seeds: int, spread: Direct | None) -> list[Drive]:
    return Course(project, spread=spread).drives({ACROSS: AROUND}, seeds)


def taken(nodes: Nodes, project: Project, seeds: int, workers: int) -> tuple[Taken, list[Drive]]:
    """The missions driven by so many workers at once."""
    spread = Direct(project.path, max(WORKERS) / workers)
    before, began = counts(nodes), time.perf_counter()
    drives = driven(project, seeds, spread)
    wall, after = time.perf_counter() - began, counts(nodes)
    none = Counts(0.0, 0.0)
    ran = {pid: now.ran - before.get(pid, none).ran for pid, now in after.items()}
    used = sorted(ran, key=lambda pid: ran[pid])[-workers:]
    ready = {pid: after[pid].stood_ready - before.get(pid, none).stood_ready for pid in used}
    return Taken(wall, sum(ran.values()), max(wall - ready[pid] for pid in used)), drives


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if find_spec("ray") is None:
        print("ray is not installed: pip install 'cadenzad[ray]'")
        return 0
    os.environ.setdefault(
        "RAY_worker_niceness", "0"
    )  # Ray's is 15: beside other work that is hardly any
    found: dict[int, list[Taken]] = {workers: [] for workers in WORKERS}
    here: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "env.json").write_text(json.dumps(lava_hall()))
        measure(Project.open(Path(folder)), args.seeds, args.rounds, found, here)
    show(args.seeds, found, here)
    return 0


def measure(
    project: Project, seeds: int, rounds: int, found: dict[int, list[Taken]], here: list[float]
) -> None:
    from cadenzad.jobs.cluster.connection import connected

    course.MOST_WORKERS = CORES
    with ray_nodes(max(WORKERS)) as nodes, connected(nodes.address):
        for _ in range(2):  # a worker of Ray's begins by importing MuJoCo
            driven(project, 4 * max(WORKERS), Direct(project.path))
        for _ in range(rounds):
            began = time.perf_counter()
            wanted = driven(project, seeds, None)
            here.append(seeds / (time.perf_counter() - began))
            for workers in WORKERS:
                figures, drives = taken(nodes, project, seeds, workers)
                found[workers].append(figures)
                same = "the same outcomes" if drives == wanted else "OTHER OUTCOMES"
                print(f"{workers} at once: {figures}, {same}", flush=True)
                assert drives == wanted


def show(seeds: int, found: dict[int, list[Taken]], here: list[float]) -> None:
    table = Table(f"Missions of a scorecard, {seeds} seeds, shared by Ray workers")
    for workers, rounds in found.items():
        at_once, one = f"{workers} at once", found[1]
        table.add(
            f"{at_once}, a processor for each",
            Samples(tuple(seeds / each.alone for each in rounds), "missions/s"),
            against="1 at once",
            other=Samples(tuple(seeds / each.alone for each in one), "missions/s"),
            goal=Goal(NEAR_LINEAR * workers, at_least=True),
        )
        table.add(
            f"{at_once}, of processors",
            Samples(tuple(each.cpu / seeds for each in rounds), "CPU-s/mission"),
            against="1 at once",
            other=Samples(tuple(each.cpu / seeds for each in one), "CPU-s/mission"),
            goal=Goal(1.2),
        )
        table.add(
            f"{at_once}, by the clock of {CORES} processors with other work",
            Samples(tuple(seeds / each.wall for each in rounds), "missions/s"),
            against=f"{CORES} processes that begin with each batch",
            other=Samples(tuple(here), "missions/s"),
        )
    table.show()


if __name__ == "__main__":
    sys.exit(main())
