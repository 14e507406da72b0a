"""`cadenza env lora`: the action head by hand. Each subcommand is a module of this package."""

from __future__ import annotations

import argparse
import importlib

from cadenzad.cli.common import AnyOrder

DESCRIPTION = """The LoRA action head: from a goal in words to robot actions. Add examples, look at
the data, train, score against the exam, and decode goals."""
EXAMPLE = "cadenza env lora data robots/rescue"

COMMANDS = {
    "add": "add an example: a goal and its steps",
    "data": "what would be trained on, and what is wrong with it",
    "finetune": "train a new adapter and score it",
    "eval": "score an adapter again, and deploy it if it passes",
    "decode": "what the deployed adapter makes of goals",
}


def configure(parser: argparse.ArgumentParser) -> None:
    subparsers = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=AnyOrder
    )
    for name, line in COMMANDS.items():
        module = importlib.import_module(f"cadenzad.cli.lora.{name}")
        one = subparsers.add_parser(
            name,
            help=line,
            description=module.DESCRIPTION,
            epilog=f"example:\n  {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(one)
        one.set_defaults(command=module.command)


def command(arguments: argparse.Namespace) -> int:
    raise AssertionError("argparse asks for a subcommand")
