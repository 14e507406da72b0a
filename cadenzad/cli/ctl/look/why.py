"""`cadenzactl why`: the causal chain behind what a project has now, back to the ticks."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.lookup import find_project
from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_hub_options, add_json_and_state, asks_hub
from cadenzad.cli.shown.candidates import BY, last_weighed, said_of_candidates
from cadenzad.cli.shown.drift import changed
from cadenzad.cli.shown.watched import watched
from cadenzad.config.paths import state_path
from store.schema import connect_reader

if TYPE_CHECKING:
    from store.database.backend import Readable
    from store.history import StoredHistory
    from store.reads.improvements import PromptRow
    from store.reads.state import ProjectRow

DESCRIPTION = """Why a project's prompt and adapter are what they are: from each rule to the failure
mode and the ticks that show it, from a verdict to its reasons, and from both along the events that
caused them to the file that was dropped."""
EXAMPLE = "cadenzactl why rescue"

CANDIDATES = 3
"""How many are told of: why something is there is asked, and not what else there was."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", help="a project's name or path")
    add_hub_options(parser)
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from store.reads.state import State

    if asks_hub(arguments):
        from cadenzad.cli.shown.fleet import one_project

        with one_project(arguments) as (hub, place):
            project = State(hub).project(place.path)
            assert project is not None
            # What is in the robot's files today is not known here.
            answer = {"robot": place.robot, **_answer(hub, project, "")}
    else:
        with closing(connect_reader(state_path(arguments.state))) as reader:
            project = find_project(State(reader), arguments.project)
            answer = _answer(reader, project, changed(reader, project.path))
    if arguments.json:
        say_json(answer, indent=2)
    else:
        _print(answer)
    return OK


def _answer(reader: Readable, project: ProjectRow, changed: str) -> dict[str, Any]:
    """Why a project's prompt and adapter are what they are. `changed`: see `drift`."""
    from store.history import StoredHistory
    from store.reads.chain import chain
    from store.reads.improvements import (
        adapters,
        current_prompt,
        last_judged,
        pending_prompt,
        serves_by_force,
    )

    history = StoredHistory(reader)
    prompt = current_prompt(reader, project.path) or pending_prompt(reader, project.path)
    judged = last_judged(reader, project.path)
    rows = adapters(reader, project.path)
    last = max((row for row in rows if row.scored), key=lambda row: row.scored, default=None)
    deployed = next((row for row in rows if row.state == "deployed"), None)
    answer: dict[str, Any] = {"project": project.name, "prompt": None, "adapter": None}
    if prompt is not None:
        answer["prompt"] = {
            "version": prompt.version,
            "state": prompt.state,
            "rules": prompt.rules,
            "gates": prompt.gates,
            "chain": chain(reader, prompt.position),
            "taken_back": _taken_back(history, prompt),
            "watch": prompt.watch,
            "watched": watched(reader, project.path, prompt),
            "changed": changed,
            "files": _files(reader, project.path, prompt.rules),
        }
    elif judged is not None:
        answer["prompt"] = {
            "version": None,
            "state": judged.code,
            "reason": judged.reason,
            "findings": judged.findings,
            "changed": changed,
            "chain": chain(reader, judged.position),
        }
    if answer["prompt"] is not None:
        answer["prompt"]["remarks"] = _remarks(history, judged.position) if judged else []
        answer["prompt"]["candidates"] = last_weighed(reader, project.path)
    forced = serves_by_force(reader, project.path, reader)
    if last is not None or forced:
        answer["adapter"] = {
            "deployed": deployed.version if deployed else None,
            "forced": forced,
            "version": last.version if last else None,
            "verdict": last.verdict if last else None,
            "reasons": last.reasons if last else [],
            "checks": last.checks if last else [],
            "next_steps": last.next_steps if last else [],
            "chain": chain(reader, last.scored) if last else [],
            "deployed_chain": chain(reader, deployed.promoted) if deployed else [],
        }
    return answer


def _cause(rule: Mapping[str, Any]) -> str:
    """What a rule answers, where that was seen, and who thought of the rule."""
    return f"{rule['mode_id']}, seen in {', '.join(sorted(rule['citations']))}{_whose(rule)}"


