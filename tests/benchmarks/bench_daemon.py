"""The real daemon: how soon a dropped file is history, and what it costs when nothing happens.

python tests/benchmarks/bench_daemon.py [--files N] [--rounds N] [--idle SECONDS]
python tests/benchmarks/bench_daemon.py --burst 20000
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from report import CHECKOUT, Goal, Samples, Table, percentile, scratch

from cadenzad.config.settings import Watch
from handlers.project.paths import CADENZA_DIR, RUN_SUFFIX
from handlers.project.scaffold import init_project, recorded_run
from store.errors import StoreError
from store.events.envelope import Recorded
from store.events.exports import RunExported
from store.events.files import RunRecorded
from store.lock import is_held
from store.log import EventLog
from store.reads.live import daemon_status
from store.schema import connect_reader

BIN = Path(sys.executable).parent
PACE_S = 0.02
PATIENCE_S = 120.0
IDLE_PROJECTS = 100
LONG_S = 900.0
SCANS = 10
SETTLED_S = 8.0
"""After a start everything has come to rest by then, the checkpoint of the log too."""
OFTEN_S = 2
NO_JOBS = """
[check]
enabled = false
[judge]
mode = "off"
[lora]
retrain = false
"""
SETTLE_MS = 1000 * Watch().settle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1000, help="dropped, a measurement and round")
    parser.add_argument("--rounds", type=int, default=3, help="of paced and burst")
    parser.add_argument("--idle", type=float, default=60, help="seconds of watching it do nothing")
    parser.add_argument("--burst", type=int, metavar="N", help="only: N files into one project")
    options = parser.parse_args()
    with scratch() as folder:
        if options.burst:
            burst(folder, options.burst)
            return
        table = Table("daemon: from close() to history, and idle; default configuration")
        latency(table, folder / "latency", options.rounds, options.files)
        idle(table, folder / "idle", options.idle)
        table.show()


# -- latency ---------------------------------------------------------------------------------------


@dataclass
class Latencies:
    """Of one drop of many files: milliseconds since each file's close(), and files a second."""

    recorded: list[float] = field(default_factory=list)
    committed: list[float] = field(default_factory=list)
    exported: list[float] = field(default_factory=list)
    recorded_per_s: float = 0.0
    exported_per_s: float = 0.0
    cpu_ms: float = 0.0
    """CPU time of the daemon for each log: taken in, recorded and exported."""


def latency(table: Table, folder: Path, rounds: int, files: int) -> None:
    """Paced and burst drops in turn, each into a project of its own."""
    paced: list[Latencies] = []
    burst: list[Latencies] = []
    with running(folder) as house:
        for number in range(rounds):
            paced.append(_measure(house, f"paced-{number}", files, PACE_S))
            burst.append(_measure(house, f"burst-{number}", files, 0.0))
    size = recorded_run().stat().st_size
    print(f"latency: {rounds} rounds of {files:,} run logs of {size:,} bytes; includes the settle")
    _add(table, f"one each {1000 * PACE_S:.0f} ms", paced)
    _add(table, f"{files:,} at once", burst)
    rates = Samples(tuple(one.recorded_per_s for one in burst), "files/s")
    table.add(f"{files:,} at once: taken in", rates)
    rates = Samples(tuple(one.exported_per_s for one in burst), "files/s")
    goal = Goal(200, at_least=True)
    table.add(f"{files:,} at once: taken in and exported", rates, goal=goal)
    cpu = Samples(tuple(one.cpu_ms for one in burst), "ms")
    table.add(f"{files:,} at once: CPU time of a log", cpu, goal=Goal(3))


def burst(folder: Path, files: int) -> None:
    """More files than a disk writes at once: when all are exported, and what that took."""
    with running(folder, LONG_S) as house:
        project = house.workspace / "burst"
        init_project(project)
        house.until(lambda: "burst" in house.projects(), "the project is known")
        used, begin = cpu_seconds(house.daemon.pid), time.monotonic()
        for number, content in enumerate(_run_logs(files)):  # too many to be held at once
            _drop(project / CADENZA_DIR, [(f"run-{number:06}", content)], 0.0)
        house.until(lambda: house.exports("burst") == files, f"{files} exports")
        took, used = time.monotonic() - begin, cpu_seconds(house.daemon.pid) - used
        rss, _ = memory_mb(house.daemon.pid)
    each = 1000 * used / files
    print(f"{files:,} logs: {took:.1f} s, {each:.2f} CPU-ms a log, VmRSS {rss:.0f} MB")


