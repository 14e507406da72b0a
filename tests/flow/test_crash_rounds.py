"""Round after round of kill -9 while adapters are trained and promoted and prompts rewritten.

A round disturbs the projects, starts a daemon, and kills it: at a named point of its own, at one of
a job's, which takes the daemon along, or at any moment. Then somebody looks at what is left, and a
daemon starts that may live for as long as it needs to make everything good.
"""

from __future__ import annotations

import ast
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dying
import forking
import psutil
import pytest
from checkout import ROOT
from houses import House
from judging import ask_stub, drop, remedy, stuck_log
from teaching import rows

from handlers.judge.prompt.drift import changed_by_hand
from store import identity
from store.errors import StoreError
from store.reads.improvements import current_prompt
from store.reads.state import State
from store.schema import connect_reader

DYING = ROOT / "tests" / "support" / "dying.py"
SIT, STAND = [{"action": "sit"}], [{"action": "stand"}]
GOALS = {"sit down": SIT, "take a seat": SIT, "stand up": STAND, "get up": STAND}
TABLES = """
[jobs]
attempts = 100
backoff = 0.1
[judge]
debounce = 0.05
max_wait = 1
seeds = 0
[lora]
encoder = 'light'
debounce = 0.05
max_wait = 1
fidelity = 0.0
coverage = 0.0
stability = 0.0
mission = 0.0
"""

DAEMON_POINTS = [
    "store.log:EventLog.append",
    "store.views:fold",
    "store.writer:Writer._commit",
    "store.writer:Transaction.set_cursor",
    "store.writer:Transaction.mark_seen",
    "store.durable:Draft.sync",
    "store.durable:Draft.replace",
    "handlers.export.files:sync",
    "os:fsync",
    "os:replace",
    "cadenzad.reactor:Reactor._react",
    "cadenzad.watch.record:observe",
]
"""Every append, commit, fsync and rename of a daemon at work."""
JUDGE_POINTS = [
    "handlers.judge.prompt.versions:save",
    "handlers.judge.rewrite:note",
    "handlers.judge.rewrite:swap",
    "handlers.project.writing:_expect",
    "handlers.project.writing:sync",
    "os:fsync",
    "os:replace",
]
"""Every step of a prompt's edit."""
TRAIN_POINTS = [
    "handlers.lora.job:train",
    "handlers.recovery:note",
    "handlers.lora.registry:Registry.commit",
    "handlers.lora.registry:Registry.promote",
    "handlers.lora.registry:os.rename",
    "os:fsync",
    "os:replace",
]
"""Every step of a training and a promotion."""


