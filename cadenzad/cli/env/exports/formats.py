"""`cadenza env finetune --format ...`: several runs as one file or folder that trainers load."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK, one_line
from cadenzad.cli.env.exports.history import (
    check_parent,
    failed,
    path_in_history,
    record,
    tell_left_out,
)
from cadenzad.config.paths import expand
from handlers.dataset.formats.names import check_installed
from handlers.project.paths import printable, run_id_of
from handlers.project.project import Project
from store import identity
from store.errors import InputError, UsageError
from store.events.base import Event
from store.events.exports import ExportOptions, ExportRequested, RunExported
from store.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.dataset.formats.export import Made
    from handlers.dataset.formats.source import Sources


def export_formats(arguments: argparse.Namespace, project: Path, logs: list[Path]) -> int:
    """Make the export, have each run's recorded, say what it came to.

    FAILED where a log of `--all` had to be left out.
    """
    _check_options(arguments)
    check_installed(arguments.format)
    from handlers.dataset.formats.export import export
    from handlers.dataset.formats.place import check

    target = Path(os.path.abspath(expand(arguments.output)))
    check_parent(arguments.output, target)
    check(target, force=arguments.force)
    opened = Project.open(project)
    requests = [_requested(arguments, project, log, target) for log in logs]
    try:
        with _progress(logs) as progress:
            sources = _sources(arguments, opened, logs, progress)
            made = export(arguments.format, sources, target, force=arguments.force)
    except InputError as error:
        for requested in requests:
            record(arguments, project, requested, failed(requested, error.message))
        raise
    left_out = {log: error.message for log, error in sources.foreign.items()}
    for requested, log in zip(requests, logs, strict=True):
        if (reason := left_out.get(str(log))) is not None:
            outcome: Event = failed(requested, reason)
        else:
            outcome = _exported(requested, log, made, sources, opened.env_sha256 or "")
        record(arguments, project, requested, outcome)
    _report(arguments, made, left_out)
    return FAILED if left_out else OK


def _check_options(arguments: argparse.Namespace) -> None:
    """Raises UsageError for an option that means nothing in this format."""
    not_trl = arguments.format != "trl"
    given = ["--manifest"] if arguments.manifest is not None else []
    given += ["--min-reward"] if arguments.min_reward is not None and not_trl else []
    given += ["--keys extended"] if arguments.keys != "reference" else []
    given += ["-o -"] if arguments.output == "-" else []
    if given:
        formats = "jsonl and trl" if given[0] == "--min-reward" else "jsonl"
        raise UsageError(
            f"{given[0]} is of --format {formats}, not of {arguments.format}",
            hint="leave it out, or leave out --format",
        )


def _sources(
    arguments: argparse.Namespace,
    project: Project,
    logs: list[Path],
    progress: Callable[[Path], object],
) -> Sources:
    from handlers.dataset.formats.source import Sources
    from handlers.dataset.mission import Mission

    spec = project.spec
    least = spec.vla_finetune.min_reward
    return Sources(
        mission=Mission.of(project),
        logs=logs,
        phases=() if arguments.foreign else tuple(phase.name for phase in spec.phases),
        pass_over=arguments.all,
        include_failures=spec.vla_finetune.include_failures and not arguments.no_failures,
        min_reward=wanted if (wanted := arguments.min_reward) is not None else least,
        progress=progress,
    )


@contextmanager
def _progress(logs: list[Path]) -> Iterator[Callable[[Path], object]]:
    """A bar of logs on a terminal, for several of them."""
    if len(logs) < 2 or not sys.stderr.isatty():
        yield lambda _log: None
        return
    from tqdm import tqdm

    with tqdm(total=len(logs), unit="run", file=sys.stderr) as bar:
        yield lambda _log: bar.update(1)


def _requested(
    arguments: argparse.Namespace, project: Path, log: Path, target: Path
) -> ExportRequested:
    return ExportRequested(
        run_path=path_in_history(project, log),
        reason="cadenza env finetune",
        output=printable(str(target)),
        options=ExportOptions(
            include_failures=False if arguments.no_failures else None,
            min_reward=arguments.min_reward,
            foreign=arguments.foreign,
        ),
    )


def _exported(
    requested: ExportRequested, log: Path, made: Made, sources: Sources, env_sha256: str
) -> RunExported:
    assert requested.output is not None
    counts: Any = sources.counts[str(log)]
    steps = made.by_run.get(run_id_of(log), 0)
    return RunExported(
        run_id=run_id_of(requested.run_path),
        run_path=requested.run_path,
        source_sha256=identity.of_file(log),
        output=requested.output,
        output_sha256=made.hash,
        manifest=made.manifest,
        format=made.format,
        alignment=made.alignment,
        template_sha256="",
        records=steps,
        rejected=sum(counts["rejected"].values()),
        filtered=counts["rows"] - steps,
        origin="manual",
        env_sha256=env_sha256,
    )


def _report(arguments: argparse.Namespace, made: Made, left_out: Mapping[str, str]) -> None:
    if arguments.json:
        say_json({**made.as_json(), "logs_left_out": left_out}, indent=2)
        return
    steps, runs = counted(made.steps, "step"), counted(len(made.by_run), "run")
    say(f"wrote {steps} of {runs} to {one_line(str(made.target))}")
    for reason, count in made.left_out.items():
        are = "step is" if count == 1 else "steps are"
        say(f"  {count:,} {are} not in it: {reason}", err=True)
    if made.rejected:
        say(f"  {counted(made.rejected, 'line')} rejected", err=True)
    tell_left_out(left_out)
