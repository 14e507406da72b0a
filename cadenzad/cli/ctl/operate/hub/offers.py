"""`cadenzactl hub offers`: what is offered to the fleet, and what became of it."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import OK, add_hub_options
from cadenzad.cli.shown.fleet import moment, open_hub

if TYPE_CHECKING:
    from store.hub.connection import Hub
    from store.hub.offers import Offer

DESCRIPTION = """What is offered to the fleet: whose version it is, how far the offer went, how
many projects took it up, and what the runs since say. Of one offer, its steps and each robot as
well."""
EXAMPLE = "cadenzactl hub offers 7c1e90ab --hub reader.hub"
HEADINGS = ("OFFER", "PROJECT", "WHAT", "STATE", "TAKEN", "OTHERS", "PAIRS", "GAIN", "WHY")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("offer", nargs="?", help="its id, or how that begins: of this one, more")
    add_hub_options(parser, robot=False)
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def command(arguments: argparse.Namespace) -> int:
    with open_hub(arguments) as hub:
        from store.hub.offers import offer_named, offers

        wanted = [offer_named(hub, arguments.offer)] if arguments.offer else offers(hub)
        found = [_facts(hub, offer) for offer in wanted]
    if arguments.json:
        say_json({"offers": found}, indent=2)
    elif not found:
        say("nothing is offered: `cadenzactl hub offer PROJECT prompt VERSION` does")
    else:
        say_table(HEADINGS, [_row(one) for one in found])
        if arguments.offer:
            _say_more(found[0])
    return OK


def _facts(hub: Hub, offer: Offer) -> dict[str, Any]:
    """All there is to say of an offer, as JSON has it."""
    from cadenzad.hub.deciding import verdict_on
    from store.hub.offers import canaries, steps, taken

    verdict = verdict_on(hub, offer)
    robots = [{**one._asdict(), "is_canary": bool(one.is_canary)} for one in taken(hub, offer.id)]
    for robot in robots:
        del robot["origin"]
    state = "canary" if not offer.is_widened else "all"
    return {
        "offer": offer.id,
        "kind": offer.kind,
        "project": offer.project,
        "robot": offer.source,
        "version": offer.version,
        "state": "pulled" if offer.pulled is not None else state,
        "canary": canaries(hub, offer.id),
        "robots": robots,
        "test": {"says": verdict.reason, **verdict.numbers()},
        "steps": [
            {"step": one.step, "why": one.why, "by": one.made_by, "at": moment(one.at_us)}
            for one in steps(hub, offer.id)
        ],
    }


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    states = Counter(robot["state"] for robot in one["robots"])
    taken = states.pop("taken", 0)
    others = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in states.items())
    why = one["steps"][-1]["why"] if one["state"] == "pulled" else one["test"]["says"]
    return (
        one["offer"],
        one["project"],
        f"{one['kind']} {one['version']} of {one['robot']}",
        one["state"],
        taken,
        others or "-",
        one["test"]["pairs"],
        f"{one['test']['gain']:+.2f}" if one["test"]["pairs"] else "-",
        why,
    )


def _say_more(one: dict[str, Any]) -> None:
    say()
    for step in one["steps"]:
        say(f"{step['at']}  {step['step']} by {step['by']}: {step['why'] or '(no reason given)'}")
    said = {robot["robot"] for robot in one["robots"]}
    for robot in one["robots"]:
        version = f" as version {robot['version']}" if robot["version"] is not None else ""
        why = f": {robot['reason']}" if robot["reason"] else ""
        first = " (first)" if robot["is_canary"] else ""
        state = robot["state"].replace("_", " ")
        say(f"{robot['robot']}{first}  {robot['project']}  {state}{version}{why}")
    for name in one["canary"]:
        if name not in said:
            say(f"{name} (first)  has not been heard of yet")
