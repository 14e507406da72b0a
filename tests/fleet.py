"""`make fleet`: three daemons, the logs of seventeen more robots, and one hub that has them all.

Where Ray is installed, one of the daemons has its trainings done on a cluster of two nodes, and
what it trained is offered to the others.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))

import postgres
import rays
import runlogs
from eventmaking import Make
from teaching import rows

from cadenzad.hub.forwarder import Forwarder
from handlers.project.scaffold import init_project
from store.opening import open_writer
from store.schema import connect_reader

BIN = Path(sys.executable).parent
DAEMONS = ("ada", "grace", "mary")
OTHERS = 17
PATIENCE_S = 60.0
TRAINS = "ada"
TRAINING_S = 600.0
"""So long a training or a scorecard may take where other work is on the machine."""


def main() -> int:
    """Run it in ./fleet (made anew); 0 when both sides have the same at the end."""
    if reason := postgres.why_not():
        print(reason)
        return 1
    # Whoever ends the demo ends all that it started.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    home = Path("fleet").absolute()
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    with ExitStack() as stack:
        server = postgres.Server(durable=True)
        stack.callback(server.stop)
        say("1. A database becomes the hub; each robot has a login of its own")
        owner = home / "owner.hub"
        write_private(owner, server.new_database("fleet"))
        ctl(owner, "hub", "init")
        for name in (*DAEMONS, *(f"robot-{number:02}" for number in range(OTHERS))):
            ctl(owner, "hub", "add", name, "-o", home / f"{name}.hub", quiet=True)
        ctl(owner, "hub", "add", "one", "--as", "keeper", "-o", home / "keeper.hub", quiet=True)
        ctl(owner, "hub", "add", "boss", "--as", "reader", "-o", home / "reader.hub", quiet=True)
        reader = home / "reader.hub"
        keeper = ["cadenzactl", "--hub", home / "keeper.hub", "hub", "keep"]
        stack.enter_context(running(keeper, home / "keeper.log"))
        say("2. Three daemons, each with a workspace, and run logs that are dropped")
        clustered = cluster(stack)
        for name in DAEMONS:
            tables = clustered if name == TRAINS else rays.LENIENT
            stack.enter_context(daemon(home, name, tables))
        for number in range(OTHERS):
            a_robot_that_was_here(home, f"robot-{number:02}", number)
        for name in DAEMONS:
            for number in range(3):
                folder = home / name / "robots" / "rescue" / ".cadenza-env"
                (folder / f"run-{number}.log.jsonl").write_bytes(runlogs.run(success=number != 1))
        runs = 3 * len(DAEMONS) + sum(number + 1 for number in range(OTHERS))
        wait_for(f"{runs} runs at the hub", lambda: f"{runs} runs" in totals(reader))
        say("3. The fleet, asked as one robot is asked")
        ctl(reader, "status", "--all")
        say("4. One of them, and its history")
        ctl(reader, "status", "--robot", "ada")
        ctl(reader, "events", "--robot", "ada", "--type", "RunRecorded")
        ctl(reader, "why", "rescue", "--robot", "ada")
        if clustered != rays.LENIENT:
            say(f"5. An adapter of {TRAINS}'s is trained on the cluster, and the fleet knows of it")
            train(home / TRAINS, reader)
            say("   It is offered to one robot first, whose own scorecard decides, and pulled")
            offer(owner, reader)
        say("6. Is all of it there, once, and as it was recorded?")
        ctl(reader, "hub", "verify")
        for name in DAEMONS:
            ctl(home / f"{name}.hub", "hub", "verify", "--here", "--state", home / name / "state")
        say("7. What is offered to the fleet, and what could be deleted here")
        ctl(owner, "hub", "offers")
        ctl(owner, "hub", "prune", "--keep-days", 90, "--dry-run")
    print(f"\nwhat was left is in {home}")
    return 0


def cluster(stack: ExitStack) -> str:
    """Two Ray nodes for as long as the stack is open: the tables of a daemon that uses them."""
    for module in ("ray", "torch", "peft"):
        if find_spec(module) is None:
            print(f"(no cluster of two nodes in this demo: {module} is not installed)")
            return rays.LENIENT
    nodes = stack.enter_context(rays.ray_nodes(1, 1))
    print(f"(beside them a Ray cluster of two nodes, {nodes.address}: {TRAINS}'s jobs go there)")
    return rays.on_cluster(nodes.address)


def train(robot: Path, reader: Path) -> None:
    """Have a robot's adapter trained as anybody does, and see where that was."""
    project = robot / "robots" / "rescue"
    environ = {**os.environ, "CADENZAD_STATE": str(robot / "state"), "NO_COLOR": "1"}
    words = ["env", "lora", "finetune", str(project), "--gate"]
    print("\n$ cadenza env lora finetune robots/rescue --gate", flush=True)
    subprocess.run([str(BIN / "cadenza"), *words], check=True, env=environ)
    subprocess.run([str(BIN / "cadenzactl"), "status"], check=True, env=environ)
    placed = [
        line for line in robot.with_suffix(".log").read_text().splitlines() if "placed" in line
    ]
    print("\n".join(placed) or "the training was NOT on the cluster")
    if not placed:
        raise SystemExit(1)
    trained = ("events", "--robot", robot.name, "--type", "AdapterTrained")
    wait_for(
        "the adapter at the hub", lambda: "AdapterTrained" in ctl(reader, *trained, quiet=True)
    )
    ctl(reader, *trained)


