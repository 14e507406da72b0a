"""`cadenzactl verify`: do the database, the history, the view and the files agree?"""

from __future__ import annotations

import argparse
import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state
from cadenzad.config.paths import state_dir
from store.schema import connect_reader

DESCRIPTION = """Check SQLite's integrity, that positions and versions have no gap, that the view
equals a rebuild, that every recorded file, adapter and dataset still has its recorded hash, and
that the adapter that serves is the one that is recorded."""
EXAMPLE = "cadenzactl verify --json"


def configure(parser: argparse.ArgumentParser) -> None:
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from store import soundness

    checks: list[tuple[str, Callable[[sqlite3.Connection], list[str]]]] = [
        *soundness.CHECKS.items(),
        ("files", _files),
        ("adapters", _adapters),
        ("datasets", _datasets),
    ]
    results: list[dict[str, Any]] = []
    with closing(connect_reader(state_dir(arguments.state))) as reader:
        for name, check in checks:
            if sys.stderr.isatty() and not arguments.json:
                say(f"checking {name} ...", err=True)
            problems = soundness.ask(check, reader)
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


def _files(reader: sqlite3.Connection) -> list[str]:
    """Every file that is recorded as present has its recorded bytes; it may have grown since."""
    from store.reads.state import State

    state = State(reader)
    problems = []
    for project in state.projects():
        if project.state == "removed":
            continue
        root = Path(project.path)
        for file in state.present_files(project.path):
            if file.accepted:
                problems += _check_bytes(root / file.path, file.sha256, file.size)
        for export in state.exports(project.path):
            # One that is recorded as missing is as it is recorded.
            there = export.state != "missing"
            if there and export.output is not None and export.output_sha256 is not None:
                problems += _check_bytes(root / export.output, export.output_sha256, None)
    return problems


def _adapters(reader: sqlite3.Connection) -> list[str]:
    """Every version is as it was recorded, and `deployed` is what the view says."""
    from handlers.lora.recovery import problems as adapter_problems
    from store.reads.state import State

    paths = [project.path for project in State(reader).projects() if project.state != "removed"]
    return [problem for path in paths for problem in adapter_problems(reader, path)]


def _datasets(reader: sqlite3.Connection) -> list[str]:
    """Every dataset is as it was recorded, and its files as its manifest says."""
    from handlers.dataset.folder.recovery import problems as dataset_problems
    from store.reads.state import State

    paths = [project.path for project in State(reader).projects() if project.state != "removed"]
    return [problem for path in paths for problem in dataset_problems(reader, path)]


def _check_bytes(path: Path, known: str, size: int | None) -> list[str]:
    """Whether a file's first `size` bytes (None: all of them) are what they are known by."""
    from store import identity

    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
            return [f"{path}: not a regular file"]  # a pipe would make its reader wait
        same = identity.of_file(path, size=size, like=known) == known
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    return [] if same else [f"{path}: not the bytes that were recorded"]