def _add(table: Table, what: str, rounds: Sequence[Latencies]) -> None:
    for percent in (50, 99):
        recorded = _percentiles([one.recorded for one in rounds], percent)
        net = Samples(tuple(ms - SETTLE_MS for ms in recorded.values), "ms")
        committed = _percentiles([one.committed for one in rounds], percent)
        exported = _percentiles([one.exported for one in rounds], percent)
        table.add(f"{what}: recorded, p{percent}", recorded)
        table.add(f"{what}: recorded, p{percent}, net of {SETTLE_MS:.0f} ms settle", net)
        table.add(f"{what}: committed and seen by a reader, p{percent}", committed)
        table.add(f"{what}: exported, p{percent}", exported)


def _percentiles(rounds: Sequence[Sequence[float]], percent: float) -> Samples:
    return Samples(tuple(percentile(one, percent) for one in rounds), "ms")


def _measure(house: House, name: str, files: int, pace: float) -> Latencies:
    """Drop `files` run logs, `pace` seconds apart, and match each with its events by its name."""
    project = house.workspace / name
    init_project(project)
    house.until(lambda: name in house.projects(), f"{name} is known")
    runs = [(f"run-{index:05}", content) for index, content in enumerate(_run_logs(files))]
    after, used = house.log.head(), cpu_seconds(house.daemon.pid)
    with _watching_commits(house) as commits:
        closed = _drop(project / CADENZA_DIR, runs, pace)
        house.until(lambda: house.exports(name) == files, f"{files} exports in {name}")
        head = house.log.head()
        house.until(lambda: commits.seen(head), "the reader sees the last commit")
    found = _match(house.log.read(after), closed, commits)
    found.cpu_ms = 1000 * (cpu_seconds(house.daemon.pid) - used) / files
    return found


def _match(events: Iterable[Recorded], closed: dict[str, float], commits: Commits) -> Latencies:
    """From when each run's file was closed, and what the log says, to latencies."""
    result = Latencies()
    files, begun = len(closed), min(closed.values())
    last = {RunRecorded: 0, RunExported: 0}
    for record in events:
        event = record.event
        if isinstance(event, RunRecorded):
            moment = closed[event.run_id]
            result.recorded.append((record.recorded_at_us - moment) / 1000)
            result.committed.append((commits.when(record.position) - moment) / 1000)
        elif isinstance(event, RunExported):
            result.exported.append((record.recorded_at_us - closed[event.run_id]) / 1000)
        else:
            continue
        last[type(event)] = record.recorded_at_us
    if len(result.recorded) != files or len(result.exported) != files:
        raise SystemExit(f"{len(result.recorded)} of {files} runs: the figures mean nothing")
    result.recorded_per_s = files / (last[RunRecorded] - begun) * 1e6
    result.exported_per_s = files / (last[RunExported] - begun) * 1e6
    return result


def _run_logs(count: int) -> Iterator[bytes]:
    """The recorded run of the sample mission, every time with another first tick."""
    first, rest = recorded_run().read_bytes().split(b"\n", 1)
    tick = json.loads(first)
    for number in range(count):
        tick["obs"]["pos_x"] = time.time() + number
        yield json.dumps(tick).encode() + b"\n" + rest


def _drop(folder: Path, runs: Sequence[tuple[str, bytes]], pace: float) -> dict[str, float]:
    """Write and close the files; when each was closed, in microseconds since the epoch."""
    closed: dict[str, float] = {}
    folder.mkdir(exist_ok=True)
    begin = time.monotonic()
    for index, (run_id, content) in enumerate(runs):
        if pace:
            time.sleep(max(0.0, begin + index * pace - time.monotonic()))
        handle = os.open(folder / (run_id + RUN_SUFFIX), os.O_CREAT | os.O_WRONLY, 0o600)
        os.write(handle, content)
        closed[run_id] = time.time_ns() / 1000
        os.close(handle)
    return closed


