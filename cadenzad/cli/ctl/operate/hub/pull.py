"""`cadenzactl hub pull`: an offer is taken back, by every robot that took it up."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_hub_options, filled
from cadenzad.cli.shown.fleet import open_hub
from store.errors import InputError

DESCRIPTION = """Pull an offer for good. No robot takes it up any more; each that did takes it
back the next time it is connected, as it takes back any version. For the owner of the hub, or a
keeper."""
EXAMPLE = "cadenzactl hub pull 7c1e90ab --why 'falls on stairs' --hub owner.hub"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("offer", type=filled, help="its id, or how that begins")
    parser.add_argument("--why", type=filled, default="asked for", help="for people, and the log")
    add_hub_options(parser, robot=False)
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def command(arguments: argparse.Namespace) -> int:
    with open_hub(arguments) as hub:
        from store.hub.offers import offer_named, step, taken

        offer = offer_named(hub, arguments.offer)
        if not step(hub, offer.id, "pulled", arguments.why, {}):
            raise InputError(f"offer {offer.id} was pulled already: {offer.pulled}")
        having = [one.robot for one in taken(hub, offer.id) if one.state in ("taken", "proposed")]
    if arguments.json:
        say_json({"offer": offer.id, "pulled": True, "robots": having})
    else:
        back = f"{', '.join(having)} will take it back" if having else "no robot has it"
        say(f"offer {offer.id} is pulled; {back}")
    return OK
