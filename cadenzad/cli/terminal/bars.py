"""Progress on a terminal's stderr: one line, and above it whatever is printed meanwhile."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from cadenzad.cli.terminal.window import told_columns
from cadenzad.progress import Progress, left_of, rest_of, share_of, span
from store.text import one_line, printable_lines

COUNTED = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
UNCOUNTED = "{desc} [{elapsed}{postfix}]{bar:0}"
"""The time that is left is the job's to say: tqdm's would go by all of its steps together.

Without a bar, if one of no width, tqdm would not cut a line that is longer than the window.
"""

PAINT_S = 0.1
"""A terminal is painted no more often than this, however often somebody reports."""
UNPAINTED = 1e-9
"""tqdm's delay, s: any at all has it paint nothing before there is something to say."""

STDERR = 2


@contextmanager
def job_bar() -> Iterator[Progress]:
    """A bar with what slow work says of itself (see `cadenzad.progress`); nothing elsewhere.

    What anything prints to stderr meanwhile, child processes too, stands above it, line by line.
    """
    if not sys.stderr.isatty():
        yield lambda _values: None
        return
    from tqdm import tqdm

    columns = told_columns()
    with (
        _lines_above() as screen,
        tqdm(
            total=None,
            leave=False,
            file=screen,
            bar_format=UNCOUNTED,
            delay=UNPAINTED,
            ncols=columns,
            dynamic_ncols=columns is None,
        ) as bar,
    ):
        step: object = None
        painted = 0.0

        def show(values: Mapping[str, object]) -> None:
            nonlocal step, painted
            part, left = share_of(values), left_of(values)
            now, moment = (values.get("step"), part and part[1]), time.monotonic()
            if not values or (now == step and moment - painted < PAINT_S):
                return
            painted = moment
            told = [f"{span(left)} left"] if left is not None else []
            bar.bar_format = COUNTED if part else UNCOUNTED
            bar.set_description_str(one_line(str(values.get("step", ""))), refresh=False)
            bar.set_postfix_str(one_line(", ".join([*told, *rest_of(values)])), refresh=False)
            if now != step:
                step = now
                bar.reset(part[1] if part else None)
            bar.n = part[0] if part else 0
            bar.refresh()

        yield show


@contextmanager
def _lines_above() -> Iterator[TextIO]:
    """The terminal behind stderr, and meanwhile each line for stderr above the bars on it."""
    from tqdm import tqdm

    from cadenzad.jobs.child.printed import printed_lines_to

    try:
        is_ours = sys.stderr.fileno() == STDERR
    except (AttributeError, OSError):  # stands in for a terminal, and is none
        is_ours = False
    if not is_ours:
        yield sys.stderr
        return
    encoding = sys.stderr.encoding
    with os.fdopen(os.dup(STDERR), "w", encoding=encoding, errors="backslashreplace") as screen:

        def put(line: str) -> None:
            with tqdm.external_write_mode(file=screen):
                screen.write(f"{printable_lines(line)}\n")
                screen.flush()

        with printed_lines_to(put, (STDERR,)):
            yield screen
