"""`cadenzactl why`: the causal chain behind what a project has now, back to the ticks."""

from __future__ import annotations

import argparse
import json
from typing import Any

from cadenzad.cli.common import OK, add_state_option, bold, one_line
from cadenzad.cli.select import find_project
from cadenzad.paths import state_dir
from store.events import Event, Recorded
from store.improvements import adapters, current_prompt, last_judged, pending_prompt
from store.log import EventLog
from store.queries import State
from store.schema import connect_reader

DESCRIPTION = """Why a project's prompt and adapter are what they are: from each rule to the failure
mode and the ticks that show it, from a verdict to its reasons, and from both along the events that
caused them to the file that was dropped."""
EXAMPLE = "cadenzactl why rescue"
TOLD = ("reason", "run_id", "path", "rows", "verdict", "code", "version", "kind", "summary")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", help="a project's name or path")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    reader = connect_reader(state_dir(arguments.state))
    project = find_project(State(reader), arguments.project)
    history = EventLog(reader)
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
            "chain": chain(history, prompt.position),
        }
    elif judged is not None:
        answer["prompt"] = {
            "version": None,
            "state": judged.code,
            "reason": judged.reason,
            "findings": judged.findings,
            "chain": chain(history, judged.position),
        }
    if last is not None:
        answer["adapter"] = {
            "deployed": deployed.version if deployed else None,
            "version": last.version,
            "verdict": last.verdict,
            "reasons": last.reasons,
            "checks": last.checks,
            "next_steps": last.next_steps,
            "chain": chain(history, last.scored),
            "deployed_chain": chain(history, deployed.promoted) if deployed else [],
        }
    if arguments.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        _print(answer)
    return OK


def chain(history: EventLog, position: int) -> list[dict[str, Any]]:
    """The event at a position and what led to it, the first cause last."""
    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    at: int | None = position
    while at and at not in seen:
        seen.add(at)
        record = next(iter(history.read(at - 1, until=at)), None)
        if record is None:
            break
        found.append(_told(record))
        at = record.causation
    return found


def _told(record: Recorded) -> dict[str, Any]:
    return {
        "position": record.position,
        "type": record.type,
        "recorded_at": record.recorded_at.isoformat(timespec="seconds"),
        "says": says(record.event),
    }


def says(event: Event) -> str:
    """What tells an event from others of its type, in a few words."""
    data = event.model_dump(mode="json")
    parts = [str(data[name]) for name in TOLD if data.get(name) not in (None, "", 0)]
    file = data.get("file")
    if isinstance(file, dict):
        parts.append(str(file["path"]))
    return one_line(" ".join(dict.fromkeys(parts)))[:120]


def _print(answer: dict[str, Any]) -> None:
    prompt, adapter = answer["prompt"], answer["adapter"]
    if prompt is None:
        print(f"{bold('prompt')}: as its author wrote it; no runs were judged yet")
    elif prompt["version"] is None:
        said = f"{prompt['state']}: {prompt['reason']}"
        print(f"{bold('prompt')}: as its author wrote it; {one_line(said)}")
        _print_chain(prompt["chain"])
    else:
        print(f"{bold('prompt')}: version {prompt['version']} ({prompt['state']})")
        for rule in prompt["rules"]:
            print(f"  {rule['line']}")
            print(f"      because of {rule['mode_id']}, seen in {', '.join(rule['citations'])}")
        for gate in prompt["gates"]:
            print(f"  {gate['name']}: {gate['result']}: {one_line(gate['detail'])}")
        _print_chain(prompt["chain"])
    if adapter is None:
        print(f"{bold('adapter')}: none was trained yet")
        return
    serving = adapter["deployed"] if adapter["deployed"] is not None else "none"
    print(
        f"{bold('adapter')}: deployed {serving}; version {adapter['version']} got"
        f" {adapter['verdict']}"
    )
    for reason in adapter["reasons"]:
        print(f"  {one_line(reason)}")
    _print_chain(adapter["chain"])


def _print_chain(steps: list[dict[str, Any]]) -> None:
    for index, step in enumerate(steps):
        word = "event" if index == 0 else "because of"
        print(f"  {word:>10} {step['position']:>6} {step['type']} {step['says']}".rstrip())