def _taken_back(history: StoredHistory, row: PromptRow) -> dict[str, Any] | None:
    """Why a version took another one back: the test and its numbers, when the daemon did it."""
    record = history.get(row.position)
    if record is None or record.type != "PromptRolledBack":
        return None
    names = ("of", "by", "reason", "test", "evidence")
    return {name: record.data.get(name) for name in names}


def _remarks(history: StoredHistory, position: int) -> list[str]:
    """What the model said beside its choices when it was asked last: for people alone."""
    record = history.get(position)
    return [] if record is None else list(record.data.get("remarks", ()))


def _files(
    view: Readable, project: str, rules: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The logs that the rules' citations are about, and where in the history they were read."""
    cited = (citation for rule in rules for citation in rule["citations"])
    # run:tick-tick; a log's further runs are called run#2 and so on.
    runs = dict.fromkeys(item.rpartition(":")[0].partition("#")[0] for item in cited)
    found = []
    for run in runs:
        query = (
            "SELECT path, position FROM view_files WHERE project = ? AND run_id = ?"
            " AND kind = 'run' ORDER BY position"
        )
        for path, position in view.execute(query, (project, run)):
            found.append({"run": run, "path": path, "position": position})
    return found


def _print(answer: dict[str, Any]) -> None:
    prompt, adapter = answer["prompt"], answer["adapter"]
    if prompt is None:
        say(": as its author wrote it; no runs were judged yet", head="prompt")
    elif prompt["version"] is None:
        reason = f"{prompt['state']}: {prompt['reason']}"
        say(f": as its author wrote it; {reason}", head="prompt")
        if prompt["changed"]:
            say(f"  {prompt['changed']}")
        _print_chain(prompt["chain"])
    else:
        say(f": version {prompt['version']} ({prompt['state']})", head="prompt")
        for cause, rules in groupby(prompt["rules"], _cause):
            for rule in rules:
                say(f"  {rule['line']}")
            say(f"      because of {cause}")
        for gate in prompt["gates"]:
            say(f"  {gate['name']}: {gate['result']}: {gate['detail']}")
        _print_fate(prompt)
        _print_chain(prompt["chain"])
    if prompt is not None and prompt["candidates"] is not None:
        for line in said_of_candidates(prompt["candidates"], CANDIDATES):
            say(f"  {line}")
    for remark in prompt["remarks"] if prompt is not None else ():
        say(f"  the model remarked: {remark}")
    if adapter is None:
        say(": none was trained yet", head="adapter")
        return
    serving = adapter["deployed"] if adapter["deployed"] is not None else "none"
    got = f"version {adapter['version']} got {adapter['verdict']}"
    got = got if adapter["verdict"] else "no verdict yet"
    say(f": deployed {serving}; {got}", head="adapter")
    if adapter["forced"]:
        say(f"  version {serving} serves by force, without a DEPLOY")
        _print_chain(adapter["deployed_chain"])
    for reason in adapter["reasons"]:
        say(f"  {reason}")
    _print_chain(adapter["chain"])


def _whose(rule: Mapping[str, Any]) -> str:
    """Who thought of a rule, where it was no model."""
    return f"; found by {BY['code']}" if rule.get("by") == "code" else ""


def _print_fate(prompt: dict[str, Any]) -> None:
    back = prompt["taken_back"]
    if back is not None:
        say(f"  took version {back['of']} back, by {back['by']}: {back['reason']}")
    if back is not None and back["test"]:
        p, before, after = (back["evidence"].get(name) for name in ("p", "before", "after"))
        say(f"      {back['test']}: p = {p}")
        say(f"      before: {_counts(before)}; after: {_counts(after)}")
    if prompt["watched"] is not None:
        say(f"  watched: {prompt['watched']['watch']}")
    for line in (prompt["watch"] and f"watch {prompt['watch']}", prompt["changed"]):
        if line:
            say(f"  {line}")
    for file in prompt["files"]:
        say(f"  {file['run']}: {file['path']}, read at {file['position']}")


def _counts(sample: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{name} {value}" for name, value in (sample or {}).items())


def _print_chain(steps: list[dict[str, Any]]) -> None:
    for index, step in enumerate(steps):
        word = "event" if index == 0 else "because of"
        say(f"  {word:>10} {step['position']:>6} {step['type']} {step['says']}".rstrip())
