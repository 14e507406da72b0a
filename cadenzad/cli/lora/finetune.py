"""`cadenza env lora finetune`: train an adapter now."""

from __future__ import annotations

import argparse
from typing import Any

from cadenzad.cli.common import finite
from cadenzad.cli.jobrun import run_job
from cadenzad.cli.lora.common import add_project, folder_of, tell_card
from cadenzad.config import load_config
from cadenzad.paths import state_dir

DESCRIPTION = """Train a new version of the project's adapter and score it. With --gate a DEPLOY is
deployed; anything else leaves the deployed one serving. Exit code 0 DEPLOY, 5 BLOCK, 6 NEEDS_DATA.
The same data, seed and threads give the same bytes."""
EXAMPLE = "cadenza env lora finetune rescue --gate"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--epochs", type=_count, metavar="N", help="passes over the data (40)")
    parser.add_argument("--lr", type=_positive, metavar="LR", help="learning rate (0.005)")
    parser.add_argument("--rank", type=_count, metavar="R", help="rank of the adapter (16)")
    parser.add_argument("--seed", type=int, metavar="S", help="seed of all that is random (0)")
    parser.add_argument("--gate", action="store_true", help="deploy it if the verdict is DEPLOY")


def command(arguments: argparse.Namespace) -> int:
    project = folder_of(arguments)
    names = ("epochs", "lr", "rank", "seed", "gate")
    spec: dict[str, Any] = {name: getattr(arguments, name) for name in names}
    ended = run_job(
        state_dir(arguments.state),
        "retrain",
        project,
        spec,
        "cadenza env lora finetune",
        config=load_config(None),
    )
    return tell_card(arguments, project, ended)


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number


def _positive(text: str) -> float:
    if (number := finite(text)) > 0:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is not more than 0")
