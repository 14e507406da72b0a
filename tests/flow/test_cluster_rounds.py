"""Kill after kill while adapters are trained on a cluster: nothing is lost, and nothing twice.

Daemons, the processes that stand for jobs, children on nodes, Ray's workers, whole nodes and the
head of the cluster are killed, processes here are stopped, and the network between the robot and
the cluster is cut. Then everything may live for as long as it needs to make good what was left.
CADENZA_ROUNDS blows (200), CADENZA_MINUTES at a time (5), and with CADENZA_KEPT, a file, by
instalments: what was struck before is in it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path
from typing import Any

import psutil
import pytest
from houses import BIN, House
from rays import GOALS, SIT, WORDS, on_cluster
from raysite import Site, ray_site, why_not
from teaching import rows, taught_project
from waiting import eventually

for name in ("torch", "peft", "mujoco", "ray"):
    if find_spec(name) is None:  # not imported: every test process collects this
        pytest.skip(f"{name} is not installed", allow_module_level=True)

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("ray"), pytest.mark.timeout(1200)]

ROUNDS = int(os.environ.get("CADENZA_ROUNDS", "200"))
MOST_S = 60 * float(os.environ.get("CADENZA_MINUTES", "5"))
CUT_S = (0.5, 2.0, 8.0, 20.0)
"""How long the network is away: shorter than a lease, and longer."""
PROJECTS = 2
ENDS = ("succeeded", "failed", "cancelled")


@dataclass
class Tally:
    """What was struck, in this run and in those before it, and what became of the trainings."""

    blows: Counter[str] = field(default_factory=Counter)
    done: int = 0
    begun: int = 0

    @classmethod
    def of(cls, kept: Path) -> Tally:
        """What a file keeps; nothing where there is none."""
        if not kept.exists():
            return cls()
        found = json.loads(kept.read_text())
        return cls(Counter(found["blows"]), found["done"], found["begun"])

    def __str__(self) -> str:
        blows = ", ".join(f"{what}: {count}" for what, count in self.blows.most_common())
        return (
            f"{self.blows.total()} of {ROUNDS} blows ({blows});"
            f" {self.begun} attempts begun, {self.done} trainings done"
        )


class Arena:
    """A daemon, its projects, a cluster, and what can be done to them."""

    def __init__(self, house: House, site: Site, seed: int) -> None:
        self.house, self.site, self.random = house, site, random.Random(seed)
        self.taught = Counter[Path]()
        tables = on_cluster(site.address, jobs="workers = 2\nattempts = 100\nlease = 6\n")
        tables = tables.replace("retrain = false", "retrain = true")
        tables = tables.replace("backoff = 0.2", "backoff = 0")  # it doubles with each blow
        made = taught_project(house, GOALS, tables, WORDS)
        self.projects = [made]
        for index in range(1, PROJECTS):
            other = house.project(f"rescue{index}")
            for part in ("env.json", "lora/patterns.jsonl", "lora/eval.jsonl"):
                (other / part).write_bytes((made / part).read_bytes())
            self.projects.append(other)
        self.command = site.command(BIN / "cadenzad")
        self.daemon = house.start(command=self.command)

    def teach(self) -> None:
        """Have each project that waits for nothing trained on something new."""
        waiting = {job["project"] for job in self.jobs("queued", "running")}
        for project in self.projects:
            if project.name not in waiting:
                self.taught[project] += 1
                goals = GOALS | {f"be seated {self.taught[project]} times": SIT}
                (project / "lora" / "patterns.jsonl").write_text(rows(goals))

    def have_one_done(self) -> None:
        """Nothing is struck until a training has come to its end."""
        before = len(self.house.events("JobSucceeded"))
        self.wait_for(lambda: len(self.house.events("JobSucceeded")) > before, "one is done", 150)

    def wait_for(self, condition: Callable[[], bool], what: str, timeout: float) -> None:
        """Until something has come to be, with the robot's node kept running meanwhile."""

        def has_come() -> bool:
            self.site.keep_robot()
            return condition()

        eventually(has_come, what, timeout, every=0.5, explain=self.house.log_if_any)

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
            "network": self.cut_network,
            "head": self.kill_head,
        }
        weights = (6, 2, 6, 6, 1, 4, 1, 3, 0.5)
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
            return any(str(self.site.folder) in " ".join(one.cmdline()) for one in parents)
        except psutil.Error:
            return False

    def kill_daemon(self) -> bool:
        self.house.stop(self.daemon, signal.SIGKILL)
        self.daemon = self.house.start(wait=False, command=self.command)
        return True

    def kill_node(self) -> bool:
        self.site.lose_worker()
        self.site.start_worker()
        return True

    def kill_head(self) -> bool:
        self.site.lose_cluster()
        time.sleep(self.random.choice((0.0, 3.0)))
        self.site.start_cluster()
        return True

    def cut_network(self) -> bool:
        self.site.cut()
        time.sleep(self.random.choice(CUT_S))
        self.site.mend()
        return True


def test_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    kept = Path(os.environ.get("CADENZA_KEPT", tmp_path / "blows.json"))
    tally = Tally.of(kept)
    house = House(tmp_path / "house")
    with ray_site(1, 1) as site:
        try:
            arena = Arena(house, site, seed=20261127 + tally.blows.total())
            deadline = time.monotonic() + MOST_S
            while tally.blows.total() < ROUNDS and time.monotonic() < deadline:
                arena.teach()
                time.sleep(arena.random.choice((0.1, 0.5, 1.0, 2.0)))
                if arena.random.random() < 0.02:  # now and then something comes to its end
                    arena.have_one_done()
                if what := arena.strike():
                    tally.blows[what] += 1
                site.keep_robot()
            arena.wait_for(lambda: not arena.jobs("queued", "running"), "all is done", 300)
            tally.done += expect_each_once(house, arena)
            tally.begun += len(house.events("JobStarted"))
            print(f"\n{tally}")
            kept.write_text(json.dumps(vars(tally)))
        finally:
            house.close()


def expect_each_once(house: House, arena: Arena) -> int:
    """What was asked for was done, and once; log and disk agree on it. How many trainings."""
    ended = Counter(event["data"]["job"] for event in house.events("JobSucceeded"))
    assert set(ended.values()) <= {1}
    for project in arena.projects:  # one that failed had a newer one behind it
        ends = [job for job in arena.jobs(*ENDS) if job["project"] == project.name]
        newest = max(ends, key=itemgetter("job"))
        assert newest["state"] == "succeeded", newest
    done = arena.jobs("succeeded")
    given_up = arena.jobs("cancelled")
    assert all(job["result"] == "a newer one does its work" for job in given_up), given_up
    trained = Counter(event.get("causation") for event in house.events("AdapterTrained"))
    assert set(trained.values()) <= {1}
    assert len(done) >= len(arena.projects)
    for project in arena.projects:
        folder = project / ".cadenza-env" / "adapters"
        there = {int(path.name) for path in folder.glob("0*")}
        facts = [e for e in house.events("AdapterTrained") if e["path"] == str(project)]
        versions = [event["data"]["version"] for event in facts]
        assert sorted(versions) == sorted(there)
        assert list(folder.glob(".staging*")) == []
    house.run("cadenzactl", "verify")
    return len(done)
