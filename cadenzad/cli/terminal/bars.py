"""Progress on a terminal's stderr, and log lines beside it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from cadenzad.progress import Progress, left_of, rest_of, share_of, span
from store.text import one_line

COUNTED = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
UNCOUNTED = "{desc} [{elapsed}{postfix}]"
"""The time that is left is the job's to say: tqdm's would go by all of its steps together."""

PAINT_S = 0.1
"""A terminal is painted no more often than this, however often somebody reports."""


@contextmanager
def job_bar() -> Iterator[Progress]:
    """A bar with what slow work says of itself (see `cadenzad.progress`); nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _values: None
        return
    from tqdm import tqdm

    with tqdm(total=None, leave=False, file=sys.stderr, bar_format=UNCOUNTED) as bar:
        step: object = None
        painted = 0.0

        def show(values: Mapping[str, object]) -> None:
            nonlocal step, painted
            part, left = share_of(values), left_of(values)
            now, moment = (values.get("step"), part and part[1]), time.monotonic()
            if not values or (now == step and moment - painted < PAINT_S):
                return
            painted = moment
            if now != step:
                step = now
                bar.reset(part[1] if part else None)
            bar.bar_format = COUNTED if part else UNCOUNTED
            bar.n = part[0] if part else 0
            bar.set_description_str(one_line(str(values.get("step", ""))), refresh=False)
            told = [f"{span(left)} left"] if left is not None else []
            bar.set_postfix_str(one_line(", ".join([*told, *rest_of(values)])))

        yield show


class BesideBars:
    """A stream whose lines go above the bars that are on it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Take the bars away, write, and paint them again."""
        from tqdm import tqdm

        with tqdm.external_write_mode(file=self._stream):
            return self._stream.write(text)

    def flush(self) -> None:
        """As of any stream."""
        self._stream.flush()

    def fileno(self) -> int:
        """As of any stream."""
        return self._stream.fileno()
