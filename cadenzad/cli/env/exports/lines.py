"""`cadenza env finetune` of several runs as one file of JSON lines, one log's after another's."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK, one_line
from cadenzad.cli.env.exports.cluster import pieces_elsewhere
from cadenzad.cli.env.exports.history import failed, path_in_history, record, tell_left_out
from cadenzad.cli.env.exports.output import (
    STDOUT,
    exported_event,
    named,
    output_of,
    progress_of,
)
from handlers.export.elsewhere import taken
from handlers.export.export import export_run
from handlers.export.foreign import ForeignLog
from handlers.project.paths import run_id_of
from store import identity
from store.durable import Draft, sync
from store.errors import InputError, NothingToExport, UsageError
from store.events.exports import ExportRequested
from store.text import counted

if TYPE_CHECKING:
    from handlers.export.export import ExportReport
    from handlers.export.records import Recipe
    from store.events.exports import ExportOptions

Reports = Mapping[Path, "ExportReport"]


def export_lines(
    arguments: argparse.Namespace,
    project: Path,
    logs: list[Path],
    recipe: Recipe,
    options: ExportOptions,
) -> int:
    """Write all logs' records, have each run's export recorded, say what it came to.

    FAILED where a log of `--all` had to be left out, or no record could be made.
    """
    if arguments.manifest is not None:
        raise UsageError(
            "--manifest is of one log's export, and there are several",
            hint="name one log, or --format trl, whose folder holds its manifest",
        )
    reports: dict[Path, ExportReport] = {}
    left_out: dict[str, str] = {}
    with output_of(arguments) as output:
        for log in logs:
            if output.exists() and output.samefile(log):
                raise UsageError(f"{output}: is one of the run logs", hint="name another file")
        requests = {
            log: ExportRequested(
                run_path=path_in_history(project, log),
                reason="cadenza env finetune",
                output=named(arguments, output),
                options=options,
            )
            for log in logs
        }
        try:
            with Draft(output, mode=None) as draft, tempfile.TemporaryDirectory() as folder:
                pieces = pieces_elsewhere(project, logs, recipe, Path(folder))
                for log in logs:
                    piece = pieces.get(log, Path(folder) / "records.jsonl")
                    try:
                        reports[log] = taken(piece) or _export(log, piece, recipe)
                    except (ForeignLog, NothingToExport) as error:
                        if not arguments.all:
                            raise
                        left_out[str(log)] = error.message
                        continue
                    with piece.open("rb") as source:
                        shutil.copyfileobj(source, draft)
                if not reports:
                    raise NothingToExport(f"nothing to export: {next(iter(left_out.values()))}")
                draft.sync()
                draft.replace()
            sync(output.parent)
        except InputError as error:
            for log in logs:
                outcome = failed(requests[log], left_out.get(str(log), error.message))
                record(arguments, project, requests[log], outcome)
            raise
        known = identity.of_file(output)
    for log in logs:
        if log in reports:
            event = exported_event(requests[log], reports[log])
            record(arguments, project, requests[log], event.changed(output_sha256=known))
        else:
            outcome = failed(requests[log], left_out[str(log)])
            record(arguments, project, requests[log], outcome)
    _report(arguments, output, reports, left_out, known)
    written = sum(report.tally.written for report in reports.values())
    return FAILED if left_out or not written else OK


def _export(log: Path, piece: Path, recipe: Recipe) -> ExportReport:
    with progress_of(log) as progress:
        return export_run(log, piece, recipe, manifest=None, progress=progress)


def _report(
    arguments: argparse.Namespace,
    output: Path,
    reports: Reports,
    left_out: Mapping[str, str],
    known: str,
) -> None:
    tallies = {run_id_of(log): report.tally for log, report in reports.items()}
    written = sum(tally.written for tally in tallies.values())
    rejected = sum(tally.rejected for tally in tallies.values())
    filtered = sum(tally.filtered for tally in tallies.values())
    if arguments.json:
        told = {"output": str(output), "written": written, "rejected": rejected,
                "filtered": filtered, "runs": {run: t.written for run, t in tallies.items()},
                "logs_left_out": left_out, "output_hash": known}  # fmt: skip
        say_json(told, indent=2)
        return
    to_stdout = arguments.output == STDOUT
    for warning in dict.fromkeys(w for report in reports.values() for w in report.warnings):
        say(f"warning: {warning}", err=True)
    where = "standard output" if to_stdout else one_line(str(output))
    runs = counted(len(tallies), "run")
    parts = [f"wrote {counted(written, 'record')} of {runs} to {where}"]
    if rejected:
        parts.append(f"{counted(rejected, 'line')} rejected")
    if filtered:
        parts.append(f"{filtered:,} filtered out")
    say("; ".join(parts), err=to_stdout)
    tell_left_out(left_out)
