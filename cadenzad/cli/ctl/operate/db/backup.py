"""`cadenzactl db backup`: copy the event log while the daemon runs, and check the copy."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cadenzad.cli.base.lookup import file_to_write
from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_json_and_state, filled
from cadenzad.config.paths import state_dir

if TYPE_CHECKING:
    from cadenzad.maintenance.backup import Progress

DESCRIPTION = """Copy the event log to FILE, with or without a daemon at work: one moment of the
log, checked, in one file. The projects' own files are not in it."""
EXAMPLE = "cadenzactl db backup backups/cadenza-2026-01-31.db"
BAR_AFTER_S = 0.5
"""What is quicker needs no bar."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=filled, metavar="FILE", help="where the copy goes")
    parser.add_argument("--force", action="store_true", help="overwrite FILE if it is there")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.maintenance.backup import make_backup

    directory = state_dir(arguments.state)
    target = file_to_write(arguments.file, "FILE")
    with bar("copying", "page") as progress:
        backup = make_backup(directory, target, replace=arguments.force, progress=progress)
    if arguments.json:
        say_json(backup._asdict() | {"path": str(backup.path)})
    else:
        say(
            f"wrote {backup.path}: {backup.position:,} events, {backup.bytes:,} bytes,"
            f" checked; sha256 {backup.sha256}"
        )
    return OK


@contextmanager
def bar(doing: str, unit: str) -> Iterator[Progress]:
    """A progress bar on a terminal, for what takes long enough to wonder."""
    from cadenzad.maintenance.backup import silent

    if not sys.stderr.isatty():
        yield silent
        return
    from tqdm import tqdm

    with tqdm(desc=doing, unit=unit, delay=BAR_AFTER_S, file=sys.stderr) as shown:

        def progress(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield progress