class Commits:
    """When a reader that polls each millisecond first saw each head of the log."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._heads: list[int] = [log.head()]
        self._times: list[float] = [time.time_ns() / 1000]
        self._version = -1
        self.stop = False

    def run(self) -> None:
        connection = self._log.connection
        while not self.stop:
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            if version != self._version:
                self._version = version
                head, now = self._log.head(), time.time_ns() / 1000
                if head > self._heads[-1]:
                    self._heads.append(head)
                    self._times.append(now)
            time.sleep(0.001)

    def seen(self, position: int) -> bool:
        return self._heads[-1] >= position

    def when(self, position: int) -> float:
        """Microseconds since the epoch."""
        return self._times[bisect_left(self._heads, position)]


@contextmanager
def _watching_commits(house: House) -> Iterator[Commits]:
    with closing(connect_reader(house.state)) as reader:
        commits = Commits(EventLog(reader))
        thread = threading.Thread(target=commits.run)
        thread.start()
        try:
            yield commits
        finally:
            commits.stop = True
            thread.join()


# -- idle ------------------------------------------------------------------------------------------


def idle(table: Table, folder: Path, seconds: float) -> None:
    """Memory and CPU time with 100 projects of a log each, just taken in and after a restart.

    Checks, judging and training are off: each is a job, and 100 trainings take hours.
    """
    for number, content in enumerate(_run_logs(IDLE_PROJECTS)):
        project = folder / "robots" / f"robot-{number:03}"
        init_project(project)
        (project / CADENZA_DIR).mkdir(exist_ok=True)
        (project / CADENZA_DIR / f"run{RUN_SUFFIX}").write_bytes(content)
    with running(folder, LONG_S, NO_JOBS) as house:
        house.until(lambda: house.all_exports() == IDLE_PROJECTS, f"{IDLE_PROJECTS} exports")
        rss, pss = memory_mb(house.daemon.pid)
    with running(folder, settings=NO_JOBS) as house:
        time.sleep(SETTLED_S)
        print(f"idle: {seconds:g} s of {IDLE_PROJECTS} projects with a log each")
        used = _used(house, seconds)
        after, _ = memory_mb(house.daemon.pid)
        whole = _scan_ms(house)
    with running(folder, settings=f"{NO_JOBS}[reconcile]\nevery = {OFTEN_S}\n") as house:
        time.sleep(SETTLED_S)
        passing = 1000 * _used(house, SCANS * OFTEN_S) / SCANS
    cpu = Samples((used * 60 / seconds,), "CPU s/minute")
    table.add("idle CPU, with the scan of each minute", cpu, goal=Goal(0.01))
    scan = f"a scan of {IDLE_PROJECTS} projects"
    table.add(f"{scan} that nobody touched, and what it tells", Samples((passing,), "CPU ms"))
    table.add(f"{scan}, whole", Samples((whole,), "CPU ms"))
    table.add("idle memory: VmRSS", Samples((rss,), "MB"), goal=Goal(45))
    table.add("idle memory: PSS", Samples((pss,), "MB"))
    table.add("idle memory: VmRSS after a restart", Samples((after,), "MB"), goal=Goal(45))
    before_it = 0.0
    for what, mb in what_is_in_it():
        table.add(f"of it {what}", Samples((mb - before_it,), "MB"))
        before_it = mb


def _used(house: House, seconds: float) -> float:
    """CPU seconds that the daemon uses in a while."""
    before = cpu_seconds(house.daemon.pid)
    time.sleep(seconds)
    return cpu_seconds(house.daemon.pid) - before


def _scan_ms(house: House) -> float:
    """CPU time of a scan that finds nothing, in milliseconds; with a configuration read anew."""
    before = cpu_seconds(house.daemon.pid)
    for number in range(SCANS):
        house.daemon.send_signal(signal.SIGHUP)
        house.until(lambda n=number: house.said("configuration reloaded") > n, "a scan")
    return 1000 * (cpu_seconds(house.daemon.pid) - before) / SCANS


PARTS = {
    "Python": "",
    "the standard library": "import argparse, json, logging, sqlite3, subprocess, tomllib, typing",
    "pydantic": "from pydantic import BaseModel, TypeAdapter",
    "events": "import store.events.types",
    "msgspec, orjson, watchdog": "import msgspec, orjson, watchdog.observers.inotify",
    "all other modules": "import cadenzad.daemon",
}


def what_is_in_it() -> list[tuple[str, float]]:
    """(part, VmRSS in MB with it and all before it) of a process that imports what a daemon does.

    The rest of a daemon is what it holds: threads, connections and their caches, projects, watches.
    """
    look = "print(open('/proc/self/status').read().partition('VmRSS:')[2].split()[0])"
    code = "\n".join(f"{imports}\n{look}" for imports in PARTS.values())
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT)
    return [(name, int(kb) / 1024) for name, kb in zip(PARTS, done.stdout.split(), strict=True)]


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and all its threads, in seconds, finer than the ticks of /proc."""
    return time.clock_gettime(~pid << 3 | 2)  # the clock that clock_getcpuclockid(3) names


