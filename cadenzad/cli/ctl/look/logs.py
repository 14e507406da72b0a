"""`cadenzactl logs`: what the daemon logs, from wherever it goes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from cadenzad.cli.base.parser import OK, add_json_and_state, whole
from cadenzad.cli.terminal.loglines import print_records
from cadenzad.config.paths import state_dir
from store.errors import NoEventLog
from store.lock import is_held

if TYPE_CHECKING:
    from cadenzad.service_manager.install import Service

DESCRIPTION = """What the daemon logs: from the journal where its unit runs, else from the log file
in the state directory. What a job logs is there too: `cadenzactl jobs JOB --log`."""
EXAMPLE = "cadenzactl logs -f --level warning"
LEVELS = ("debug", "info", "warning", "error", "critical")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--follow", "-f", action="store_true", help="wait for more")
    parser.add_argument("--last", type=lines, default=100, metavar="N", help="so many lines (100)")
    parser.add_argument("--level", choices=LEVELS, default="debug", help="the least that is shown")
    add_json_and_state(parser)


def lines(text: str) -> int:
    """A number of lines to begin with."""
    if 0 <= (number := whole(text)) <= 1_000_000:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines, such as 100")


def command(arguments: argparse.Namespace) -> int:
    directory = state_dir(arguments.state)
    service = _unit(directory)
    if service is not None:
        from cadenzad.service_manager.entries import journal_entries

        found = journal_entries(service, arguments.last, follow=arguments.follow)
    else:
        found = _from_file(directory, arguments)
    least = LEVELS.index(arguments.level)
    chosen = (
        record
        for record in found
        if record.get("level") not in LEVELS or LEVELS.index(record["level"]) >= least
    )
    # The journal's messages have the fields in them.
    print_records(chosen, as_json=arguments.json, whole=service is None)
    return OK


def _unit(directory: Path) -> Service | None:
    """The service that runs the daemon of this state directory; None where none does."""
    holder = is_held(directory)
    if holder is None:
        return None
    from cadenzad.service_manager.install import known_services, manager_runs, shown
    from cadenzad.service_manager.units import Scope

    pid = str(holder.get("pid"))
    services = known_services([scope for scope in get_args(Scope) if manager_runs(scope)])
    return next((item for item in services if shown(item).get("MainPID") == pid), None)


def _from_file(directory: Path, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    from cadenzad.logfiles import daemon_log, read_log

    path = daemon_log(directory)
    if not path.exists() and not arguments.follow:
        raise NoEventLog(
            f"{path}: no daemon has logged here yet",
            hint="one that logged to the journal: journalctl --user -u cadenzad.service",
        )
    return read_log(path, arguments.last, follow=arguments.follow)
