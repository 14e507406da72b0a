"""What every export by hand does: find the log, name it as events do, have the history told."""

from __future__ import annotations

import argparse
import os
import shlex
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.cli.base.output import say
from cadenzad.config.paths import expand, state_dir
from handlers.project.paths import CADENZA_DIR, RUN_SUFFIX, printable, run_id_of
from store.errors import CadenzaError, ProjectNotFound, UsageError

if TYPE_CHECKING:
    from handlers.project.formats.runs import LogFile
    from store.events.base import Event
    from store.events.exports import ExportRequested


def record(
    arguments: argparse.Namespace, project: Path, requested: ExportRequested, outcome: Event
) -> None:
    """Have recorded what was asked for and what came of it; where that is impossible, only warn."""
    from cadenzad.requests.client import record_export
    from cadenzad.requests.commands import Outcome, RecordExport

    command = RecordExport(
        printable(str(project)),
        requested.as_shape(),
        Outcome(outcome.type_name(), outcome.as_shape()),
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


def each_once(logs: list[Path]) -> list[Path]:
    """The logs without those that were named before, under whatever name; that is said."""
    found: dict[str, Path] = {}
    for log in logs:
        first = found.setdefault(os.path.realpath(log), log)
        if first is not log:
            say(f"{log}: was named before, and is exported once", err=True)
    return list(found.values())


def without_twins(project: Path, logs: list[LogFile]) -> list[Path]:
    """A project's logs without copies, unless `[export] twins` wants them; what is left is said."""
    from handlers.project.formats.runs import copies_among

    copies = copies_among(logs)
    if copies:
        from cadenzad.config.files import load_config
        from cadenzad.config.project import load_project_config

        if load_project_config(project, load_config(None)).export.twins:
            copies = {}
    for log, first in copies.items():
        say(
            f"{log}: is a copy of {first.name}, and left out ([export] twins = true takes both)",
            err=True,
        )
    return [log.path for log in logs if log.path not in copies]


def tell_left_out(reasons: Mapping[str, str]) -> None:
    """Say which logs of `--all` are not in a result, and why."""
    for log, reason in reasons.items():
        prefix = "" if reason.startswith(log) else f"{log}: "
        say(f"left out: {prefix}{reason}", err=True)


def path_in_history(project: Path, path: Path) -> str:
    """A path as events write it: relative to its project where it lies in it."""
    real = Path(os.path.realpath(path))
    return printable(str(real.relative_to(project) if project in real.parents else real))


def check_parent(text: str, target: Path) -> None:
    """Raises UsageError where the folder that a result is to be in is missing."""
    folder = target.parent
    try:
        folder.stat()
    except FileNotFoundError:
        hint = f"make it first: mkdir -p {shlex.quote(printable(str(folder)))}"
        raise UsageError(f"{text}: there is no folder {folder}", hint=hint) from None
    except OSError:
        pass  # whoever writes there says what is wrong with it


def failed(requested: ExportRequested, reason: str) -> Event:
    """The event of an export that its input does not allow."""
    from store.events.exports import ExportFailed

    return ExportFailed(
        run_id=run_id_of(requested.run_path),
        run_path=requested.run_path,
        source_sha256="",
        reason=reason,
        retryable=False,
        origin="manual",
    )
