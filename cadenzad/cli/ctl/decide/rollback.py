"""`cadenzactl rollback`: deploy an earlier adapter again."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.cli.base.lookup import find_project
from cadenzad.cli.base.parser import OK, add_json_and_state
from cadenzad.cli.base.requests import print_answer, run_by_hand
from cadenzad.config.paths import state_dir
from store.errors import DaemonError, InputError
from store.schema import connect_reader

if TYPE_CHECKING:
    from store.reads.state import State

DESCRIPTION = """Deploy an earlier version of a project's adapter: of those that are still there the
one deployed before, or --to N. One that is not there whole is refused, and the deployed one goes on
serving. One that was neither deployed before nor scored DEPLOY takes --force; `status` and `why`
say so while it serves. --to the version that serves is for where that was never recorded."""
EXAMPLE = "cadenzactl rollback rescue --to 3"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", help="a project's name or path")
    parser.add_argument("--to", type=version, metavar="N", help="the version to deploy")
    parser.add_argument(
        "--force", action="store_true", help="also one whose verdict does not allow it"
    )
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from store.reads.state import State

    with closing(connect_reader(state_dir(arguments.state))) as reader:
        state = State(reader)
        project = find_project(state, arguments.project)
        _check(state, Path(project.path), arguments.to, force=arguments.force)
    spec = {"to": arguments.to, **({"force": True} if arguments.force else {})}
    ended = run_by_hand(arguments, "deploy", Path(project.path), spec, "cadenzactl rollback")
    if ended.job.state != "succeeded":
        raise DaemonError(ended.job.result)
    print_answer(arguments, ended.as_json(), ended.job.result)
    return OK


def version(text: str) -> int:
    """A version's number as typed."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a version: they count from 1")
    return number


def expect_version(project: Path, wanted: int) -> None:
    """Raises InputError when a project has no such version."""
    from handlers.lora.registry import Registry

    there = Registry(project).versions()
    if wanted not in there:
        names = ", ".join(map(str, there)) or "none"
        raise InputError(
            f"{project}: there is no adapter version {wanted}", hint=f"there are: {names}"
        )


def _check(state: State, project: Path, wanted: int | None, *, force: bool) -> None:
    """What can be seen beforehand needs no job that fails."""
    from handlers.lora.registry import Registry, version_before
    from handlers.lora.verdicts import FORCE, is_unknown, why_not
    from store.reads.improvements import adapters, deployed_adapter
    from store.reads.offers import pulled_adapters

    registry = Registry(project)
    recorded = deployed_adapter(state.connection, str(project))
    if wanted is not None:
        expect_version(project, wanted)
        if registry.deployed() == wanted == (recorded.version if recorded else None):
            raise InputError(f"{project}: version {wanted} is deployed already")
    else:
        pulled = pulled_adapters(state.connection, str(project))
        wanted = version_before(adapters(state.connection, str(project)), registry, pulled)
    if wanted is None:
        raise InputError(
            f"{project}: no other version that is still there was ever deployed",
            hint="--to N names one",
        )
    adopts = wanted == registry.deployed() and is_unknown(state.connection, str(project), wanted)
    refusal = why_not(state.connection, str(project), wanted)
    if refusal and not adopts and not force:
        raise InputError(f"{project}: {refusal}", hint=FORCE)
