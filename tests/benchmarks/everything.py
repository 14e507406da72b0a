"""Every benchmark one after another; what misses its goal, and what changed since it was saved.

python tests/benchmarks/everything.py [--save] [NAME ...]      as `make bench`, `make bench-save`

Rows are those of benchmarks that measure time, memory and size; the others print what they found.
`--save` puts this run's rows in the place of the saved ones of the same benchmarks and writes
docs/figures.md anew.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import figures
from report import ROWS, Row, aligned, number

HERE = Path(__file__).parent
CHANGED = 1.25
"""A figure that is so many times what it was before is worth a line."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", action="store_true", help="keep the rows, and write the document")
    parser.add_argument("names", nargs="*", metavar="NAME", help="export, cli ... (default: all)")
    options = parser.parse_args()
    saved = figures.read()
    found: dict[str, list[Row]] = {}
    for name in options.names or known():
        print(f"== {name}", flush=True)
        rows = run(name)
        if rows:
            found[name] = rows
    print("\n" + "\n".join(aligned([row for rows in found.values() for row in rows])))
    missed = [row for rows in found.values() for row in rows if row.misses]
    for row in missed:
        print(f"MISSED: {row.figure}: {number(row.judged)}, goal {row.goal}")
    for line in changes(saved, found):
        print(line)
    if options.save:
        figures.save(saved, found)
        print(f"saved: {figures.SAVED}, {figures.DOCUMENT}")
    return 0


def known() -> list[str]:
    """The benchmarks' names: bench_NAME.py."""
    return [file.stem.removeprefix("bench_") for file in sorted(HERE.glob("bench_*.py"))]


def run(name: str) -> list[Row]:
    """Run one benchmark, which prints as it goes; its rows. Ends the run where it fails."""
    file = HERE / f"bench_{name}.py"
    if not file.is_file():
        raise SystemExit(f"no benchmark {name!r}: there are {', '.join(known())}")
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "rows.jsonl"
        environ = {**os.environ, ROWS: str(kept)}
        subprocess.run([sys.executable, file], env=environ, check=True)
        lines = kept.read_text().splitlines() if kept.exists() else []
    return [figures.row_of(line) for line in lines]


def changes(saved: figures.Saved, found: dict[str, list[Row]]) -> list[str]:
    """What is much more or less than it was: ratios where there are any, as machines differ."""
    lines = []
    for name, rows in found.items():
        before = {row.figure: row for row in saved.rows.get(name, ())}
        for row in rows:
            old = before.get(row.figure)
            if old is None or not old.judged:
                continue
            times = row.judged / old.judged
            if not 1 / CHANGED < times < CHANGED:
                what = "ratio" if row.other is not None else row.value.unit
                was, now = number(old.judged), number(row.judged)
                lines.append(f"CHANGED: {row.figure}: {what} {was} -> {now}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
