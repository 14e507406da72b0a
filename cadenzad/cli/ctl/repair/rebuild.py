"""`cadenzactl rebuild`: fold the state view anew from the event log."""

from __future__ import annotations

import argparse
import json

from cadenzad.cli.base.parser import OK, add_state_option
from cadenzad.config.paths import state_dir
from cadenzad.requests.client import perform
from cadenzad.requests.inbox import new_request
from store.events.process import ViewRebuilt

DESCRIPTION = "Fold the state view anew from the event log, and say whether it differs."
EXAMPLE = "cadenzactl rebuild"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    directory = state_dir(arguments.state)
    request = new_request("rebuild", {"requested_by": "cadenzactl rebuild"})
    outcome = perform(directory, request, timeout=600.0, outcome=1)
    event = outcome.event
    assert isinstance(event, ViewRebuilt)
    if arguments.json:
        print(json.dumps({"position": outcome.position} | event.model_dump(mode="json")))
    else:
        verdict = "the same as before" if event.same else "DIFFERENT from before, and now right"
        print(f"rebuilt from {event.events:,} events: the view is {verdict}")
    return OK
