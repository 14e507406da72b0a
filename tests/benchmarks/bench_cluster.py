"""Jobs on a cluster: what more workers do for the missions of a scorecard.

    python tests/benchmarks/bench_cluster.py [--seeds 64] [--rounds 3]

A real Ray cluster of one node with the processors of this machine, on loopback addresses. Missions
are driven as a scorecard drives them, by this machine's own processes and by 1, 2, ... workers of
Ray's; the outcomes are compared. Nothing asserts on a clock.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from a checkout as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from courses import ACROSS, AROUND, lava_hall
from rays import Direct, ray_nodes
from report import Goal, Samples, Table

from cadenzad.jobs.cluster.connection import connected
from handlers.lora.rollout import course
from handlers.lora.rollout.course import Course
from handlers.lora.rollout.drive import Drive
from handlers.project.project import Project

CORES = len(os.sched_getaffinity(0))


def timed(
    project: Project, seeds: int, workers: int, spread: Direct | None
) -> tuple[float, list[Drive]]:
    """Missions a second, and what became of them."""
    course.MOST_WORKERS = workers
    began = time.perf_counter()
    drives = Course(project, spread=spread).drives({ACROSS: AROUND}, seeds)
    return seeds / (time.perf_counter() - began), drives


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    rates: dict[int, list[float]] = {}
    here: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "env.json").write_text(json.dumps(lava_hall()))
        project = Project.open(Path(folder))
        with ray_nodes(CORES) as nodes, connected(nodes.address):
            for workers in range(1, CORES + 1):  # a worker of Ray's begins by importing MuJoCo
                timed(project, 2 * CORES, CORES, Direct(project.path, CORES / workers))
            for _ in range(args.rounds):
                rate, wanted = timed(project, args.seeds, CORES, None)
                here.append(rate)
                for workers in range(1, CORES + 1):
                    direct = Direct(project.path, CORES / workers)
                    rate, drives = timed(project, args.seeds, CORES, direct)
                    rates.setdefault(workers, []).append(rate)
                    print(f"{workers} workers: {rate:.2f} missions/s, same: {drives == wanted}")
    table = Table("Missions of a scorecard, shared by Ray workers")
    for workers, found in rates.items():
        table.add(
            f"{workers} Ray workers",
            Samples(tuple(found), "missions/s"),
            against="1 Ray worker",
            other=Samples(tuple(rates[1]), "missions/s"),
            goal=Goal(0.8 * workers, at_least=True),
        )
        table.add(
            f"{workers} Ray workers",
            Samples(tuple(found), "missions/s"),
            against=f"{CORES} processes of this machine",
            other=Samples(tuple(here), "missions/s"),
        )
    table.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
