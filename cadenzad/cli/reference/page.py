"""The page of every command, made from the parsers: docs/commands.md.

python -m cadenzad.cli.reference.page > docs/commands.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from cadenzad.cli.base.parser import EXIT_CODES
from cadenzad.cli.base.program import Program
from cadenzad.cli.programs import CADENZA_ENV, CADENZACTL
from cadenzad.cli.reference.trees import parser_of

HEAD = """# Every command

`COMMAND --help` says more, with an example; `make man` makes the man pages. Every command takes
`--json`; data goes to stdout, talk to stderr. `--state DIR` or `CADENZAD_STATE` says where the
event log lives (default: systemd's `STATE_DIRECTORY`, else `~/.local/state/cadenzad`).
"""


def page() -> str:
    """docs/commands.md as it has to be."""
    daemon = parser_of("cadenzad").description or ""
    lines = [HEAD, "## cadenzad", "", daemon, ""]
    for program in (CADENZACTL, CADENZA_ENV):
        lines += [f"## {program.name}", "", program.description, *_tables(program), ""]
    return "\n".join([*lines, "## Exit codes", "", "```", *EXIT_CODES.splitlines()[1:], "```", ""])


def _tables(program: Program) -> Iterator[str]:
    """A table for each folder of commands, the commands below nouns included."""
    heading: str | None = None
    for called, module, line in program.every():
        folder = module.removeprefix(f"{program.package}.").split(".")[0]
        folder = folder if "." in next(iter(program.modules)) else ""
        if folder != heading:
            heading = folder
            yield from (["", f"### {folder}"] if folder else [])
            yield from ("", "| command | what it does |", "|---|---|")
        yield f"| `{called}` | {line} |"


if __name__ == "__main__":
    sys.stdout.write(page())
