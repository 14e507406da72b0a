"""`cadenza env stats`: see cadenzad.cli.mission, which holds the three mission commands."""

from __future__ import annotations

import argparse

from cadenzad.cli.history import find_project_folder
from cadenzad.cli.mission import Services, configure_stats, stats_command

DESCRIPTION = (
    """What all runs of a project say together: success rate, reward trend, motion mix, phases."""
)
EXAMPLE = "cadenza env stats rescue --json"


def configure(parser: argparse.ArgumentParser) -> None:
    configure_stats(parser, Services(find_project=find_project_folder))


def command(arguments: argparse.Namespace) -> int:
    return stats_command(arguments)
