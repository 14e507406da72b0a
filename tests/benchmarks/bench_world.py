"""The world and its pictures: the sample mission's honesty, wide scenes, films.

    python tests/benchmarks/bench_world.py [--quick] [--only NAME]

Films need OpenGL without a display; without it their row says so.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from handlers.mission.episode.environment import Mission
from handlers.mission.episode.episode import run_episode
from handlers.mission.policies.scripted import Scripted
from handlers.mission.world.model import compile_scene
from handlers.project.library import library_for
from handlers.project.scaffold import SAMPLE, init_project
from handlers.project.scene import Box
from handlers.project.spec import load_spec

FIRST_SEED = 600
CALLING = [sys.executable, "-m", "cadenzad.cli", "cadenza", "env", "run"]


def sample(runs: int) -> Iterator[str]:
    """The scripted policy through the sample mission: success, signals, persons touched, falls."""
    spec = load_spec(SAMPLE / "mission")
    library = library_for(spec.robot, None, spec.signals)
    scene = compile_scene(spec.scene.objects)
    won = sent = touched = falls = 0
    for seed in range(FIRST_SEED, FIRST_SEED + runs):
        events: list[str] = []
        result = run_episode(
            Mission(spec, library, scene, seed=seed, policy="scripted"),
            Scripted(),
            lambda record, events=events: events.append(record["signal_event"]),
        )
        won, sent = won + result.success, sent + events.count("correct")
        touched, falls = touched + result.touched_person, falls + result.falls
    yield f"sample mission: {won} of {runs} succeeded, {sent} signals, {touched} persons touched"
    yield f"sample mission: {falls} falls"


def wide(_runs: int) -> Iterator[str]:
    """Scenes of 60 and more metres: time to compile, and what the map of heights holds."""
    course = [
        Box(type="box", position=(-2.0 * k, (-1) ** k * 0.8, 0.3), size=(0.05, 0.8, 0.3))
        for k in range(1, 30)
    ]
    fence = [
        Box(type="box", position=(x, y, 0.5), size=(hx, hy, 0.5))
        for x, y, hx, hy in (
            (32, 0, 0.1, 32),
            (-32, 0, 0.1, 32),
            (0, 32, 32, 0.1),
            (0, -32, 32, 0.1),
        )
    ]
    slab = [Box(type="box", position=(0, 0, 0.02), size=(32, 32, 0.02))]
    for name, boxes in (
        ("a course of 60 m with 29 gates", course),
        ("a fence around 64 x 64 m", fence),
        ("a floor of 64 x 64 m", slab),
    ):
        began = time.process_time()
        tiles = compile_scene(boxes).terrain.tiles.values()
        spent = time.process_time() - began
        kept = {id(cells): len(cells) * cells.itemsize
                for tile in tiles for cells in (tile.heights, tile.rough)}  # fmt: skip
        yield f"{name}: {spent:.2f} CPU s, {len(tiles)} tiles, {sum(kept.values()) / 1e6:.1f} MB"


def films(_runs: int) -> Iterator[str]:
    """A film of the sample mission: its size, and the most memory that a process of it took."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "rescue"
        init_project(project)
        plain = _run(project, [])
        yield f"without a film: {plain}"
        for suffix in (".mp4", ".gif"):
            film = project / f"film{suffix}"
            said = _run(project, ["--video", str(film)])
            size = f"{film.stat().st_size / 1e6:.1f} MB" if film.exists() else "no film"
            yield f"film {suffix}: {size}; {said}"


def _run(project: Path, more: list[str]) -> str:
    """`cadenza env run` in a process of its own: simulated time and peak memory, or why not."""
    command = [*CALLING, str(project), "--headless", "--policy", "scripted", "--seed", "7", *more]
    code = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], check=False);"
        "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    )
    environ = {**os.environ, "CADENZAD_STATE": str(project / "state")}
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        capture_output=True,
        text=True,
        env=environ,
        check=False,
    )
    seconds = re.search(r"([\d.]+)s ", done.stdout)
    peak = re.search(r"peak (\d+)", done.stdout)
    if seconds is None or peak is None:
        return (done.stderr or done.stdout).strip().splitlines()[0]
    return f"{seconds[1]} s simulated, at most {peak[1]} MiB of memory"


MEASURES: dict[str, Callable[[int], Iterator[str]]] = {
    "sample": sample,
    "wide": wide,
    "films": films,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--only", action="append", choices=list(MEASURES))
    args = parser.parse_args()
    for name, measure in MEASURES.items():
        if not args.only or name in args.only:
            for line in measure(5 if args.quick else 50):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
