"""`cadenza env gym`: the mission as a Gymnasium environment, shown, checked and tried."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from importlib import import_module
from typing import Any

from cadenzad.cli.base.lookup import find_project_folder
from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state, add_project, whole
from store.errors import MissingExtraError

DESCRIPTION = """Show the mission's observation and action spaces with their units, run Gymnasium's
own checks on the environment and drive one episode of random actions. Exits with 0 when the checks
pass."""
EXAMPLE = "cadenza env gym rescue --seed 7 --json"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--seed", type=_seed, default=0, metavar="S", help="of the episode (0)")
    add_json_and_state(parser)


def _seed(text: str) -> int:
    """Gymnasium's seeds are not negative."""
    if (seed := whole(text)) < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return seed


def command(arguments: argparse.Namespace) -> int:
    """Describe, check, try. Exit code 1: Gymnasium's checks complain."""
    try:
        gym: Any = import_module("cadenzad.gym")
        trial: Any = import_module("handlers.mission.gym.trial")
        gymnasium: Any = import_module("gymnasium")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the environment needs {error.name}, which is not installed",
            hint="pip install 'cadenzad[gym]'",
        ) from None
    project = find_project_folder(arguments.project, arguments.state)
    env = gymnasium.make(gym.ENV_ID, project=str(project)).unwrapped
    try:
        spaces, problems = trial.described(env), trial.check(env)
        episode = asdict(trial.random_episode(env, arguments.seed))
    finally:
        env.close()
    if arguments.json:
        facts = {"id": gym.ENV_ID, "project": str(project), **spaces}
        say_json(facts | {"problems": problems, "episode": episode}, indent=2)
    else:
        _print(gym.ENV_ID, spaces, problems, episode)
    return FAILED if problems else OK


def _print(name: str, spaces: dict[str, Any], problems: list[str], episode: dict[str, Any]) -> None:
    say(name)
    say("observation")
    for part, what in spaces["observation"].items():
        say(f"  {part:<11} {what['is']}")
    say(f"action  {spaces['action']['space']}: which, how much, how fast")
    for part, values in spaces["action"]["indices"].items():
        say(f"  {part:<13} {', '.join(map(str, values))}")
    for problem in problems:
        say(f"Gymnasium: {problem}")
    if not problems:
        say("Gymnasium's checks pass")
    ended = "terminated" if episode["terminated"] else "truncated"
    say(
        f"random episode, seed {episode['seed']}: {episode['steps']} steps,"
        f" reward {episode['reward']:+.2f}, {ended}: {episode['end']}"
    )
