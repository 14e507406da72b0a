"""`cadenza env finetune`: export one run log by hand; what was done joins the history."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.lookup import open_state, project_folder
from cadenzad.cli.base.output import pass_on, say, say_json
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state, filled, finite, one_line
from cadenzad.cli.env.exports.history import check_parent, failed, find_log, path_in_history, record
from cadenzad.config.paths import expand
from handlers.dataset.formats.names import FORMATS
from handlers.project.paths import SPEC_FILE, printable, run_id_of
from store.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.export.export import ExportReport
    from store.events.files import ExportRequested, RunExported

PROGRESS_FROM_BYTES = 8 << 20
SHOWN = 20


STDOUT = "-"

DESCRIPTION = """Turn a run log into (prompt, action, reward) records, one JSON object a line;
or run logs into one file or folder in a format that trainers load (docs/export.md).
Works with and without a daemon. Fails only when not one record could be made."""
EXAMPLE = "cadenza env finetune robots/rescue first.log.jsonl -o records.jsonl --no-failures"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project", type=filled, help="the project's folder, or its name in a watched workspace"
    )
    parser.add_argument(
        "log",
        nargs="*",
        type=filled,
        help="a run log or run id: looked for here, then in the project; jsonl is of one",
    )
    parser.add_argument("--all", action="store_true", help="every run log of the project")
    parser.add_argument(
        "-o", "--output", required=True, type=filled, metavar="PATH",
        help="where the result goes; - is standard output (jsonl)",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=["jsonl", *FORMATS], default="jsonl",
        help="jsonl (default), or several runs as one: parquet, npz and mcap are a file, "
        "trl, lerobot and minari a folder",
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
        "--min-reward", type=finite, metavar="X", help="leave out records with a reward below X"
    )
    parser.add_argument(
        "--manifest", type=filled, metavar="FILE", help="also write a manifest of the export"
    )
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from handlers.export.export import export_run
    from handlers.export.records import Recipe
    from handlers.project.project import Project
    from store.events.files import ExportOptions, ExportRequested

    with open_state(arguments.state) as state:
        project = project_folder(state, arguments.project)
    spec = Project.open(project).spec
    logs = _logs(project, arguments)
    if arguments.format != "jsonl":
        from cadenzad.cli.env.exports.formats import export_formats

        return export_formats(arguments, project, logs)
    if len(logs) > 1:
        raise InputError(
            f"--format jsonl is of one log, not of {len(logs)}",
            hint="name one, or another format: --format parquet",
        )
    (log,) = logs
    manifest = _file_to_write(arguments.manifest) if arguments.manifest else None
    options = ExportOptions(
        include_failures=False if arguments.no_failures else None,
        min_reward=arguments.min_reward,
        keys=arguments.keys,
        foreign=arguments.foreign,
    )
    with _output(arguments) as output:
        requested = ExportRequested(
            run_path=path_in_history(project, log),
            reason="cadenza env finetune",
            output=_named(arguments, output),
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
            record(arguments, project, requested, failed(requested, error.message))
            raise
    record(arguments, project, requested, _exported(requested, report))
    _report(arguments, report)
    return OK if report.tally.written else FAILED


def _logs(project: Path, arguments: argparse.Namespace) -> list[Path]:
    """The logs that are meant. Raises InputError, ProjectNotFound."""
    if bool(arguments.log) == arguments.all:
        raise InputError(
            "name the run logs, or say --all",
            hint=f"cadenza env finetune {arguments.project} --all -o runs.parquet --format parquet",
        )
    if arguments.log:
        return [find_log(project, text) for text in arguments.log]
    from handlers.project.formats.runs import run_logs

    found = [log.path for log in run_logs(project) if log.format == "mission"]
    if not found:
        raise InputError(f"{project}: has no run log", hint="cadenza env run makes one")
    return found


@contextmanager
def _output(arguments: argparse.Namespace) -> Iterator[Path]:
    """Where records are to be written; what is meant for stdout goes there once it is whole."""
    if arguments.output != STDOUT:
        yield _file_to_write(arguments.output)
        return
    if arguments.json:
        raise InputError("-o - and --json: one of them can have standard output")
    with tempfile.TemporaryDirectory(prefix="cadenza-finetune-") as folder:
        made = Path(folder) / "records.jsonl"
        yield made
        pass_on(made)


def _named(arguments: argparse.Namespace, output: Path) -> str:
    """The output as the history names it."""
    return STDOUT if arguments.output == STDOUT else printable(str(output.absolute()))


def _file_to_write(text: str) -> Path:
    """A path for a result, which must not be a folder's."""
    path = expand(text)
    if not path.name or os.path.isdir(path):
        raise InputError(f"{text}: is a folder", hint="name a file to write")
    if path.name == SPEC_FILE or (path.suffix == ".py" and path.exists()):
        raise InputError(f"{text}: is no place for records", hint="-o records.jsonl")
    check_parent(text, path)
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
    from handlers.export.export import exported

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
