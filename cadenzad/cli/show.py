"""`cadenza env show`: see cadenzad.cli.mission, which holds the three mission commands."""

from __future__ import annotations

import argparse

from cadenzad.cli.history import find_project_folder
from cadenzad.cli.mission import Services, configure_show, show_command

DESCRIPTION = """Draw the mission's map: zones, objects, phases; in the terminal, as SVG or as PNG;
with `--run` the path of a run over it."""
EXAMPLE = "cadenza env show rescue -o map.svg"


def configure(parser: argparse.ArgumentParser) -> None:
    configure_show(parser, Services(find_project=find_project_folder))


def command(arguments: argparse.Namespace) -> int:
    return show_command(arguments)
