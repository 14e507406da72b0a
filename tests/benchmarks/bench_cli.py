"""`cadenzactl status` from a cold start: against bare Python, on a small log and on a large one.

python tests/benchmarks/bench_cli.py [--events N] [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import history
from report import Goal, Samples, Table, alternate, scratch

SMALL = 1000
STATUS = Path(sys.executable).parent / "cadenzactl"
PYTHON = [sys.executable, "-c", "import sqlite3"]
NOT_RUNNING = 3
"""What `status` exits with here: it shows what was known, and that no daemon runs."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000, help="in the large log")
    parser.add_argument("--rounds", type=int, default=15, help="runs of each command")
    options = parser.parse_args()
    with scratch() as folder:
        small = make_log(folder / "small", SMALL)
        large = make_log(folder / "large", options.events)
        bare, at_small, at_large = (
            Samples(values, "ms")
            for values in alternate(
                options.rounds,
                lambda: run_ms(PYTHON),
                lambda: run_ms(small, NOT_RUNNING),
                lambda: run_ms(large, NOT_RUNNING),
            )
        )
        table = Table("command line: new processes, files in the page cache")
        against = 'python -c "import sqlite3"'
        figure = "cadenzactl status, {:,} events"
        goal = Goal(3)
        table.add(figure.format(SMALL), at_small, against=against, other=bare, goal=goal)
        table.add(figure.format(options.events), at_large, against=against, other=bare, goal=goal)
        table.add(
            "growth with the log",
            at_large,
            against=f"at {SMALL:,} events",
            other=at_small,
            goal=Goal(1.25),
        )
        table.show()


def make_log(state: Path, events: int) -> list[str]:
    """Build a log, check what `status` says of it, and return the command that asks."""
    began = time.perf_counter()
    history.build(state, events).close()
    elapsed = time.perf_counter() - began
    size = sum(file.stat().st_size for file in state.iterdir()) / 2**20
    command = [str(STATUS), "status", "--state", str(state)]
    answer = json.loads(output_of([*command, "--json"], NOT_RUNNING))
    runs = sum(project["runs"]["total"] for project in answer["projects"])
    expected = (events - history.PROJECTS + 1) // 2
    if answer["daemon"]["position"] != events or runs != expected:
        raise SystemExit(f"status shows {runs} runs, not {expected}: the figures mean nothing")
    print(f"{events:,} events: built in {elapsed:.1f} s, {size:,.0f} MB, {runs:,} runs in the view")
    return command


def run_ms(command: Sequence[str], code: int = 0) -> float:
    """Milliseconds from start to exit of a command."""
    began = time.perf_counter()
    output_of(command, code)
    return 1000 * (time.perf_counter() - began)


def output_of(command: Sequence[str], code: int) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != code:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
