"""From a file that is whole to whoever waits for it: our event, watchfiles, a polling sensor.

python tests/benchmarks/bench_latency.py [--files N]

All three look at the same drops at the same time. For the daemon a file has arrived when another
process can read its committed event; it is hashed, every line of it is checked, and it is in the
view. For the others it has arrived when its name is reported. `watchfiles` is as it comes
(debounce 1,600 ms, step 50 ms). The sensor lists the folder every second; Dagster's sensors do so
every 30 seconds by default.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from bench_daemon import Commits, House
from report import Goal, Samples, Table, percentile, scratch

from handlers.project.paths import CADENZA_DIR, RUN_SUFFIX
from handlers.project.scaffold import init_project, recorded_run
from store.events.files import RunRecorded
from store.log import EventLog
from store.schema import connect_reader

PACE_S = 0.05
GOALS = {"closed": Goal(60), "renamed into place": Goal(10)}
"""For p99, in milliseconds."""

WATCHFILES = """
import sys, time, watchfiles
print("ready", flush=True)
for changes in watchfiles.watch(sys.argv[1], recursive=False):
    now = time.time_ns()
    for _, path in changes:
        print(now, path.rpartition("/")[2], flush=True)
"""
SENSOR = """
import os, sys, time
known = set()
print("ready", flush=True)
while True:
    names = set(os.listdir(sys.argv[1]))
    now = time.time_ns()
    for name in names - known:
        print(now, name, flush=True)
    known |= names
    time.sleep(1)
"""
Arrivals = dict[str, float]
"""A file's name -> when it arrived, in microseconds since the epoch."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=200, help="dropped in each way")
    options = parser.parse_args()
    with scratch() as folder, closing(House(folder)) as house:
        table = Table(f"latency: {options.files} run logs, one each {1000 * PACE_S:.0f} ms")
        for how, drop in (("closed", write), ("renamed into place", rename)):
            measure(table, house, how, drop, options.files)
        table.show()


def measure(
    table: Table, house: House, how: str, drop: Callable[[Path, bytes], None], files: int
) -> None:
    name = how.partition(" ")[0]
    project = house.workspace / name
    init_project(project)
    folder = project / CADENZA_DIR
    folder.mkdir(exist_ok=True)
    house.until(lambda: name in house.projects(), f"{name} is known")
    after = house.log.head()
    with ExitStack() as stack:
        commits = stack.enter_context(watching_commits(house))
        watchfiles = stack.enter_context(observer(WATCHFILES, folder))
        sensor = stack.enter_context(observer(SENSOR, folder))
        dropped = drop_all(folder, drop, files)
        house.until(lambda: house.exports(name) == files, "every log is exported")
        for found in (watchfiles, sensor):
            house.until(lambda found=found: dropped.keys() <= found.keys(), "all are reported")
        head = house.log.head()
        house.until(lambda: commits.seen(head), "the last commit is seen")
    ours = {
        record.event.run_id + RUN_SUFFIX: commits.when(record.position)
        for record in house.log.read(after)
        if isinstance(record.event, RunRecorded)
    }
    for percent in (50, 99):
        value = waited(dropped, ours, percent)
        goal = GOALS[how] if percent == 99 else None
        table.add(f"{how}: committed event, p{percent}", value, goal=goal)
        for what, other in (("watchfiles", watchfiles), ("sensor, every second", sensor)):
            table.add(
                f"{how}: the same", value, against=what, other=waited(dropped, other, percent)
            )


def waited(dropped: Arrivals, arrived: Arrivals, percent: float) -> Samples:
    waits = [(arrived[name] - moment) / 1000 for name, moment in dropped.items()]
    return Samples((percentile(waits, percent),), "ms")


def drop_all(folder: Path, drop: Callable[[Path, bytes], None], files: int) -> Arrivals:
    """Drop files at an even pace; when each was whole."""
    first, rest = recorded_run().read_bytes().split(b"\n", 1)
    dropped: Arrivals = {}
    begin = time.monotonic()
    for index in range(files):
        time.sleep(max(0.0, begin + index * PACE_S - time.monotonic()))
        name = f"run-{index:05}{RUN_SUFFIX}"
        # Blanks at the end of a line change the bytes, so that no log is another's copy.
        drop(folder / name, first + b" " * (index + 1) + b"\n" + rest)
        dropped[name] = time.time_ns() / 1000
    return dropped


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def rename(path: Path, content: bytes) -> None:
    aside = path.parents[2] / f"aside-{path.name}"
    aside.write_bytes(content)
    os.rename(aside, path)


@contextmanager
def observer(program: str, folder: Path) -> Iterator[Arrivals]:
    """What a program that looks at a folder has reported, as it comes."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, folder], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines, arrived = process.stdout, dict[str, float]()
    lines.readline()

    def collect() -> None:
        for line in lines:
            moment, name = line.split(maxsplit=1)
            arrived.setdefault(name.strip(), int(moment) / 1000)

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield arrived
    finally:
        process.terminate()
        process.wait()
        thread.join()
        lines.close()


@contextmanager
def watching_commits(house: House) -> Iterator[Commits]:
    with closing(connect_reader(house.state)) as reader:
        commits = Commits(EventLog(reader))
        thread = threading.Thread(target=commits.run)
        thread.start()
        try:
            yield commits
        finally:
            commits.stop = True
            thread.join()


if __name__ == "__main__":
    main()