def offer(owner: Path, reader: Path) -> None:
    """Have what was trained go through another robot's gate, and be taken back there."""
    wanted = ("--robot", TRAINS, "--canary", 1, "--why", "it knows how to sit")
    wait_for(
        "the adapter in a view",
        lambda: '"version": 1' in ctl(reader, "status", "--robot", TRAINS, "--json", quiet=True),
    )
    ctl(owner, "hub", "offer", "rescue", "adapter", 1, *wanted)

    def state() -> str:
        (one,) = json.loads(ctl(reader, "hub", "offers", "--json", quiet=True))["offers"]
        return ", ".join(robot["state"] for robot in one["robots"])

    wait_for("that a robot took it up", lambda: state() == "taken", TRAINING_S)
    (number,) = [
        one["offer"]
        for one in json.loads(ctl(reader, "hub", "offers", "--json", quiet=True))["offers"]
    ]
    ctl(reader, "hub", "offers", number)
    ctl(owner, "hub", "pull", number, "--why", "the demo ends")
    wait_for("that it is taken back", lambda: state() == "rolled_back", TRAINING_S)
    ctl(reader, "hub", "offers", number)


def daemon(home: Path, name: str, tables: str) -> ExitStack:
    """A daemon with a workspace that holds one sample project, with few examples and an exam."""
    project = home / name / "robots" / "rescue"
    init_project(project)
    (project / ".cadenza-env").mkdir(exist_ok=True)
    (project / "lora" / "patterns.jsonl").write_text(rows(rays.GOALS))
    (project / "lora" / "eval.jsonl").write_text(rows(rays.WORDS))
    config = home / name / "cadenzad.toml"
    config.write_text(f'[hub]\ndsn_file = "{home / name}.hub"\n[check]\nenabled = false\n{tables}')
    words = ["cadenzad", "--config", config, "--workspace", home / name / "robots"]
    return running(words, home / f"{name}.log", CADENZAD_STATE=str(home / name / "state"))


def a_robot_that_was_here(home: Path, name: str, number: int) -> None:
    """A log without a daemon, shipped by what a daemon has for that."""
    state, make = home / name, Make()
    state.mkdir(mode=0o700)
    with closing(open_writer(state)) as writer, closing(connect_reader(state)) as reader:
        outcomes = [
            "failed" if (number + turn) % 4 == 0 else "succeeded" for turn in range(number + 1)
        ]
        writer.append(make.discovered())
        for turn, outcome in enumerate(outcomes):
            writer.append(make.run(f"run-{turn}", outcome))  # type: ignore[arg-type]
        Forwarder(state, home / f"{name}.hub", reader, writer).ship_all()


def running(words: list[object], log: Path, **environ: str) -> ExitStack:
    """One of our commands, for as long as the stack is open."""
    stack = ExitStack()
    file = stack.enter_context(log.open("wb"))
    child = subprocess.Popen(
        [str(BIN / str(words[0])), *map(str, words[1:])],
        stdout=file, stderr=subprocess.STDOUT, env={**os.environ, **environ},
    )  # fmt: skip

    def end() -> None:
        child.terminate()
        child.wait(30)

    stack.callback(end)
    return stack


def ctl(hub: Path, *words: object, quiet: bool = False) -> str:
    """A cadenzactl command on the hub, shown as it is typed, with what it says."""
    line = shlex.join(["cadenzactl", "--hub", hub.name, *map(str, words)])
    if not quiet:
        print(f"\n$ {line}", flush=True)
    done = subprocess.run(
        [str(BIN / "cadenzactl"), "--hub", str(hub), *map(str, words)],
        capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    if not quiet:
        print(done.stdout, end="", flush=True)
    if done.returncode:
        raise SystemExit(f"{line}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def totals(reader: Path) -> str:
    """How many runs all views count together."""
    answer = json.loads(ctl(reader, "status", "--json", quiet=True))
    return f"{sum(robot['runs'] for robot in answer['robots'])} runs"


def wait_for(what: str, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"did not come in {patience_s:.0f} s: {what}")
        time.sleep(0.5)


def write_private(path: Path, text: str) -> None:
    path.touch(0o600)
    path.write_text(f"{text}\n")


def say(title: str) -> None:
    print(f"\n== {title}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
