"""Where records go that `cadenza env finetune` makes, and what the history says of them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.cli.base.output import pass_on
from cadenzad.cli.base.parser import one_line
from cadenzad.cli.env.exports.history import check_parent
from cadenzad.config.paths import expand
from handlers.project.paths import SPEC_FILE, printable, run_id_of
from store.errors import UsageError

if TYPE_CHECKING:
    from handlers.export.export import ExportReport
    from store.events.exports import ExportRequested, RunExported

STDOUT = "-"
PROGRESS_FROM_BYTES = 8 << 20


@contextmanager
def output_of(arguments: argparse.Namespace) -> Iterator[Path]:
    """Where records are to be written; what is meant for stdout goes there once it is whole."""
    if arguments.output != STDOUT:
        yield file_to_write(arguments.output)
        return
    if arguments.json:
        raise UsageError(
            "-o - and --json: one of them can have standard output",
            hint="-o records.jsonl --json, or leave out --json",
        )
    import tempfile  # with what compresses files, and chance: help does not wait for them

    with tempfile.TemporaryDirectory(prefix="cadenza-finetune-") as folder:
        made = Path(folder) / "records.jsonl"
        yield made
        pass_on(made)


def named(arguments: argparse.Namespace, output: Path) -> str:
    """The output as the history names it."""
    return STDOUT if arguments.output == STDOUT else printable(str(output.absolute()))


def file_to_write(text: str) -> Path:
    """A path for a result, which must not be a folder's."""
    path = expand(text)
    if not path.name or os.path.isdir(path):
        raise UsageError(f"{text}: is a folder", hint="name a file to write")
    if path.name == SPEC_FILE or (path.suffix == ".py" and path.exists()):
        raise UsageError(f"{text}: is no place for records", hint="-o records.jsonl")
    check_parent(text, path)
    return path


@contextmanager
def progress_of(log: Path) -> Iterator[Callable[[int], object] | None]:
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


def exported_event(requested: ExportRequested, report: ExportReport) -> RunExported:
    """The event of an export by hand."""
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
