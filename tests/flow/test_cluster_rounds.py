"""Kill after kill while adapters are trained on a cluster: nothing is lost, and nothing twice.

Daemons, the processes that stand for jobs, children on nodes, Ray's workers and whole nodes are
killed, and processes here are stopped as a network that is gone would stop them. Then everything
may live for as long as it needs to make good what was left.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from houses import House
from rays import GOALS, SIT, WORDS, Nodes, on_cluster, ray_nodes
from teaching import rows, taught_project

for name in ("torch", "peft", "mujoco", "ray"):
    if find_spec(name) is None:  # not imported: every test process collects this
        pytest.skip(f"{name} is not installed", allow_module_level=True)

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("ray"), pytest.mark.timeout(1200)]

ROUNDS = int(os.environ.get("CADENZA_ROUNDS", "200"))
MOST_S = 300.0
"""Of the rounds together; what was done until then is printed, and counts."""
PROJECTS = 2


class Arena:
    """A daemon, its projects, a cluster, and what can be done to them."""

    def __init__(self, house: House, nodes: Nodes) -> None:
        self.house, self.nodes, self.random = house, nodes, random.Random(20261127)
        self.taught = Counter[Path]()
        tables = on_cluster(nodes.address, jobs="workers = 2\nattempts = 100\nlease = 4\n")
        tables = tables.replace("retrain = false", "retrain = true")
        tables = tables.replace("backoff = 0.2", "backoff = 0")  # it doubles with each blow
        made = taught_project(house, GOALS, tables, WORDS)
        self.projects = [made]
        for index in range(1, PROJECTS):
            other = house.project(f"rescue{index}")
            for part in ("env.json", "lora/patterns.jsonl", "lora/eval.jsonl"):
                (other / part).write_bytes((made / part).read_bytes())
            self.projects.append(other)
        self.daemon = house.start()

    def teach(self) -> None:
        """Have each project that waits for nothing trained on something new."""
        waiting = {job["project"] for job in self.jobs("queued", "running")}
        for project in self.projects:
            if str(project) not in waiting:
                self.taught[project] += 1
                goals = GOALS | {f"be seated {self.taught[project]} times": SIT}
                (project / "lora" / "patterns.jsonl").write_text(rows(goals))

    def have_one_done(self) -> None:
        """Nothing is struck until a training has come to its end."""
        before = len(self.house.events("JobSucceeded"))
        self.house.until(
            lambda: len(self.house.events("JobSucceeded")) > before, "one is done", timeout=150
        )

    def jobs(self, *states: str) -> list[dict[str, Any]]:
        found = json.loads(self.house.ask("jobs", "--json")[1])["jobs"]
        return [job for job in found if job["state"] in states]

    def strike(self) -> str:
        """Kill or stop something, if it is there; what it was."""
        kinds: dict[str, Callable[[], bool]] = {
            "job's process here": lambda: self.hit(self.daemon.pid, "cluster.submit"),
            "process here, stopped": lambda: self.hit(
                self.daemon.pid, "cluster.submit", signal.SIGSTOP
            ),
            "child on a node": lambda: self.hit(None, "cadenzad.jobs.child"),
            "worker of Ray's": lambda: self.hit(None, "ray::Shim"),
            "watch": lambda: self.hit(self.daemon.pid, "cluster.watch"),
            "daemon": self.kill_daemon,
            "node": self.kill_node,
        }
        weights = (6, 2, 6, 6, 1, 4, 1)
        (name,) = self.random.choices([*kinds], weights)
        return name if kinds[name]() else ""

    def hit(self, parent: int | None, words: str, number: int = signal.SIGKILL) -> bool:
        """Signal one of the processes with these words in their command."""
        if parent is None:
            among = [p for p in psutil.process_iter() if self.is_ours(p)]
        else:
            among = psutil.Process(parent).children() if psutil.pid_exists(parent) else []
        for process in among:
            try:
                if words in " ".join(process.cmdline()):
                    process.send_signal(number)
                    return True
            except psutil.Error:
                continue
        return False

    def is_ours(self, process: psutil.Process) -> bool:
        """Whether a process is one of this cluster's workers, or a child of theirs."""
        try:
            parents = [process, *process.parents()]
            return any(str(self.nodes.folder) in " ".join(one.cmdline()) for one in parents)
        except psutil.Error:
            return False

    def kill_daemon(self) -> bool:
        self.house.stop(self.daemon, signal.SIGKILL)
        self.daemon = self.house.start(wait=False)
        return True

    def kill_node(self) -> bool:
        self.nodes.lose(1)
        self.nodes.nodes[1] = self.nodes.add(1)
        return True


def test_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    with ray_nodes(1, 1) as nodes:
        try:
            arena = Arena(house, nodes)
            struck = Counter[str]()
            deadline = time.monotonic() + MOST_S
            while struck.total() < ROUNDS and time.monotonic() < deadline:
                arena.teach()
                time.sleep(arena.random.choice((0.1, 0.5, 1.0, 2.0)))
                if arena.random.random() < 0.02:  # now and then something comes to its end
                    arena.have_one_done()
                if what := arena.strike():
                    struck[what] += 1
            house.until(lambda: not arena.jobs("queued", "running"), "all is done", timeout=400)
            print(f"\n{struck.total()} blows: {dict(struck)}")
            expect_each_once(house, arena)
        finally:
            house.close()


def expect_each_once(house: House, arena: Arena) -> None:
    """What was asked for was done, and once; log and disk agree on it."""
    ended = Counter(event["data"]["job"] for event in house.events("JobSucceeded"))
    assert set(ended.values()) <= {1}
    assert arena.jobs("failed") == []
    done = arena.jobs("succeeded")
    given_up = arena.jobs("cancelled")
    assert all(job["result"] == "a newer one does its work" for job in given_up), given_up
    trained = Counter(event.get("causation") for event in house.events("AdapterTrained"))
    assert set(trained.values()) <= {1}
    print(f"{len(done)} trainings done, {len(house.events('JobStarted'))} attempts begun")
    assert len(done) >= len(arena.projects)
    for project in arena.projects:
        folder = project / ".cadenza-env" / "adapters"
        there = {int(path.name) for path in folder.glob("0*")}
        facts = [e for e in house.events("AdapterTrained") if e["path"] == str(project)]
        versions = [event["data"]["version"] for event in facts]
        assert sorted(versions) == sorted(there)
        assert list(folder.glob(".staging*")) == []
    house.run("cadenzactl", "verify")
