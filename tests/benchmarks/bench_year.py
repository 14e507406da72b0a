"""What a year costs: bytes a run and an event, the file's parts, `status` with all of it.

python tests/benchmarks/bench_year.py [--days N] [--runs N]

Days of runs, each recorded and exported, in ten projects, put into a log by the code that makes
every log. A run that the judge or a training looks at adds its job's events: some 4 an evening.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import history
from report import Samples, Table, scratch

from store import interpreter
from store.schema import DATABASE, connect_reader

YEAR = 365


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=30, help="that are written; 365 for a year")
    parser.add_argument("--runs", type=int, default=1000, help="a day")
    options = parser.parse_args()
    runs = options.days * options.runs
    with scratch() as folder:
        history.build(folder, history.PROJECTS + 2 * runs).close()
        size = (folder / DATABASE).stat().st_size
        table = Table(f"{options.days} days of {options.runs:,} runs")
        table.add("file", Samples((size / 1e6,), "MB"))
        table.add("a run", Samples((size / runs,), "bytes"))
        table.add("an event", Samples((size / (2 * runs),), "bytes"))
        year = size / options.days * YEAR
        table.add(f"a year of {options.runs:,} runs a day", Samples((year / 1e9,), "GB"))
        for name, part in parts(folder):
            table.add(f"of it {name}, a run", Samples((part / runs,), "bytes"))
        table.add("cadenzactl status", Samples(tuple(status_ms(folder) for _ in range(5)), "ms"))
        table.show()


def parts(folder: Path) -> list[tuple[str, int]]:
    """(table or index, bytes) of the large ones; nothing where SQLite has no dbstat."""
    query = (
        "SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name"
        " HAVING bytes > 0.01 * (SELECT sum(pgsize) FROM dbstat) ORDER BY bytes DESC"
    )
    with closing(connect_reader(folder)) as reader:
        if not any("DBSTAT" in row[0] for row in reader.execute("PRAGMA compile_options")):
            return []
        return [(str(name), int(size)) for name, size in reader.execute(query)]


def status_ms(folder: Path) -> float:
    """One `cadenzactl status`, Python's start included."""
    command = interpreter.command("-m", "cadenzad.cli", "cadenzactl", "status")
    begun = time.perf_counter()
    environ = {**os.environ, "CADENZAD_STATE": str(folder)}
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    sys.exit(main())
