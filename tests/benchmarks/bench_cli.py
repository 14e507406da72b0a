"""Commands from a cold start against bare Python, CPU time: on small logs and on large ones.

python tests/benchmarks/bench_cli.py [--events N] [--projects N] [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path

import history
from processes import BARE, BIN, cpu_ms
from report import Goal, Samples, Table, alternate, scratch

SMALL = 1000
NOT_RUNNING = 3
"""What `status` exits with here: it shows what was known, and that no daemon runs."""

AGAINST = 'python -c "import sqlite3"'
READING = ("jobs", "events --since 990", "events", "metrics", "why robot-1")
HELP = (
    "cadenzactl",
    "cadenza",
    "cadenzad",
    "cadenzactl prompt",
    "cadenzactl pause",
    "cadenzactl service",
    "cadenzactl verify",
    "cadenzactl db prune",
    "cadenza env run",
    "cadenza env finetune",
    "cadenza env train",
    "cadenza env lora eval",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000, help="in the large log")
    parser.add_argument("--projects", type=int, default=1000, help="in the wide log")
    parser.add_argument("--rounds", type=int, default=15, help="runs of each command")
    options = parser.parse_args()
    with scratch() as folder:
        table = Table("commands: CPU time of new processes, files in the page cache")
        status(table, folder, options)
        others(table, folder / "small", options.rounds)
        table.show()


def status(table: Table, folder: Path, options: argparse.Namespace) -> None:
    """`status` for people, whose first screen is flat however much there is."""
    logs = {
        f"{SMALL:,} events": make_log(folder / "small", SMALL, history.PROJECTS),
        f"{options.events:,} events": make_log(folder / "large", options.events, history.PROJECTS),
        f"{options.projects:,} projects": make_log(
            folder / "wide", 11 * options.projects, options.projects
        ),
    }
    sides = [lambda: cpu_ms(BARE)]
    sides += [lambda c=command: cpu_ms(c, NOT_RUNNING) for command in logs.values()]  # type: ignore[misc]
    bare, *taken = (Samples(values, "ms") for values in alternate(options.rounds, *sides))
    for name, values in zip(logs, taken, strict=True):
        figure = f"cadenzactl status, {name}"
        table.add(figure, values, against=AGAINST, other=bare, goal=Goal(2))
    for name, values in list(zip(logs, taken, strict=True))[1:]:
        against = f"{SMALL:,} events in {history.PROJECTS} projects"
        table.add(f"growth to {name}", values, against=against, other=taken[0], goal=Goal(1.25))


def others(table: Table, state: Path, rounds: int) -> None:
    """What reads, ten and a thousand lines of `events`, and the help of a command of each kind."""
    commands = {
        f"cadenzactl {words}": [BIN / "cadenzactl", *words.split(), "--state", state]
        for words in READING
    }
    for words in HELP:
        program, *rest = words.split()
        commands[f"{words} --help"] = [BIN / program, *rest, "--help"]
    sides = [lambda: cpu_ms(BARE)]
    sides += [lambda c=command: cpu_ms(c) for command in commands.values()]  # type: ignore[misc]
    few = max(3, rounds // 3)
    bare, *taken = (Samples(values, "ms") for values in alternate(few, *sides))
    for name, values in zip(commands, taken, strict=True):
        table.add(name, values, against=AGAINST, other=bare, goal=Goal(3))


def make_log(state: Path, events: int, projects: int) -> list[str]:
    """Build a log, check what `status` says of it, and return the command that asks."""
    began = time.perf_counter()
    history.build(state, events, projects).close()
    elapsed = time.perf_counter() - began
    size = sum(file.stat().st_size for file in state.iterdir()) / 2**20
    command = [str(BIN / "cadenzactl"), "status", "--state", str(state)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout)
    runs = sum(project["runs"]["total"] for project in answer["projects"])
    expected = (events - projects + 1) // 2
    if answer["daemon"]["position"] != events or runs != expected:
        raise SystemExit(f"status shows {runs} runs, not {expected}: the figures mean nothing")
    print(f"{events:,} events: built in {elapsed:.1f} s, {size:,.0f} MB, {runs:,} runs in the view")
    return command


if __name__ == "__main__":
    main()
