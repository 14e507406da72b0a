"""`cadenza env train`: judge a project's runs now, and have its prompt rewritten."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from cadenzad.cli.common import FAILED, OK, add_state_option, filled, one_line, table
from cadenzad.cli.history import open_state
from cadenzad.cli.jobrun import Ended, run_job
from cadenzad.cli.select import project_folder
from cadenzad.config import load_config
from cadenzad.paths import expand, state_dir
from cadenzad.projectconfig import load_project_config
from store.errors import CadenzaError, DaemonError
from store.promptevents import (
    PromptConflictFound,
    PromptKept,
    PromptProposed,
    PromptRewritten,
    RunsJudged,
)

DESCRIPTION = """Find in the project's runs why they fail, ask a Groq model to choose remedies,
check every claim against the logs, and rewrite the managed block of SYSTEM_PROMPT. Nothing else in
the file changes, and nothing at all unless every gate passes. Needs GROQ_API_KEY; without one, and
with --dry-run, it shows what was found."""
EXAMPLE = "cadenza env train robots/rescue --dry-run"
FINE = frozenset({"no_findings", "no_verified_findings", "no_change", "same_question", "held_out"})
"""Reasons to keep the prompt with which all is well."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project", type=filled, help="the project's folder, or its name in a watched workspace"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only show what is found; nothing is sent or written"
    )
    parser.add_argument("--model", type=filled, metavar="M", help="another Groq model")
    parser.add_argument(
        "--max-runs", type=_count, metavar="N", help="read only the newest N runs (200)"
    )
    parser.add_argument(
        "--config", type=filled, metavar="FILE", help="cadenzad.toml to take settings from"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    with open_state(arguments.state) as state:
        project = project_folder(state, arguments.project)
    config = load_config(expand(arguments.config) if arguments.config else None)
    judge = load_project_config(project, config).judge
    chosen = {"model": arguments.model, "max_runs": arguments.max_runs}
    settings: dict[str, Any] = {name: value for name, value in chosen.items() if value}
    if arguments.dry_run:
        return _dry_run(arguments, project, settings.get("max_runs", judge.max_runs))
    if judge.mode == "off":
        settings["mode"] = "apply"  # off is the daemon's; here somebody asks
    ended = run_job(
        state_dir(arguments.state),
        "judge",
        project,
        {"settings": settings},
        "cadenza env train",
        config=config,
    )
    if ended.job.state != "succeeded":
        raise DaemonError(f"not judged: {ended.job.result}", hint=_later(ended))
    return _tell(arguments, ended)


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of runs")
    return number


def _later(ended: Ended) -> str:
    if ended.job.state == "queued":
        return f"the daemon tries again; `cadenzactl cancel {ended.job.id}` ends that"
    return "the prompt is as it was"


def _dry_run(arguments: argparse.Namespace, project: Path, max_runs: int) -> int:
    from handlers.judge.job import newest_logs
    from handlers.judge.mining import mine
    from handlers.project.library import library_for
    from handlers.project.spec import load_spec

    spec = load_spec(project / "env.json")
    library = library_for(spec.robot, project, spec.signals)
    report = mine(newest_logs(project, max_runs), spec, library)
    if arguments.json:
        print(json.dumps(report.as_json(), indent=2))
        return OK
    findings = [finding.as_json(citations=2) for finding in report.findings]
    _print_findings(findings, len(report.runs), report.ticks)
    for run, reason in report.unreadable:
        print(f"{run}: {one_line(reason)}", file=sys.stderr)
    return OK


def _print_findings(findings: list[dict[str, Any]], runs: int, ticks: int) -> None:
    print(f"{runs} runs, {ticks} ticks, {len(findings)} failure modes")
    if findings:
        headings = ("FAILURE MODE", "TIMES", "TICKS", "RUNS", "LAST SEEN", "FOR EXAMPLE")
        rows = [
            (
                item["id"],
                item["count"],
                item["ticks"],
                item["runs"],
                item["last_seen"],
                ", ".join(item["citations"][:2]),
            )
            for item in findings
        ]
        print(table(headings, rows))


def _tell(arguments: argparse.Namespace, ended: Ended) -> int:
    judged = ended.of(RunsJudged)
    written = ended.of(PromptRewritten) or ended.of(PromptProposed)
    kept, conflict = ended.of(PromptKept), ended.of(PromptConflictFound)
    fine = not conflict and (not isinstance(kept, PromptKept) or kept.code in FINE)
    if arguments.json:
        answer = {event.type_name(): event.model_dump(mode="json") for event in ended.events}
        answer["summary"] = {"text": ended.job.result, "ok": fine}
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return OK if fine else FAILED
    if isinstance(judged, RunsJudged):
        _print_findings(
            [finding.model_dump() for finding in judged.findings], judged.runs, judged.ticks
        )
        claims = judged.claims
        if judged.model is not None:
            print(f"claims: {claims.kept} kept, {claims.dropped} dropped; model {judged.model}")
        for reason in judged.dropped:
            print(f"  dropped: {one_line(reason)}", file=sys.stderr)
    if isinstance(written, PromptRewritten | PromptProposed):
        print(written.diff)
        for gate in written.gates:
            print(f"{gate.name}: {gate.result}: {one_line(gate.detail)}")
    if not fine:
        raise CadenzaError(f"the prompt is as it was: {ended.job.result}")
    print(ended.job.result)
    return OK
