"""Have the writer of the log do something, and show how it goes and what came of it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.output import say, say_json
from cadenzad.config.paths import state_dir
from store.text import one_line

if TYPE_CHECKING:
    from cadenzad.config.files import Config
    from cadenzad.requests.byhand import Ended, Progress
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


@contextmanager
def job_bar() -> Iterator[Progress]:
    """A bar on a terminal with what a job says of itself, nothing elsewhere (see `progress`)."""
    if not sys.stderr.isatty():
        yield lambda _values: None
        return
    from tqdm import tqdm

    from cadenzad.progress import left_of, rest_of, share_of, span

    with tqdm(total=None, leave=False, file=sys.stderr, bar_format=_BAR) as bar:
        step: object = None

        def show(values: Mapping[str, Any]) -> None:
            nonlocal step
            if not values:
                return
            part, left = share_of(values), left_of(values)
            now = (values.get("step"), part and part[1])
            if now != step:
                step = now
                bar.reset(part[1] if part else None)
            bar.bar_format = _BAR if part else _UNCOUNTED
            bar.n = part[0] if part else 0
            bar.set_description_str(one_line(str(values.get("step", ""))), refresh=False)
            told = [f"{span(left)} left"] if left is not None else []
            bar.set_postfix_str(one_line(", ".join([*told, *rest_of(values)])))

        yield show


_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
_UNCOUNTED = "{desc} [{elapsed}{postfix}]"
"""The time that is left is the job's to say: tqdm's would go by all of its steps together."""
