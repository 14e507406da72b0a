"""Many projects under one daemon: its start, its memory and its idling, and how each of them grows.

python tests/benchmarks/bench_fleet.py [--projects N ...] [--logs N] [--idle SECONDS]
    [--without-exports]

Each project has a mission of its own and logs of 20 ticks. First the daemon knows none of them;
then all are known and exported, and it is started again. Checks and training are off and judging
waits: they are children's work. Exports of 100,000 logs take the better part of an hour; without
them a scan looks at a third of the files. A growth exponent is the slope of the logarithms: 1 is as
many times the cost as there are projects, 0 the same however many there are.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import astuple, dataclass, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import runlogs
from bench_daemon import House, cpu_seconds, memory_mb
from report import Goal, Samples, Table, scratch

from handlers.project.paths import CADENZA_DIR, RUN_SUFFIX, SPEC_FILE
from handlers.project.scaffold import init_project
from store.lock import is_held
from store.reads.live import daemon_status
from store.schema import DATABASE, connect_reader

SETTINGS = """
[check]
enabled = false
[judge]
debounce = 3600
max_wait = 86400
[lora]
retrain = false
"""
NO_EXPORTS = "[export]\nformats = []\n"
PATIENCE_S = 3600.0
TICKS = 20


@dataclass(frozen=True)
class Costs:
    """Of one fleet. CPU in seconds of the daemon alone, `idle` in seconds a minute."""

    unknown: float
    known: float
    rss_unknown: float
    rss_known: float
    watches: float
    idle: float
    event_bytes: float


UNITS = ("CPU-s", "CPU-s", "MB", "MB", "", "CPU s/minute", "bytes")
NAMES = (
    "ready, nothing known",
    "ready, all known",
    "memory then, nothing known: VmRSS",
    "memory then, all known: VmRSS",
    "watches",
    "idle CPU, scans included",
    "an event, with its part of the view",
)
GOALS = {1000: {"unknown": Goal(15), "known": Goal(2)}, 10_000: {"rss_known": Goal(150)}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--projects", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--logs", type=int, default=10, help="in each project")
    parser.add_argument("--idle", type=float, default=70, help="seconds; a scan comes every 60")
    parser.add_argument("--without-exports", action="store_true", help="logs are recorded alone")
    options = parser.parse_args()
    what = ", not exported" if options.without_exports else ""
    settings = SETTINGS + (NO_EXPORTS if options.without_exports else "")
    with scratch() as folder:
        table = Table(f"fleets: {options.logs} logs a project{what}")
        measured = []
        for count in options.projects:
            fleet = folder / str(count)
            measured.append(measure(fleet, count, options.logs, options.idle, settings))
            print(f"{count:,} projects: {measured[-1]}", flush=True)  # the largest take minutes
            show(table, count, measured[-1])
        if len(measured) > 1:
            growth(table, options.projects, measured)
        table.show()


def measure(folder: Path, projects: int, logs: int, idle_s: float, settings: str) -> Costs:
    """What the daemon costs on a fleet that it does not know, and on the same one that it does."""
    make_fleet(folder / "robots", projects, logs)
    exports = 0 if settings.endswith(NO_EXPORTS) else projects * logs
    with closing(House(folder, settings, PATIENCE_S)) as house:
        unknown, (rss_unknown, _) = cpu_seconds(house.daemon.pid), memory_mb(house.daemon.pid)
        house.until(lambda: exported(house) == exports, "every log is exported")
        house.until(lambda: lag(house) == 0, "nothing waits")
    with closing(House(folder, settings, PATIENCE_S)) as house:
        pid = house.daemon.pid
        known, (rss_known, _) = cpu_seconds(pid), memory_mb(pid)
        with closing(connect_reader(house.state)) as reader:
            watching = daemon_status(reader, is_held(house.state))["watching"]
        if watching["projects"] != projects:
            raise SystemExit(f"{watching['projects']} of {projects} projects are watched")
        before, began = cpu_seconds(pid), time.monotonic()
        time.sleep(idle_s)
        idle = (cpu_seconds(pid) - before) * 60 / (time.monotonic() - began)
        events = house.log.head()
    size = (house.state / DATABASE).stat().st_size
    watches = float(watching["directories"])
    return Costs(unknown, known, rss_unknown, rss_known, watches, idle, size / events)


def make_fleet(workspace: Path, projects: int, logs: int) -> None:
    """Projects that differ in name and mission, as robots of one make do, and their logs."""
    first = workspace / "robot-00000"
    first.parent.mkdir(parents=True)
    init_project(first)
    spec = json.loads((first / SPEC_FILE).read_text())
    run = runlogs.run(TICKS)
    for number in range(projects):
        project = workspace / f"robot-{number:05}"
        (project / CADENZA_DIR).mkdir(parents=True, exist_ok=True)
        text = json.dumps({**spec, "name": f"{spec['name']}-{number}"}, indent=2)
        (project / SPEC_FILE).write_text(text)
        for log in range(logs):
            # No two logs are copies: each ends with a line of its own.
            mark = runlogs.tick(TICKS + 1, reward=number + log / logs)
            (project / CADENZA_DIR / f"run-{log:04}{RUN_SUFFIX}").write_bytes(run + mark)


def exported(house: House) -> int:
    with closing(connect_reader(house.state)) as reader:
        query = "SELECT coalesce(sum(exports_current), 0) FROM view_projects"
        return int(reader.execute(query).fetchone()[0])


def lag(house: House) -> int:
    with closing(connect_reader(house.state)) as reader:
        return daemon_status(reader, is_held(house.state))["lag"]


def show(table: Table, projects: int, costs: Costs) -> None:
    goals = GOALS.get(projects, {})
    for field, name, unit, value in zip(fields(costs), NAMES, UNITS, astuple(costs), strict=True):
        samples = Samples((value,), unit)
        table.add(f"{projects:,} projects: {name}", samples, goal=goals.get(field.name))


def growth(table: Table, projects: Sequence[int], measured: Sequence[Costs]) -> None:
    """How each cost grows with the number of projects, over the two largest fleets."""
    sizes = [math.log(count) for count in projects[-2:]]
    for name, *values in zip(NAMES, *map(astuple, measured[-2:]), strict=True):
        if not all(values):
            continue  # too little to be measured has no slope
        slope = statistics.linear_regression(sizes, [math.log(value) for value in values]).slope
        table.add(f"growth exponent: {name}", Samples((slope,), ""))


if __name__ == "__main__":
    main()
