"""`cadenza env lora eval`: score an adapter again."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.requests import run_by_hand
from cadenzad.cli.ctl.decide.rollback import expect_version
from cadenzad.cli.ctl.decide.rollback import version as version_number
from cadenzad.cli.env.lora.common import add_project, folder_of, print_card

DESCRIPTION = """Score the newest adapter (or --version N) against the exam as it is now. With
--promote a DEPLOY is deployed. Exit code 0 DEPLOY, 5 BLOCK, 6 NEEDS_DATA."""
EXAMPLE = "cadenza env lora eval rescue --promote"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--promote", action="store_true", help="deploy it if it may be")
    parser.add_argument(
        "--version", type=version_number, metavar="N", help="which version (the newest)"
    )


def command(arguments: argparse.Namespace) -> int:
    project = folder_of(arguments)
    if arguments.version is not None:
        expect_version(project, arguments.version)
    spec = {"gate": arguments.promote, "version": arguments.version}
    ended = run_by_hand(arguments, "score", project, spec, "cadenza env lora eval", with_files=True)
    return print_card(arguments, project, ended)
