"""cadenza env: the same work by hand. One subcommand, one function, one module."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from cadenzad import __version__
from cadenzad.cli.common import EXIT_CODES, Parser, add_state_option, run


def init(arguments: argparse.Namespace) -> int:
    from cadenzad.cli.init import init as command

    return command(arguments)


def finetune(arguments: argparse.Namespace) -> int:
    from cadenzad.cli.finetune import finetune as command

    return command(arguments)


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="cadenza",
        description="Robot projects: missions, training data, improvement.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cadenza {__version__}")
    groups = parser.add_subparsers(title="groups", required=True, metavar="GROUP")
    group = groups.add_parser("env", help="a robot project: a folder with env.json")
    commands = group.add_subparsers(title="commands", required=True, metavar="COMMAND")

    one = commands.add_parser(
        "init",
        help="make a complete sample project",
        description="Make a complete sample project: a rescue-dog mission (env.json), a brain with "
        "a SYSTEM_PROMPT (main.py), example and exam goals (lora/).",
        epilog="example:\n  cadenza env init ~/robots/rescue",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("project", help="the folder to make; it must be new or empty")
    one.add_argument("--json", action="store_true", help="one JSON object, for programs")
    one.set_defaults(command=init)

    one = commands.add_parser(
        "finetune",
        help="export a run log as training records",
        description="Turn a run log into (prompt, action, reward) records, one JSON object a line. "
        "Works with and without a daemon. Fails only when not one record could be made.",
        epilog="example:\n  cadenza env finetune ~/robots/rescue 2026-01-31T12-00-00-1a2b.log.jsonl"
        " -o records.jsonl --no-failures",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("project", help="the project's folder, or its name in a watched workspace")
    one.add_argument("log", help="a run log or run id: looked for here, then in the project")
    one.add_argument("-o", "--output", required=True, metavar="FILE", help="where records go")
    one.add_argument(
        "--format", choices=["jsonl"], default="jsonl", help="how records are written (jsonl)"
    )
    one.add_argument(
        "--no-failures",
        action="store_true",
        help="leave out failed phases and ends without success (env.json may say so too)",
    )
    one.add_argument(
        "--min-reward", type=float, metavar="X", help="leave out records with a reward below X"
    )
    one.add_argument("--manifest", metavar="FILE", help="also write a manifest of the export")
    one.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(one)
    one.set_defaults(command=finetune)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    return run(build_parser(), argv)


if __name__ == "__main__":
    sys.exit(main())
