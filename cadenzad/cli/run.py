"""`cadenza env run`: see cadenzad.cli.mission, which holds the three mission commands."""

from __future__ import annotations

import argparse

from cadenzad.cli.history import find_project_folder
from cadenzad.cli.mission import Services, configure_run, run_command
from cadenzad.decoding import plan_decoder

DESCRIPTION = """Drive the mission in MuJoCo and write its log to `.cadenza-env/`, where the daemon
picks it up like any dropped log. Exits with 0 when every episode succeeded."""
EXAMPLE = "cadenza env run rescue --headless --seed 7 --episodes 3"


def configure(parser: argparse.ArgumentParser) -> None:
    configure_run(parser, Services(find_project=find_project_folder, decoder=plan_decoder))


def command(arguments: argparse.Namespace) -> int:
    return run_command(arguments)
