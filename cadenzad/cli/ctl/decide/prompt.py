"""`cadenzactl prompt`: the versions of a project's SYSTEM_PROMPT."""

from __future__ import annotations

import argparse
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.cli.base.lookup import find_project
from cadenzad.cli.base.output import say, say_json, say_lines, say_table
from cadenzad.cli.base.parser import OK, add_json_and_state, whole
from cadenzad.cli.base.requests import run_by_hand
from cadenzad.cli.shown.candidates import BY, last_weighed, said_of_candidates
from cadenzad.cli.shown.drift import changed
from cadenzad.cli.shown.promptplace import place_of_prompt, said_of, said_of_open
from cadenzad.cli.shown.watched import watched
from cadenzad.config.paths import state_dir
from cadenzad.config.prompt import prompt_setting
from store.errors import CadenzaError, DaemonError, InputError
from store.schema import connect_reader

if TYPE_CHECKING:
    from store.reads.improvements import PromptRow
    from store.reads.state import State

DESCRIPTION = """Versions of a project's SYSTEM_PROMPT. Without an action: what is in the file now
and why. log: every version. diff: what a version changed. approve, reject: a proposed one.
rollback: take the current one's change back, to the exact bytes where nothing else changed."""
EXAMPLE = "cadenzactl prompt rescue diff --version 3"
EVENTS = {
    "approve": "PromptRewritten",
    "reject": "PromptRejected",
    "rollback": "PromptRolledBack",
}
"""What an action that was done leads to."""
ACTIONS = ("show", "log", "diff", "approve", "reject", "rollback")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", help="a project's name or path")
    parser.add_argument(
        "action", nargs="?", choices=ACTIONS, default="show", help="what to do (show)"
    )
    parser.add_argument("--version", type=whole, metavar="N", help="which version (the newest fit)")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from store.reads.improvements import prompt_versions
    from store.reads.state import State

    with closing(connect_reader(state_dir(arguments.state))) as reader:
        project = find_project(State(reader), arguments.project)
        rows = prompt_versions(reader, project.path)
        match arguments.action:
            case "show":
                return _show(arguments, reader, project.path, rows)
            case "log":
                return _log(arguments, rows)
            case "diff":
                return _diff(arguments, reader, rows)
        try:
            return _act(arguments, State(reader), Path(project.path), rows)
        except CadenzaError as error:
            if arguments.json:
                say_json({"error": {"message": error.message, "hint": error.hint}})
            raise


def _show(
    arguments: argparse.Namespace, reader: sqlite3.Connection, project: str, rows: list[PromptRow]
) -> int:
    from store.reads.improvements import diff_of_version, prompt_status

    status = prompt_status(reader, project)
    status["changed"] = changed(reader, project)
    status["place"] = place_of_prompt(Path(project), prompt_setting(Path(project)))
    current = next((row for row in rows if row.state == "current"), None)
    status |= watched(reader, project, current) or {}
    weighed = status["candidates"] = last_weighed(reader, project)
    if arguments.json:
        say_json(status, indent=2)
        return OK
    version = status["version"]
    say(f"version: {version if version is not None else 'as its author wrote it'}")
    from handlers.judge.prompt.wording import is_free

    say(f"state:   {status['state']}" + (f": {status['reason']}" if status["reason"] else ""))
    say(f"place:   {said_of(status['place'])}")
    for line in said_of_open(status["place"]):
        say(line)
    if status["changed"]:
        say(f"file:    {status['changed']}")
    if status["watch"]:
        say(f"{'watched' if status['watching'] else 'watch'}: {status['watch']}")
    if current is not None:
        for rule in current.rules:
            say(f"  {rule['line']}")
            whose = f"  by {BY['code']}" if rule.get("by") == "code" else ""
            say(f"      {rule['mode_id']}  {', '.join(rule['citations'])}{whose}")
        for gate in current.gates:
            say(f"{gate['name']}: {gate['result']}: {gate['detail']}")
    if weighed is not None:
        for line in said_of_candidates(weighed):
            say(line)
    if current is not None and any(is_free(rule["line"]) for rule in current.rules):
        say(f"version {current.version} has free text:")
        say_lines(diff_of_version(reader, current))
    pending = next((row for row in rows if row.state == "proposed"), None)
    if pending is not None:
        say(f"pending: version {pending.version} waits for approve or reject")
        say_lines(diff_of_version(reader, pending))
    return OK


def _log(arguments: argparse.Namespace, rows: list[PromptRow]) -> int:
    if arguments.json:
        say_json({"versions": [row._asdict() for row in rows]}, indent=2)
        return OK
    headings = ("VERSION", "PARENT", "STATE", "RULES", "IMPROVED", "FILE", "POSITION")
    say_table(
        headings,
        [
            (
                row.version,
                "-" if row.parent is None else row.parent,
                row.state,
                len(row.rules),
                "yes" if row.improved else "unverified",
                row.file,
                row.position,
            )
            for row in rows
        ],
    )
    return OK


def _diff(arguments: argparse.Namespace, reader: sqlite3.Connection, rows: list[PromptRow]) -> int:
    from store.reads.improvements import diff_of_version

    fitting = [row for row in rows if arguments.version in (None, row.version)]
    if not fitting:
        known = ", ".join(str(row.version) for row in rows)
        raise InputError(
            "the prompt has no such version" if known else "the prompt is as its author wrote it",
            hint=f"versions: {known}" if known else "`cadenza env train` proposes a version of it",
        )
    row = fitting[-1]
    text = diff_of_version(reader, row)
    if arguments.json:
        say_json({"version": row.version, "diff": text})
    else:
        say_lines(text)
    return OK


def _act(arguments: argparse.Namespace, state: State, project: Path, rows: list[PromptRow]) -> int:
    from handlers.judge.prompt.actions import meant
    from handlers.judge.prompt.known import approved_by_hand
    from handlers.judge.prompt.recovery import PROMPTS
    from handlers.recovery import pending

    is_cut_short = pending(PROMPTS, project, state.connection) is not None
    if not is_cut_short and approved_by_hand(state, project) is None:
        meant(project.name, rows, arguments.action, arguments.version)  # else there is no job
    spec = {"action": arguments.action, "version": arguments.version}
    reason = f"cadenzactl prompt {arguments.action}"
    ended = run_by_hand(arguments, "prompt", project, spec, reason)
    if ended.job.state != "succeeded":
        raise DaemonError(ended.job.result)
    if not any(event.type_name() == EVENTS[arguments.action] for event in ended.events):
        raise CadenzaError(ended.job.result)
    if arguments.json:
        say_json(ended.as_json(), indent=2)
    else:
        say(ended.job.result)
    return OK
