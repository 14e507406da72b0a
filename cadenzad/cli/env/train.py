"""`cadenza env train`: judge a project's runs now, and have its prompt rewritten."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.lookup import open_state, project_folder
from cadenzad.cli.base.output import say, say_json, say_lines, say_table
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state, filled
from cadenzad.cli.base.requests import run_by_hand
from cadenzad.cli.shown.candidates import said_of_candidates
from cadenzad.cli.shown.promptplace import place_of_prompt, said_of, said_of_open
from cadenzad.config.paths import expand, state_dir
from cadenzad.requests.inbox import takes_requests
from store.errors import CadenzaError, DaemonError
from store.lock import is_held
from store.text import counted

if TYPE_CHECKING:
    from cadenzad.requests.byhand import Ended
    from handlers.judge.settings import JudgeSettings
    from store.reads.state import State

DESCRIPTION = """Find in the project's runs why they fail, have a Groq model and code propose
remedies, try them in simulated missions, and rewrite the managed block of SYSTEM_PROMPT with one
that helps. Nothing else in the file changes, and nothing at all unless every gate passes. Without
GROQ_API_KEY code proposes alone (judge.without_key); with judge.mode = "off" and with --dry-run it
shows what was found."""
EXAMPLE = "cadenza env train robots/rescue --dry-run"
FINE = frozenset(
    {"no_findings", "no_verified_findings", "no_change", "same_question", "held_out"}
    | {"nothing_to_ask", "no_better", "rule_kept", "rejected_before"}
)
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
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.config.files import load_config
    from cadenzad.config.project import load_project_config
    from handlers.judge.settings import JudgeOverrides

    with open_state(arguments.state) as state:
        project = project_folder(state, arguments.project)
        config = load_config(expand(arguments.config) if arguments.config else None)
        judge = load_project_config(project, config).judge
        asked = JudgeOverrides(model=arguments.model, max_runs=arguments.max_runs)
        if arguments.dry_run or judge.mode == "off":
            return _dry_run(arguments, project, asked.over(judge), state)
    spec = {"settings": asked.model_dump(exclude_none=True)}
    ended = run_by_hand(
        arguments, "judge", project, spec, "cadenza env train", config=config, with_files=True
    )
    return _report(arguments, ended, state_dir(arguments.state))


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of runs")
    return number


def _later(ended: Ended, directory: Path) -> str:
    if ended.job.state != "queued":
        return "the prompt is as it was"
    holder = is_held(directory)
    if holder is not None and takes_requests(holder):
        who = "the daemon tries again then"
    else:
        who = "no daemon runs: the next one does, or `cadenza env train` once more"
    return f"{who}; `cadenzactl jobs cancel {ended.job.id}` ends that"


def _dry_run(
    arguments: argparse.Namespace, project: Path, judge: JudgeSettings, state: State | None
) -> int:
    from handlers.judge.driver import driver_of, newest_logs
    from handlers.judge.evidence.mining import mine
    from handlers.project.project import Project
    from store.reads.improvements import diff_of_version, pending_prompt

    opened = Project.open(project, actions=True)
    unreadable: list[tuple[str, str]] = []
    driver = driver_of(opened, judge.prompt, state.connection if state is not None else None)
    logs, older, none = newest_logs(project, judge.max_runs, driver, unreadable)
    report = mine(logs, opened.spec, opened.library, driver, none)
    place = place_of_prompt(project, judge.prompt)
    if arguments.json:
        say_json({**report.as_json(), "left_out": older, "prompt": place}, indent=2)
    else:
        findings = [finding.as_json(citations=2) for finding in report.findings]
        _print_findings(findings, len(report.runs), report.ticks, older)
        say(f"prompt: {said_of(place)}")
        for line in said_of_open(place):
            say(line)
        waiting = pending_prompt(state.connection, str(project)) if state is not None else None
        if state is not None and waiting is not None:
            say(f"version {waiting.version} waits for approval:")
            say_lines(diff_of_version(state.connection, waiting))
        say(report.contrast)
        if report.left_out:
            counts = ", ".join(f"{count} {reason}" for reason, count in report.left_out.items())
            say(f"no evidence about the prompt: {counts}")
        if report.resolved:
            say(f"resolved, not seen since the rules are as they are: {', '.join(report.resolved)}")
    for run, reason in [*unreadable, *report.unreadable]:
        say(f"{run}: {reason}", err=True)
    if not arguments.dry_run:
        remark = 'judge.mode is "off": this is a report, nothing was sent or written'
        say(remark, err=arguments.json)
    return OK


def _print_findings(findings: list[dict[str, Any]], runs: int, ticks: int, left_out: int) -> None:
    older = f" ({left_out} older logs left out: judge.max_runs)" if left_out else ""
    modes = counted(len(findings), "failure mode")
    say(f"{counted(runs, 'run')}{older}, {counted(ticks, 'tick')}, {modes}")
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
        say_table(headings, rows)


def _report(arguments: argparse.Namespace, ended: Ended, directory: Path) -> int:
    from store.events.prompt import (
        CandidatesWeighed,
        PromptConflictFound,
        PromptKept,
        PromptProposed,
        PromptRewritten,
        RunsJudged,
    )

    judged = ended.of(RunsJudged)
    written = ended.of(PromptRewritten) or ended.of(PromptProposed)
    kept = ended.of(PromptKept)
    # Of a block that somebody took out it is told, too; what counts is what came of it.
    conflict = ended.of(PromptConflictFound) if not written and not kept else None
    failed = ended.job.state != "succeeded"
    fine = not (failed or conflict) and (not isinstance(kept, PromptKept) or kept.code in FINE)
    if arguments.json:
        answer = ended.as_json()
        answer["summary"] = {"text": ended.job.result, "ok": fine}
        if failed:
            hint = _later(ended, directory)
            answer["error"] = {"message": f"not judged: {ended.job.result}", "hint": hint}
        say_json(answer, indent=2)
        return OK if fine else FAILED
    if isinstance(judged, RunsJudged):
        _print_findings(
            [finding.as_shape() for finding in judged.findings],
            judged.runs,
            judged.ticks,
            judged.left_out,
        )
        claims = judged.claims
        if judged.model is not None:
            say(f"claims: {claims.kept} kept, {claims.dropped} dropped; model {judged.model}")
        if judged.shared:
            say(f"the model was shown: {judged.shared}")
        for reason in judged.dropped:
            say(f"  dropped: {reason}", err=True)
        for remark in judged.remarks:
            say(f"  the model remarks: {remark}")
    weighed = ended.of(CandidatesWeighed)
    if weighed is not None:
        for line in said_of_candidates(weighed.as_shape()):
            say(line)
    if isinstance(written, PromptRewritten | PromptProposed):
        say_lines(written.diff)
        for gate in written.gates:
            say(f"{gate.name}: {gate.result}: {gate.detail}")
    if failed:
        raise DaemonError(f"not judged: {ended.job.result}", hint=_later(ended, directory))
    if isinstance(kept, PromptKept) and kept.paste:
        say("the block, to be pasted:")
        say_lines(kept.paste)
    if not fine:
        raise CadenzaError(f"the prompt is as it was: {ended.job.result}")
    say(ended.job.result)
    if isinstance(judged, RunsJudged) and not judged.runs:
        say(f"next: cadenza env run {shlex.quote(arguments.project)} --headless --episodes 5")
    if isinstance(written, PromptProposed):
        name = os.path.basename(ended.job.project)
        say(f"next: cadenzactl prompt {shlex.quote(name)} approve")
    return OK
