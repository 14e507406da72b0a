"""What the lora commands share."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.lookup import open_state, project_folder
from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import OK, add_json_and_state, filled
from store.errors import DaemonError
from store.text import counted

if TYPE_CHECKING:
    from cadenzad.requests.byhand import Ended
    from store.events.adapter import AdapterTrained

BLOCKED, NEEDS_DATA = 5, 6
MOST_NOTES = 10
VERDICT_CODES = {"DEPLOY": OK, "BLOCK": BLOCKED, "NEEDS_DATA": NEEDS_DATA}


def add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project", type=filled, help="the project's folder, or its name in a watched workspace"
    )
    add_json_and_state(parser)


def folder_of(arguments: argparse.Namespace) -> Path:
    with open_state(arguments.state) as state:
        return project_folder(state, arguments.project)


def print_card(arguments: argparse.Namespace, project: Path, ended: Ended) -> int:
    """The scorecard that a job made; the exit code is its verdict's."""
    from handlers.lora.scorecard.scorecard import HEADINGS, scorecard_rows
    from store.events.adapter import AdapterScored, AdapterTrained

    if ended.job.state != "succeeded":
        raise DaemonError(ended.job.result, hint="the deployed adapter, if any, still serves")
    scored = ended.of(AdapterScored)
    if not isinstance(scored, AdapterScored):
        if arguments.json:
            say_json({"summary": ended.job.result})
        else:
            say(ended.job.result)
        return OK
    card: dict[str, Any] = json.loads((project / scored.scorecard).read_bytes())
    promoted = any(event.type_name() == "AdapterPromoted" for event in ended.events)
    if arguments.json:
        say_json({"version": scored.version, "deployed": promoted, **card}, indent=2)
        return VERDICT_CODES[scored.verdict]
    trained = ended.of(AdapterTrained)
    if isinstance(trained, AdapterTrained):
        loss = "-" if trained.loss is None else f"{trained.loss:.3f}"
        say(
            f"version {trained.version}: {trained.rows} rows, {trained.epochs} epochs, loss {loss},"
            f" encoder {_encoder(project, trained)}, {trained.seconds:.1f} s",
            err=True,
        )
    say_table(HEADINGS, scorecard_rows(card))
    say(f"verdict: {card['verdict']}" + (" (deployed)" if promoted else ""))
    for reason in card["reasons"]:
        say(f"  {reason}")
    notes = card.get("notes", [])
    for note in notes[:MOST_NOTES]:
        say(f"  {note}")
    if len(notes) > MOST_NOTES:
        say(f"  and {counted(len(notes) - MOST_NOTES, 'more row')}, in {scored.scorecard}")
    if card["next_steps"]:
        say("next:")
        for step in card["next_steps"]:
            say(f"  {step}")
    return VERDICT_CODES[scored.verdict]


def _encoder(project: Path, trained: AdapterTrained) -> str:
    """What it was trained with; of a project's own, where LoRA went as well."""
    from handlers.lora.hub.card import base_of, layers_of

    if trained.encoder != "project":
        return trained.encoder
    folder = project / trained.path
    layers = layers_of(folder)
    where = f"in {counted(len(layers), 'layer')} of it" if layers else "over its vectors"
    return f"{base_of(folder)} (LoRA {where})"