class Rounds:
    """Projects that are disturbed, daemons that are killed, and what came of it."""

    def __init__(self, house: House, logs: Any, seed: int, *, train: bool = False) -> None:
        self.house = house
        self.logs = logs
        self.rng = random.Random(seed)
        self.project = house.project()
        self.judged = [self.project]
        self.kills: Counter[str] = Counter()
        self.lengths: dict[Path, int] = {}
        if not train:
            forget_examples(self.project)
        house.configure(settle=0.005, settle_open=0.02, every=1, improve=TABLES)

    # -- a round -----------------------------------------------------------------------------------

    def round(self, number: int, kind: str) -> None:
        """`kind`: what is under way when the daemon dies: "drops", "judge" or "train"."""
        disturb: Callable[[int], None] = getattr(self, f"_{kind}")
        longest = {"drops": 1.5, "judge": 3.0, "train": 12.0}[kind]
        if number % 3 == 0:
            daemon = self.house.start(wait=False)
            disturb(number)
            self._wait(daemon, self.rng.uniform(0.3, longest))
            self._kill(daemon, f"{kind}: any moment")
            return
        name = self.rng.choice(
            {"drops": DAEMON_POINTS, "judge": JUDGE_POINTS, "train": TRAIN_POINTS}[kind]
        )
        when = self.rng.choice(("before", "after"))
        count = self.rng.randint(1, 3) if name.startswith(("os:", "store.")) else 1
        point = f"{name}:{when}:{count}"
        if kind == "drops":
            disturb(number)
            daemon = self.house.start(wait=False, command=[sys.executable, str(DYING), point])
            self._wait(daemon, 4.0)
        else:
            disarm = dying.die_with_daemon(self.house, point)
            daemon = self.house.start(wait=False)
            disturb(number)
            self._wait(daemon, 3 * longest, idle=True)
            disarm()
        died = daemon.poll() is not None
        self._kill(daemon, f"{kind}: {when} {name}" if died else f"{kind}: any moment")

    def _wait(self, daemon: subprocess.Popen[bytes], seconds: float, idle: bool = False) -> None:
        """Until it is dead, the time is up or, if that is enough, no job is left to do."""
        deadline = time.monotonic() + seconds
        while daemon.poll() is None and time.monotonic() < deadline:
            if idle and self._jobs_left() == 0:
                return  # none came by that point
            time.sleep(0.1 if idle else 0.01)

    def _jobs_left(self) -> int:
        """Jobs that wait or run; this round's project may be new, and its job to come."""
        try:
            with closing(connect_reader(self.house.state)) as reader:
                asked = reader.execute("SELECT count(*) FROM view_jobs WHERE kind = 'judge'")
                left = "SELECT count(*) FROM view_jobs WHERE state IN ('queued', 'running')"
                if asked.fetchone()[0] < len(self.judged) - 1:
                    return 1
                return int(reader.execute(left).fetchone()[0])
        except (StoreError, sqlite3.Error):  # there is no log yet
            return 1

    def _kill(self, daemon: subprocess.Popen[bytes], what: str) -> None:
        if daemon.poll() is None:
            os.kill(daemon.pid, signal.SIGKILL)
        code = daemon.wait()
        assert code == -signal.SIGKILL, f"{what}: it ended with {code}: {self.house.log()[-2000:]}"
        self.kills[what] += 1

    # -- what is under way -------------------------------------------------------------------------

    def _drops(self, number: int) -> None:
        """Logs arrive, grow by half a line, and are replaced."""
        folder = self.project / ".cadenza-env"
        for index in range(self.rng.randint(1, 3)):
            choice = self.rng.random()
            if choice < 0.6 or not self.lengths:
                name = f"d{number}-{index}"
                path = folder / f"{name}.log.jsonl"
                self.lengths[path] = self.rng.randrange(2, 20)
                drop(self.project, name, self.logs.run(self.lengths[path]))
            else:
                path = self.rng.choice(sorted(self.lengths))
                self.lengths[path] += 1
                line = self.logs.tick(self.lengths[path])
                cut = self.rng.randrange(len(line))
                with path.open("ab", buffering=0) as stream:
                    stream.write(line[:cut])
                    stream.write(line[cut:])

    def _judge(self, number: int) -> None:
        """A project whose first run is stuck: its prompt is rewritten."""
        project = self.house.project(f"robot{number}")
        self.judged.append(project)
        forget_examples(project)
        drop(project, "r1", stuck_log(self.logs))

    def _train(self, number: int) -> None:
        """Other examples: an adapter is trained, and deployed when it passes."""
        more = {f"lie down {number} times": [{"action": "lie_down"}]}
        path = self.project / "lora" / "patterns.jsonl"
        path.write_text(rows({**GOALS, **more}))

    # -- what must hold ----------------------------------------------------------------------------

    def look(self, *, jobs: bool) -> None:
        """After the next start everything is whole. `jobs`: do those that wait, too."""
        root = str(self.house.root)
        self.house.until(lambda: not running_in(root), "no process outlives its daemon", 10)
        if jobs:
            words = ["--config", str(self.house.config), "--once"]
            done = forking.run("cadenzad", words, self.house.environ, timeout=900)
            assert done.returncode == 0, done.stderr
        else:
            done = forking.call(without_jobs, str(self.house.config), environ=self.house.environ)
            assert done.returncode == 0, done.stderr
        code, out, _ = self.house.ask("verify")
        assert code == 0, out
        left = [str(path) for path in self.house.root.rglob(".*") if is_temporary(path)]
        assert left == []
        events = self.house.events()
        assert [event["position"] for event in events] == list(range(1, len(events) + 1))
        assert not [e for e in events if e["type"] in ("ReactionFailed", "FileRejected")]
        for project in self.judged:
            self._look_at_files(project, [e for e in events if e["project"] == project.name])
        self._look_at_prompts()

    def _look_at_files(self, project: Path, events: list[dict[str, Any]]) -> None:
        chains: dict[str, list[str]] = {}
        for event in events:
            if event["type"] in ("RunRecorded", "RunExtended", "RunReplaced"):
                chain = chains.setdefault(event["data"]["file"]["path"], [])
                assert (event["type"] == "RunRecorded") == (chain == []), (event, chain)
                sha = event["data"]["file"]["sha256"]
                assert sha not in chain
                chain.append(sha)
        exports = {e["data"]["run_path"]: e["data"] for e in events if e["type"] == "RunExported"}
        causes = Counter(e["causation"] for e in events if e["type"] == "RunExported")
        assert max(causes.values(), default=1) == 1
        files = sorted((project / ".cadenza-env").glob("*.log.jsonl"))
        assert {f".cadenza-env/{path.name}" for path in files} == set(chains) == set(exports)
        for path in files:
            name, sha = f".cadenza-env/{path.name}", sha256(path)
            assert chains[name][-1] == exports[name]["source_sha256"] == sha
            assert sha256(project / exports[name]["output"]) == exports[name]["output_sha256"]
            assert json.loads((project / exports[name]["manifest"]).read_text())
        folder = project / ".cadenza-env" / "adapters"
        there = {int(item.name) for item in folder.glob("[0-9]*")}
        trained = Counter(e["data"]["version"] for e in events if e["type"] == "AdapterTrained")
        assert there == set(trained)
        assert max(trained.values(), default=1) == 1

    def _look_at_prompts(self) -> None:
        with closing(connect_reader(self.house.state)) as reader:
            for project in self.judged:
                assert ast.parse((project / "main.py").read_bytes())
                current = current_prompt(State(reader).connection, str(project))
                if current is not None:
                    assert not changed_by_hand(project, current)

    def compare(self) -> None:
        """The exports are what a daemon makes that nobody ever killed."""
        other = House(self.house.root / "undisturbed")
        other.workspace.rmdir()
        logs = shutil.ignore_patterns("exports", "adapters", "prompts", "main.py")
        shutil.copytree(self.house.workspace, other.workspace, ignore=logs)
        other.once()
        exports = [path for p in self.judged for path in sorted((p / ".cadenza-env").rglob("*"))
                   if path.name.endswith(".finetune.jsonl")]  # fmt: skip
        assert exports
        for path in exports:
            same = other.workspace / path.relative_to(self.house.workspace)
            assert path.read_bytes() == same.read_bytes(), path

    def tell(self) -> Counter[str]:
        """Print the kills by point and what was done in spite of them; returns the latter."""
        done = Counter(event["type"] for event in self.house.events())
        print(f"\n{self.kills.total()} kills, {done.total()} events:", end="")
        for name in ("RunExported", "PromptRewritten", "AdapterTrained", "AdapterPromoted"):
            print(f" {done[name]} {name}", end="")
        for what, count in sorted(self.kills.items()):
            print(f"\n  {count:4}  {what}", end="")
        print()
        return done


