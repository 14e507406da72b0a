"""`cadenza env lora`: the action head by hand. Each subcommand is a module of this package."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.parser import AnyOrder
from cadenzad.cli.base.program import add_subcommands

DESCRIPTION = """The LoRA action head: from a goal in words to robot actions. Add examples, look at
the data, train, score against the exam, and decode goals."""
EXAMPLE = "cadenza env lora data robots/rescue"

COMMANDS = {
    "add": "add an example: a goal and its steps",
    "data": "what would be trained on, and what is wrong with it",
    "finetune": "train a new adapter and score it",
    "eval": "score an adapter again, and deploy it if it passes",
    "decode": "what the deployed adapter makes of goals",
    "log": "the versions of an adapter, and what changed between them",
    "export": "base and adapter merged into one model",
    "push": "an adapter as a repository of the model hub, in a folder",
}


def configure(parser: argparse.ArgumentParser) -> None:
    add_subcommands(parser, __name__, COMMANDS, AnyOrder)


def command(arguments: argparse.Namespace) -> int:
    raise AssertionError("argparse asks for a subcommand")
