"""`cadenzactl verify`: do the database, the history, the view and the files agree?"""

from __future__ import annotations

import argparse
import hashlib
import sqlite3
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state
from cadenzad.config.paths import state_dir
from handlers.lora.recovery import problems as adapter_problems
from store.errors import CadenzaError
from store.log import EventLog
from store.reads.state import State
from store.schema import VIEW_NAME, connect_reader
from store.views.replay import view_as_of, view_hash

DESCRIPTION = """Check SQLite's integrity, that positions and versions have no gap, that the view
equals a rebuild, that every recorded file and adapter still has its recorded hash, and that the
adapter that serves is the one that is recorded."""
EXAMPLE = "cadenzactl verify --json"
BLOCK = 1 << 20


def configure(parser: argparse.ArgumentParser) -> None:
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    directory = state_dir(arguments.state)
    reader = connect_reader(directory)
    checks: list[tuple[str, Callable[[sqlite3.Connection], list[str]]]] = [
        ("integrity", _integrity),
        ("positions", _gaps),
        ("view", _view),
        ("files", _files),
        ("adapters", _adapters),
    ]
    results: list[dict[str, Any]] = []
    for name, check in checks:
        if sys.stderr.isatty() and not arguments.json:
            say(f"checking {name} ...", err=True)
        try:
            problems = check(reader)
        except (sqlite3.Error, CadenzaError) as error:
            problems = [str(error)]
        results.append({"check": name, "ok": not problems, "problems": problems})
    good = all(result["ok"] for result in results)
    if arguments.json:
        say_json({"ok": good, "checks": results}, indent=2)
    else:
        for name, result in zip((name for name, _ in checks), results, strict=True):
            say(f"{name:<10} {'ok' if result['ok'] else 'FAILED'}")
            for problem in result["problems"]:
                say(f"  {problem}")
    return OK if good else FAILED


def _integrity(reader: sqlite3.Connection) -> list[str]:
    rows = [row[0] for row in reader.execute("PRAGMA integrity_check")]
    problems = [] if rows == ["ok"] else rows
    problems += [f"foreign key: {row}" for row in reader.execute("PRAGMA foreign_key_check")]
    return problems


def _gaps(reader: sqlite3.Connection) -> list[str]:
    count, first, last = reader.execute(
        "SELECT count(*), min(position), max(position) FROM events"
    ).fetchone()
    problems = []
    if count and (first != 1 or last != count):
        problems.append(f"{count} events, but positions run from {first} to {last}")
    rows = reader.execute(
        "SELECT stream, count(*), min(version), max(version) FROM events GROUP BY stream"
        " HAVING min(version) != 1 OR max(version) != count(*)"
    )
    problems += [
        f"stream {stream}: {count} events, but versions run from {low} to {high}"
        for stream, count, low, high in rows
    ]
    return problems


def _view(reader: sqlite3.Connection) -> list[str]:
    """Compare the view with a replay of the same moment, inside one read transaction."""
    reader.execute("BEGIN")
    try:
        head = EventLog(reader).head()
        same = view_hash(view_as_of(reader, head)) == view_hash(reader)
    finally:
        reader.execute("COMMIT")
    return [] if same else [f"the {VIEW_NAME} view differs from a replay: run `cadenzactl rebuild`"]


def _files(reader: sqlite3.Connection) -> list[str]:
    """Every file that is recorded as present has its recorded bytes; it may have grown since."""
    state = State(reader)
    problems = []
    for project in state.projects():
        if project.state == "removed":
            continue
        root = Path(project.path)
        for file in state.files(project.path):
            if file.accepted and file.present:
                problems += _check_bytes(root / file.path, file.sha256, file.size)
        for export in state.exports(project.path):
            # One that is recorded as missing is as it is recorded.
            there = export.state != "missing"
            if there and export.output is not None and export.output_sha256 is not None:
                problems += _check_bytes(root / export.output, export.output_sha256, None)
    return problems


def _adapters(reader: sqlite3.Connection) -> list[str]:
    """Every version is as it was recorded, and `deployed` is what the view says."""
    paths = [project.path for project in State(reader).projects() if project.state != "removed"]
    return [problem for path in paths for problem in adapter_problems(reader, path)]


def _check_bytes(path: Path, sha256: str, size: int | None) -> list[str]:
    """Whether a file's first `size` bytes (None: all of them) have a hash."""
    digest = hashlib.sha256()
    left = size
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
            return [f"{path}: not a regular file"]  # a pipe would make its reader wait
        with path.open("rb") as stream:
            while left is None or left > 0:
                block = stream.read(BLOCK if left is None else min(BLOCK, left))
                if not block:
                    break
                digest.update(block)
                left = None if left is None else left - len(block)
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    return [] if digest.hexdigest() == sha256 else [f"{path}: not the bytes that were recorded"]
