"""`cadenza env finetune`: export one run log by hand; what was done joins the history."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.lookup import open_state, project_folder
from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state, filled, finite, one_line
from cadenzad.config.paths import expand, state_dir
from cadenzad.requests.client import record_export
from cadenzad.requests.commands import Outcome, RecordExport
from handlers.export.export import ExportReport, export_run, exported
from handlers.export.records import Recipe
from handlers.project.paths import CADENZA_DIR, RUN_SUFFIX, printable, run_id_of
from handlers.project.project import Project
from store.errors import CadenzaError, InputError, ProjectNotFound
from store.events.base import Event
from store.events.files import ExportFailed, ExportOptions, ExportRequested, RunExported

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRESS_FROM_BYTES = 8 << 20
SHOWN = 20


DESCRIPTION = """Turn a run log into (prompt, action, reward) records, one JSON object a line.
Works with and without a daemon. Fails only when not one record could be made."""
EXAMPLE = "cadenza env finetune robots/rescue first.log.jsonl -o records.jsonl --no-failures"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project", type=filled, help="the project's folder, or its name in a watched workspace"
    )
    parser.add_argument(
        "log", type=filled, help="a run log or run id: looked for here, then in the project"
    )
    parser.add_argument(
        "-o", "--output", required=True, type=filled, metavar="FILE", help="where records go"
    )
    parser.add_argument("--format", choices=["jsonl"], default="jsonl", help="jsonl (default)")
    parser.add_argument(
        "--no-failures",
        action="store_true",
        help="leave out failed phases and ends without success (env.json may say so too)",
    )
    parser.add_argument(
        "--min-reward", type=finite, metavar="X", help="leave out records with a reward below X"
    )
    parser.add_argument(
        "--manifest", type=filled, metavar="FILE", help="also write a manifest of the export"
    )
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    with open_state(arguments.state) as state:
        project = project_folder(state, arguments.project)
    spec = Project.open(project).spec
    log = find_log(project, arguments.log)
    output = _file_to_write(arguments.output)
    manifest = _file_to_write(arguments.manifest) if arguments.manifest else None
    options = ExportOptions(
        include_failures=False if arguments.no_failures else None, min_reward=arguments.min_reward
    )
    requested = ExportRequested(
        run_path=_inside_or_absolute(project, log),
        reason="cadenza env finetune",
        output=printable(str(output.absolute())),
        options=options,
    )
    try:
        with _progress(log) as progress:
            report = export_run(
                log,
                output,
                Recipe.of(spec, options),
                manifest=manifest,
                progress=progress,
            )
    except InputError as error:
        _record(arguments, project, requested, _failed(requested, error.message))
        raise
    _record(arguments, project, requested, _exported(requested, report))
    _report(arguments, report, output)
    return OK if report.tally.written else FAILED


def _record(
    arguments: argparse.Namespace, project: Path, requested: ExportRequested, outcome: Event
) -> None:
    """Have recorded what was asked for and what came of it; where that is impossible, only warn."""
    command = RecordExport(
        printable(str(project)),
        requested.model_dump(mode="json"),
        Outcome(outcome.type_name(), outcome.model_dump(mode="json")),
        named=True,
    )
    try:
        record_export(state_dir(arguments.state), command)
    except (CadenzaError, OSError, sqlite3.Error) as error:
        say(f"warning: not recorded in the history: {error}", err=True)


def find_log(project: Path, text: str) -> Path:
    """A run log by path or run id: in the current folder, then in the project. First match wins.

    Raises ProjectNotFound that lists where it was looked for.
    """
    given = expand(text)
    names = [given, given.with_name(given.name + RUN_SUFFIX)] if given.name else [given]
    folders = [Path.cwd(), project, project / CADENZA_DIR]
    for folder in folders:
        for name in names:
            if os.path.isfile(folder / name):
                return folder / name
    looked = ", ".join(str(folder) for folder in folders)
    raise ProjectNotFound(f"no run log {text!r}", hint=f"looked in {looked}")


def _inside_or_absolute(project: Path, path: Path) -> str:
    """A path as events write it: relative to its project where it lies in it."""
    real = Path(os.path.realpath(path))
    return printable(str(real.relative_to(project) if project in real.parents else real))


def _file_to_write(text: str) -> Path:
    """A path for a result, which must not be a folder's."""
    path = expand(text)
    if not path.name or os.path.isdir(path):
        raise InputError(f"{text}: is a folder", hint="name a file to write")
    return path


@contextmanager
def _progress(log: Path) -> Iterator[Callable[[int], object] | None]:
    """A bar on a terminal, for a log that takes long enough to wonder."""
    size = log.stat().st_size
    if size < PROGRESS_FROM_BYTES or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(
        total=size, unit="B", unit_scale=True, desc=one_line(log.name), file=sys.stderr
    ) as bar:
        yield bar.update


def _exported(requested: ExportRequested, report: ExportReport) -> RunExported:
    assert requested.output is not None
    manifest = report.manifest
    return exported(
        report,
        run_id=run_id_of(requested.run_path),
        run_path=requested.run_path,
        output=requested.output,
        manifest=printable(str(manifest.absolute())) if manifest is not None else None,
        origin="manual",
    )


def _failed(requested: ExportRequested, reason: str) -> Event:
    return ExportFailed(
        run_id=run_id_of(requested.run_path),
        run_path=requested.run_path,
        source_sha256="",
        reason=reason,
        retryable=False,
        origin="manual",
    )


def _report(arguments: argparse.Namespace, report: ExportReport, output: Path) -> None:
    if arguments.json:
        say_json(_as_json(report, output), indent=2)
        return
    tally = report.tally
    for warning in report.warnings:
        say(f"warning: {warning}", err=True)
    for sample in tally.samples[:SHOWN]:
        say(f"line {sample.line}: {sample.reason}", err=True)
    more = tally.rejected - min(len(tally.samples), SHOWN)
    if more > 0:
        say(f"... and {more} more rejected lines", err=True)
    parts = [f"wrote {tally.written} records to {one_line(str(output))}"]
    if tally.rejected:
        parts.append(f"{tally.rejected} lines rejected")
    if tally.filtered:
        parts.append(f"{tally.filtered} filtered out")
    say("; ".join(parts))


def _as_json(report: ExportReport, output: Path) -> dict[str, Any]:
    tally = report.tally
    return {
        "output": str(output),
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
