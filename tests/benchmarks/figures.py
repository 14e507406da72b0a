"""docs/figures.md, made of what was measured (figures.json) and of prose (figures.template.md).

python tests/benchmarks/figures.py        writes the document anew from both

A line `{{ rows: NAME }}` of the template becomes the table of bench_NAME.py, `{{ machine: NAME }}`
the machine that it was measured on.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from report import CHECKOUT, Row

SAVED = Path(__file__).with_name("figures.json")
TEMPLATE = Path(__file__).with_name("figures.template.md")
DOCUMENT = CHECKOUT / "docs" / "figures.md"
FLAGS = ("sha_ni", "avx2", "avx512f")
"""What decides how fast SHA-256, BLAKE3 and JSON parsers are."""
_MARK = re.compile(r"\{\{ (rows|machine): (\w+) \}\}")


@dataclass
class Saved:
    """Rows by benchmark, and the machine that each was measured on, as one line."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    machines: dict[str, str] = field(default_factory=dict)


def read() -> Saved:
    """What was saved; nothing where nothing was."""
    if not SAVED.exists():
        return Saved()
    shape = json.loads(SAVED.read_text())
    rows = {name: list(map(Row.from_json, part["rows"])) for name, part in shape.items()}
    return Saved(rows, {name: part["machine"] for name, part in shape.items()})


def row_of(line: str) -> Row:
    """A row as a table left it (report.ROWS)."""
    return Row.from_json(json.loads(line))


def save(saved: Saved, found: Mapping[str, Sequence[Row]]) -> None:
    """Put what was found in the place of what was saved, and write the document."""
    rows = {**saved.rows, **found}
    machines = {**saved.machines, **dict.fromkeys(found, machine())}
    shape = {
        name: {"machine": machines[name], "rows": [row.as_json() for row in rows[name]]}
        for name in sorted(rows)
    }
    SAVED.write_text(json.dumps(shape, indent=1) + "\n")
    DOCUMENT.write_text(document(read()))


def document(saved: Saved) -> str:
    """The document's text. Raises KeyError for a mark of a benchmark that was not saved."""

    def filled(mark: re.Match[str]) -> str:
        kind, name = mark.groups()
        return table(saved.rows[name]) if kind == "rows" else saved.machines[name]

    return _MARK.sub(filled, TEMPLATE.read_text())


def table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table."""
    lines = [
        "| figure | value: median (spread) | against | ratio | goal |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [cell.replace("|", "\\|") for cell in row.cells()]
        cells[-1] = cells[-1].replace("MISSED", "**missed**")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def machine() -> str:
    """This machine as far as figures depend on it."""
    cpu = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.+)$", cpu, re.MULTILINE)
    known = re.search(r"^flags\s*: (.+)$", cpu, re.MULTILINE)
    there = set(known[1].split()) if known else set()
    flags = ", ".join(f"{'with' if flag in there else 'without'} {flag}" for flag in FLAGS)
    return (
        f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, {flags};"
        f" Linux {platform.release()}, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}; load {os.getloadavg()[2]:.1f}"
    )


if __name__ == "__main__":
    DOCUMENT.write_text(document(read()))