def memory_mb(pid: int) -> tuple[float, float]:
    """(VmRSS, PSS) in MB of 2**20 bytes; PSS counts shared pages in parts."""
    return (
        _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:") / 1024,
        _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") / 1024,
    )


def _kilobytes(file: Path, name: str) -> int:
    line = next(line for line in file.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])


# -- the daemon ------------------------------------------------------------------------------------


class House:
    """A workspace, a state directory, the daemon on them, and a reader of its log."""

    def __init__(self, folder: Path, settings: str = "", patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self.workspace = folder / "robots"
        self.state = folder / "state"
        self.workspace.mkdir(parents=True, exist_ok=True)
        self._output = folder / "cadenzad.log"
        config = folder / "cadenzad.toml"
        config.write_text(f"workspaces = ['{self.workspace}']\n{settings}")
        with self._output.open("ab") as output:
            self.daemon = subprocess.Popen(
                [BIN / "cadenzad", "--config", config, "--state", self.state],
                stdout=output,
                stderr=output,
            )
        try:
            self.until(self._is_ready, "the daemon is ready")
            self._reader = connect_reader(self.state)
        except BaseException:
            self._end()
            raise
        self.log = EventLog(self._reader)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + self._patience_s
        while not condition():
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"did not come: {what}\n{self._output.read_text()[-2000:]}")
            time.sleep(0.02)

    def projects(self) -> set[str]:
        rows = self._reader.execute("SELECT name FROM view_projects WHERE state = 'ready'")
        return {name for (name,) in rows}

    def exports(self, project: str) -> int:
        query = "SELECT exports_current FROM view_projects WHERE name = ?"
        row = self._reader.execute(query, (project,)).fetchone()
        return int(row[0]) if row else 0

    def all_exports(self) -> int:
        query = "SELECT sum(exports_current) FROM view_projects"
        return int(self._reader.execute(query).fetchone()[0] or 0)

    def said(self, words: str) -> int:
        """How often the daemon said something."""
        return self._output.read_text().count(words)

    def close(self) -> None:
        self._reader.close()
        self._end()

    def _end(self) -> None:
        self.daemon.terminate()
        try:
            self.daemon.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()

    def _is_ready(self) -> bool:
        try:
            with closing(connect_reader(self.state)) as reader:
                now = daemon_status(reader, is_held(self.state))
        except StoreError:
            return False
        return now["state"] == "running" and now["pid"] == self.daemon.pid


@contextmanager
def running(folder: Path, patience_s: float = PATIENCE_S, settings: str = "") -> Iterator[House]:
    """The daemon on `folder`, ready, and stopped again afterwards."""
    house = House(folder, settings, patience_s)
    try:
        yield house
    finally:
        house.close()


if __name__ == "__main__":
    main()
