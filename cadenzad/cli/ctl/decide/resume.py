"""`cadenzactl resume`: go on with reactive work for a project."""

from __future__ import annotations

import argparse

from cadenzad.cli.ctl.decide.pause import configure as configure
from cadenzad.cli.ctl.decide.pause import pause_or_resume

DESCRIPTION = """Go on with reactive work for a paused project: what was left out is done now."""
EXAMPLE = "cadenzactl resume rescue"


def command(arguments: argparse.Namespace) -> int:
    return pause_or_resume(arguments, paused=False)
