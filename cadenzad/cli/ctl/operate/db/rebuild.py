"""`cadenzactl db rebuild`: fold the state view anew from the event log."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.parser import OK, add_json_and_state
from cadenzad.cli.base.requests import print_answer
from cadenzad.config.paths import state_dir

DESCRIPTION = "Fold the state view anew from the event log, and say whether it differs."
EXAMPLE = "cadenzactl db rebuild"


def configure(parser: argparse.ArgumentParser) -> None:
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.requests.client import perform
    from cadenzad.requests.commands import Rebuild
    from store.events.process import ViewRebuilt

    request = Rebuild(requested_by="cadenzactl db rebuild")
    outcome = perform(state_dir(arguments.state), request, timeout=600.0, outcome=1)
    event = outcome.event
    assert isinstance(event, ViewRebuilt)
    verdict = "the same as before" if event.same else "DIFFERENT from before, and now right"
    print_answer(
        arguments,
        {"position": outcome.position} | event.as_shape(),
        f"rebuilt from {event.events:,} events: the view is {verdict}",
    )
    return OK