def forget_examples(project: Path) -> None:
    """No adapter is trained for it."""
    for name in ("patterns.jsonl", "eval.jsonl"):
        (project / "lora" / name).unlink()


def without_jobs(config: str) -> int:
    """`cadenzad --once`, but for the jobs that wait."""
    from cadenzad.cli.daemon import main
    from cadenzad.jobs.runner import Jobs

    Jobs.work_off = lambda self, alive: None  # type: ignore[method-assign]
    return main(["--config", config, "--once"])


def running_in(root: str) -> list[int]:
    """Processes that were started for something in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and root in process.environ().get("CADENZAD_STATE", ""):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def is_temporary(path: Path) -> bool:
    return path.name.endswith(".partial") or path.name.startswith((".staging-", ".pending-"))


def sha256(path: Path) -> str:
    return identity.of_file(path)


@pytest.fixture
def rounds(house: House, logs: Any, stubs: Any) -> Iterator[Callable[..., Rounds]]:
    pytest.importorskip("groq")
    with stubs.GroqStub([stubs.completion(remedy("r1"))]) as stub:
        ask_stub(house, stub)
        yield lambda seed, **options: Rounds(house, logs, seed, **options)


def test_twelve_rounds(rounds) -> None:
    these = rounds(20261126)
    for number in range(12):
        these.round(number, "judge" if number % 6 == 4 else "drops")
        these.look(jobs=number == 11)
    these.compare()
    these.tell()


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_five_hundred_rounds_with_trainings_and_rewrites(rounds) -> None:
    pytest.importorskip("torch")
    these = rounds(int(os.environ.get("CADENZA_SEED", "1")), train=True)
    total = int(os.environ.get("CADENZA_ROUNDS", "500"))
    for number in range(total):
        kind = these.rng.choices(("drops", "judge", "train"), (6, 2, 3))[0]
        these.round(number, kind)
        these.look(jobs=number % 10 == 9 or number == total - 1)
    these.compare()
    done = these.tell()
    assert min(done["PromptRewritten"], done["AdapterPromoted"]) >= total / 50
