"""`cadenzactl report`: the page of a project as one file."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from cadenzad.cli.base.lookup import file_to_write, find_project
from cadenzad.cli.base.output import say, say_json, say_lines
from cadenzad.cli.base.parser import OK, add_json_and_state, filled
from cadenzad.config.paths import state_dir
from store.durable import write_file
from store.errors import ConfigError
from store.ours import check_ours

DESCRIPTION = """The page of a project as one HTML file, as of now or of a past moment: it opens
from disk, without a network and without a server, and can be sent to somebody."""
EXAMPLE = "cadenzactl report rescue -o report.html"
MARK = b"cadenzad report</title>"
"""What a report has near its beginning, and by which it is known as one."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=filled, help="a project's name or path")
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, type=filled, help="- is stdout"
    )
    parser.add_argument(
        "--at", metavar="P", type=filled, help="as of a past position, or a time (ISO 8601)"
    )
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    """Write the file."""
    from cadenzad.dashboard.moment import Moments
    from cadenzad.dashboard.report import report
    from store.reads.state import State

    target = None if arguments.output == "-" else file_to_write(arguments.output, "-o")
    with (
        closing(Moments(state_dir(arguments.state))) as moments,
        moments.at(arguments.at) as moment,
    ):
        row = find_project(State(moment.view), arguments.project)
        text = report(moment, row)
        position = moment.position
    if target is None:
        say_lines(text)
        return OK
    _write(target, text)
    if arguments.json:
        say_json({"output": str(target), "project": row.name, "position": position})
    else:
        say(f"wrote {target} ({len(text.encode()):,} bytes)", err=True)
    return OK


def _write(target: Path, text: str) -> None:
    """Raises InputError for a file that is no report, ConfigError where it cannot be written."""
    try:
        check_ours(target, MARK, "cadenzactl report")
        write_file(target, text.encode("utf-8", "replace"), mode=None)
    except OSError as error:
        raise ConfigError(f"-o {target}: cannot be written: {error.strerror or error}") from None
