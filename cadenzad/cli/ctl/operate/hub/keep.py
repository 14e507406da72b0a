"""`cadenzactl hub keep`: fold what robots ship into their views, as it comes or once."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from cadenzad.cli.base.output import say
from cadenzad.cli.base.parser import OK, add_hub_options
from cadenzad.cli.shown.fleet import open_hub

if TYPE_CHECKING:
    from store.hub.connection import Hub

DESCRIPTION = """Fold the events that robots ship into the views that `--hub DSN status` and `why`
read, and widen or pull what is offered to the fleet, as the runs since say. It runs on, near the
database, under a unit of its own; with --once it does what there is to do and ends. Several may
run: they share the robots. For a keeper, or the owner of the hub."""
EXAMPLE = "cadenzactl hub keep --hub keeper.hub"
POLL_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="do what there is to do, and end")
    add_hub_options(parser, robot=False)


def command(arguments: argparse.Namespace) -> int:
    if arguments.once:
        from store.hub.fold import try_again

        with open_hub(arguments) as hub:
            try_again(hub)
            say(f"folded {_keep_up(hub):,} events")
            _decide(hub)
        return OK
    return keep(arguments, time.sleep)


def keep(arguments: argparse.Namespace, sleep: Callable[[float], None]) -> int:
    """Fold as events come, over every loss of the database. Without end, but for a signal."""
    from store.hub.connection import HubUnreachable
    from store.hub.fold import try_again

    pause = FIRST_PAUSE_S
    while True:
        try:
            with open_hub(arguments) as hub:
                hub.run("LISTEN cadenzad")
                _decide(hub)
                try_again(hub)  # another version of this program may know what the last did not
                say(f"keeping the views of {hub.connection.info.dbname}", err=True)
                while True:
                    if _keep_up(hub):
                        _decide(hub)
                    pause = FIRST_PAUSE_S
                    hub.wait_for_news(POLL_S)
        except HubUnreachable as error:
            say(f"{error.message}; again in {pause:.0f} s", err=True)
            sleep(pause)
            pause = min(LONGEST_PAUSE_S, 2 * pause)


def _keep_up(hub: Hub) -> int:
    """Everything there is to fold; returns the events."""
    from store.hub.fold import fold_some

    count = 0
    while folded := fold_some(hub):
        count += folded
    return count


def _decide(hub: Hub) -> None:
    """What the runs that are in the views now lead to, of what is offered to the fleet."""
    from cadenzad.hub.deciding import decide

    for line in decide(hub):
        say(line)
