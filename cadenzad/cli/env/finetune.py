"""`cadenza env finetune`: export one run log by hand; what was done joins the history."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.lookup import open_state, project_folder
from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state, filled, finite, one_line
from cadenzad.cli.env.exports.history import (
    each_once,
    failed,
    find_log,
    path_in_history,
    record,
    without_twins,
)
from cadenzad.cli.env.exports.output import (
    STDOUT,
    exported_event,
    file_to_write,
    named,
    output_of,
    progress_of,
)
from handlers.dataset.formats.names import FORMATS
from store.errors import InputError, UsageError

if TYPE_CHECKING:
    from handlers.export.export import ExportReport

SHOWN = 20


DESCRIPTION = """Turn a run log into (prompt, action, reward) records, one JSON object a line;
or run logs into one file or folder in a format that trainers load (docs/export.md).
Works with and without a daemon. Fails when not one record could be made, and where --all
had to leave out a log of another mission."""
EXAMPLE = "cadenza env finetune robots/rescue first.log.jsonl -o records.jsonl --no-failures"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project", type=filled, help="the project's folder, or its name in a watched workspace"
    )
    parser.add_argument(
        "log",
        nargs="*",
        type=filled,
        help="a run log or run id: looked for here, then in the project",
    )
    parser.add_argument("--all", action="store_true",
        help="every run log of the project, one of copies; of another mission none (exit code 1)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", required=True, type=filled, metavar="PATH",
        help="where the result goes; - is standard output (jsonl)",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=["jsonl", *FORMATS], default="jsonl", metavar="FORMAT",
        help="jsonl (default), parquet, npz, mcap: a file; trl, lerobot, "
        "lerobot-language (for 0.6), minari, minari-arrow: a folder",
    )  # fmt: skip
    parser.add_argument(
        "--force", action="store_true", help="replace what is at PATH (jsonl always does)"
    )
    parser.add_argument(
        "--keys",
        choices=["reference", "extended"],
        default="reference",
        help="of jsonl; extended: also goal_prompt, terminated, truncated, run_id, episode_step",
    )
    parser.add_argument(
        "--foreign", action="store_true", help="also of a log that names no phase of the mission"
    )
    parser.add_argument(
        "--no-failures",
        action="store_true",
        help="leave out failed phases and ends without success (env.json may say so too); "
        "in other formats whole episodes that did not succeed",
    )
    parser.add_argument(
        "--min-reward",
        type=finite,
        metavar="X",
        help="of jsonl and trl: leave out records with a reward below X",
    )
    parser.add_argument(
        "--manifest",
        type=filled,
        metavar="FILE",
        help="of jsonl of one log: also write a manifest of the export",
    )
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from handlers.export.export import export_run
    from handlers.export.records import Recipe
    from handlers.project.project import Project
    from store.events.exports import ExportOptions, ExportRequested

    with open_state(arguments.state) as state:
        project = project_folder(state, arguments.project)
    spec = Project.open(project).spec
    logs = _logs(project, arguments)
    if arguments.format != "jsonl":
        from cadenzad.cli.env.exports.formats import export_formats

        return export_formats(arguments, project, logs)
    options = ExportOptions(
        include_failures=False if arguments.no_failures else None,
        min_reward=arguments.min_reward,
        keys=arguments.keys,
        foreign=arguments.foreign,
    )
    if len(logs) > 1 or arguments.all:
        from cadenzad.cli.env.exports.lines import export_lines

        return export_lines(arguments, project, logs, Recipe.of(spec, options), options)
    (log,) = logs
    manifest = file_to_write(arguments.manifest) if arguments.manifest else None
    with output_of(arguments) as output:
        requested = ExportRequested(
            run_path=path_in_history(project, log),
            reason="cadenza env finetune",
            output=named(arguments, output),
            options=options,
        )
        try:
            with progress_of(log) as progress:
                report = export_run(
                    log,
                    output,
                    Recipe.of(spec, options),
                    manifest=manifest,
                    progress=progress,
                )
        except InputError as error:
            record(arguments, project, requested, failed(requested, error.message))
            raise
    record(arguments, project, requested, exported_event(requested, report))
    _report(arguments, report)
    return OK if report.tally.written else FAILED


def _logs(project: Path, arguments: argparse.Namespace) -> list[Path]:
    """The logs that are meant, each once. Raises UsageError, InputError, ProjectNotFound."""
    if bool(arguments.log) == arguments.all:
        raise UsageError(
            "name the run logs, or say --all",
            hint=f"cadenza env finetune {arguments.project} --all -o runs.parquet --format parquet",
        )
    if arguments.log:
        return each_once([find_log(project, text) for text in arguments.log])
    from handlers.project.formats.runs import run_logs

    found = [log for log in run_logs(project) if log.format == "mission"]
    if not found:
        raise InputError(f"{project}: has no run log", hint="cadenza env run makes one")
    return without_twins(project, found)


def _report(arguments: argparse.Namespace, report: ExportReport) -> None:
    if arguments.json:
        say_json(_as_json(report), indent=2)
        return
    to_stdout = arguments.output == STDOUT
    where = "standard output" if to_stdout else one_line(str(report.output))
    tally = report.tally
    for warning in report.warnings:
        say(f"warning: {warning}", err=True)
    for sample in tally.samples[:SHOWN]:
        say(f"line {sample.line}: {sample.reason}", err=True)
    more = tally.rejected - min(len(tally.samples), SHOWN)
    if more > 0:
        say(f"... and {more} more rejected lines", err=True)
    parts = [f"wrote {tally.written} records to {where}"]
    if tally.rejected:
        parts.append(f"{tally.rejected} lines rejected")
    if tally.filtered:
        parts.append(f"{tally.filtered} filtered out")
    say("; ".join(parts), err=to_stdout)


def _as_json(report: ExportReport) -> dict[str, Any]:
    tally = report.tally
    return {
        "output": str(report.output),
        "written": tally.written,
        "rejected": tally.rejected,
        "filtered": tally.filtered,
        "rejected_lines": [
            {"line": sample.line, "reason": sample.reason} for sample in tally.samples
        ],
        "warnings": list(report.warnings),
        "source_hash": report.source_hash,
        "output_hash": report.output_hash,
    }
