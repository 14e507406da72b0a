"""`cadenza env lora finetune`: train an adapter now."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from cadenzad.cli.base.parser import filled, finite
from cadenzad.cli.base.requests import run_by_hand
from cadenzad.cli.env.lora.common import add_project, folder_of, print_card
from cadenzad.config.paths import expand
from store.errors import ConfigError

DESCRIPTION = """Train a new version of the project's adapter and score it. With --gate a DEPLOY is
deployed; anything else leaves the deployed one serving. Exit code 0 DEPLOY, 5 BLOCK, 6 NEEDS_DATA.
The same data, seed and threads give the same bytes."""
EXAMPLE = "cadenza env lora finetune rescue --gate"
MAX_RANK = 128
"""Of the order of the head's own width: more than that is no small adapter."""
MAX_SEED = 2**32 - 1


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument(
        "--epochs", type=_whole(1, 10_000), metavar="N", help="passes over the data, at most (12)"
    )
    parser.add_argument("--lr", type=_positive, metavar="LR", help="learning rate (0.001)")
    parser.add_argument(
        "--rank", type=_whole(1, MAX_RANK), metavar="R", help="rank of the adapter (16)"
    )
    parser.add_argument(
        "--seed", type=_whole(0, MAX_SEED), metavar="S", help="seed of all that is random (0)"
    )
    parser.add_argument(
        "--finetune", type=filled, metavar="PATH", help="train on this log or records file too"
    )
    parser.add_argument("--gate", action="store_true", help="deploy it if the verdict is DEPLOY")


def command(arguments: argparse.Namespace) -> int:
    project = folder_of(arguments)
    names = ("epochs", "lr", "rank", "seed", "gate")
    spec: dict[str, Any] = {name: getattr(arguments, name) for name in names}
    if arguments.finetune is not None:
        path = expand(arguments.finetune).absolute()  # the job runs in another folder
        if not path.is_file():
            reason = "is a folder, not a file" if path.is_dir() else "no such file"
            hint = f"cadenza env lora finetune {arguments.project} --finetune first.log.jsonl"
            raise ConfigError(f"--finetune {arguments.finetune}: {reason}", hint=hint)
        spec["finetune"] = str(path)
    ended = run_by_hand(
        arguments, "retrain", project, spec, "cadenza env lora finetune", with_files=True
    )
    return print_card(arguments, project, ended)


def _whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from low to high, both included."""

    def number(text: str) -> int:
        if text.isdecimal() and len(text) < 20 and low <= int(text) <= high:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high:,}")

    return number


def _positive(text: str) -> float:
    if (number := finite(text)) > 0:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is not more than 0")
