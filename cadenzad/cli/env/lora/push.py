"""`cadenza env lora push`: an adapter as a repository of the model hub, on disk."""

from __future__ import annotations

import argparse
import re

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, filled
from cadenzad.cli.ctl.decide.rollback import expect_version
from cadenzad.cli.ctl.decide.rollback import version as version_number
from cadenzad.cli.env.lora.common import add_project, folder_of
from cadenzad.config.paths import expand

DESCRIPTION = """Write the deployed adapter (the newest while none is deployed, or --version N)
into a folder as the model hub has repositories: the adapter, its model card, training curve and
scorecard. Nothing is sent anywhere. `head.json` holds the taught goals and their plans: look before
you upload."""
EXAMPLE = "cadenza env lora push rescue to-upload --license apache-2.0"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("folder", type=filled, help="a new or empty folder")
    parser.add_argument(
        "--license", type=_license, metavar="ID",
        help="the hub's name of the adapter's licence, for its card",
    )  # fmt: skip
    parser.add_argument(
        "--version", type=version_number, metavar="N", help="which version (the deployed one)"
    )


def command(arguments: argparse.Namespace) -> int:
    from handlers.lora.hub.card import UNSTATED
    from handlers.lora.hub.layout import push
    from handlers.lora.registry import Registry
    from handlers.lora.serving import version_to_try

    project = folder_of(arguments)
    number = arguments.version or version_to_try(project)[0]
    expect_version(project, number)
    out = expand(arguments.folder).absolute()
    names = push(Registry(project).folder(number), out, arguments.license or UNSTATED)
    if arguments.json:
        say_json({"version": number, "folder": str(out), "files": names})
        return OK
    say(f"version {number} in {out}:")
    for name in names:
        say(f"  {name}")
    return OK


def _license(text: str) -> str:
    if re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,40}", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is no licence as the hub names them: apache-2.0")
