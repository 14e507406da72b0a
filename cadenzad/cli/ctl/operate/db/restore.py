"""`cadenzactl db restore`: put a checked backup in the event log's place."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_json_and_state, filled
from cadenzad.cli.ctl.operate.db.backup import bar
from cadenzad.config.paths import expand, make_state_dir, state_dir
from store.lock import WriterLock

DESCRIPTION = """Put a backup in the event log's place. It is checked first: every page, every
event, no gap. The log that was there stays beside it under another name. Stop the daemon before;
its next start looks at every file again and records what the backup does not know."""
EXAMPLE = "cadenzactl db restore backups/cadenza-2026-01-31.db"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=filled, metavar="FILE", help="a file made by `backup`")
    parser.add_argument("--check", action="store_true", help="only check FILE, change nothing")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.maintenance.restore import check_backup, restore

    directory = make_state_dir(state_dir(arguments.state))
    backup = expand(arguments.file)
    if arguments.check:
        with bar("checking", "event") as progress:
            position = check_backup(directory, backup, progress)
        _report(
            arguments,
            {"checked": str(backup), "position": position},
            [f"{backup} is sound: {position:,} events"],
        )
        return OK
    with (
        WriterLock(directory, "cadenzactl db restore").acquire(),
        bar("checking", "event") as progress,
    ):
        done = restore(directory, backup, progress)
    aside = str(done.aside) if done.aside else None
    lines = [f"restored {backup}: {done.position:,} events"]
    if aside is not None:
        before = "damaged" if done.replaced is None else f"{done.replaced:,} events"
        lines.append(f"the log that was there ({before}) is kept: {aside}")
    lines.append("next: start the daemon, or run `cadenzad --once`; it looks at every file again")
    _report(
        arguments,
        {
            "restored": str(backup),
            "position": done.position,
            "replaced_position": done.replaced,
            "kept": aside,
        },
        lines,
    )
    return OK


def _report(arguments: argparse.Namespace, answer: dict[str, object], lines: list[str]) -> None:
    if arguments.json:
        say_json(answer)
        return
    for line in lines:
        say(line)
