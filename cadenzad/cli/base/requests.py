"""Have the writer of the log do something, and show how it goes and what came of it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.terminal.bars import job_bar
from cadenzad.config.paths import state_dir

if TYPE_CHECKING:
    from cadenzad.config.files import Config
    from cadenzad.requests.byhand import Ended
    from cadenzad.requests.commands import Command, QueueJob
    from store.events.envelope import Recorded


def send_command(arguments: argparse.Namespace, command: Command) -> Recorded:
    """The event that a command leads to. Raises DaemonError when there is none."""
    from cadenzad.requests.client import perform

    return perform(state_dir(arguments.state), command)


def run_by_hand(
    arguments: argparse.Namespace,
    kind: str,
    project: Path,
    spec: Mapping[str, Any],
    reason: str,
    *,
    config: Config | None = None,
    with_files: bool = False,
) -> Ended:
    """A job that somebody wants now, once an attempt has ended; with a bar on a terminal.

    It takes the place of one of its kind that waits. `with_files`: the project's files are recorded
    first. Raises DaemonError when it does not end.
    """
    from cadenzad.config.files import load_config
    from cadenzad.requests.commands import QueueJob

    by = os.environ.get("USER", "user")
    command = QueueJob(
        kind,
        str(project),
        {"by": by, **spec},
        reason,
        instead=True,
        with_files=with_files,
        named=True,
    )
    return run_with_bar(arguments, command, config or load_config(None))


def run_with_bar(
    arguments: argparse.Namespace, command: QueueJob, config: Config, timeout: float = 7200.0
) -> Ended:
    """Run a job with a progress bar; who breaks off is told what becomes of it."""
    from cadenzad.requests.byhand import Interrupted, run_job

    directory = state_dir(arguments.state)
    with job_bar() as progress:
        try:
            return run_job(directory, command, config=config, progress=progress, timeout=timeout)
        except Interrupted as interrupted:
            say(interrupted.message, err=True)
            raise


def print_answer(arguments: argparse.Namespace, answer: object, *lines: str) -> None:
    """What came of a command: one JSON object with --json, else in words."""
    if arguments.json:
        say_json(answer)
        return
    for line in lines:
        say(line)
