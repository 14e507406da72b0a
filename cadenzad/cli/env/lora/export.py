"""`cadenza env lora export`: base and adapter merged into one model."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, filled
from cadenzad.cli.ctl.decide.rollback import expect_version
from cadenzad.cli.ctl.decide.rollback import version as version_number
from cadenzad.cli.env.lora.common import add_project, folder_of
from cadenzad.config.paths import expand

DESCRIPTION = """Write the deployed adapter (the newest while none is deployed, or --version N)
merged into its base, as one model that transformers loads without PEFT. The base must be a
published one."""
EXAMPLE = "cadenza env lora export rescue --merged merged-model"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument(
        "--merged", type=filled, required=True, metavar="FOLDER", help="a new or empty folder"
    )
    parser.add_argument(
        "--version", type=version_number, metavar="N", help="which version (the deployed one)"
    )


def command(arguments: argparse.Namespace) -> int:
    from handlers.lora.hub.layout import filled as made_of
    from handlers.lora.hub.merged import export_merged
    from handlers.lora.model.files import read_head
    from handlers.lora.registry import Registry
    from handlers.lora.serving import version_to_try

    project = folder_of(arguments)
    number = arguments.version or version_to_try(project)[0]
    expect_version(project, number)
    folder, out = Registry(project).folder(number), expand(arguments.merged).absolute()
    read_head(folder)  # a damaged one is not passed on
    made_of(out, lambda draft: export_merged(folder, draft))
    if arguments.json:
        say_json({"version": number, "folder": str(out)})
    else:
        say(f"version {number}, merged: {out}")
    return OK
