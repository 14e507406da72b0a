"""Metrics on their way out: the Prometheus text format, and a file for node_exporter. Light.

No client library: the format is lines of text, and the figures are read anew each time, so there is
no registry to keep in the daemon's memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cadenzad.metrics.collect import Metric, collect
from store.durable import Draft
from store.errors import StoreError
from store.text import printable_lines

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})


def render(metrics: Iterable[Metric]) -> str:
    """Metrics in the Prometheus text format 0.0.4."""
    lines = []
    for metric in metrics:
        lines.append(f"# HELP {metric.name} {metric.help.translate(_HELP_ESCAPES)}")
        lines.append(f"# TYPE {metric.name} {metric.type}")
        for labels, value in metric.samples:
            pairs = ",".join(
                f'{key}="{printable_lines(text).translate(_ESCAPES)}"'
                for key, text in labels.items()
            )
            name = f"{metric.name}{{{pairs}}}" if pairs else metric.name
            lines.append(f"{name} {_number(value)}")
    return "\n".join([*lines, ""])


def _number(value: float) -> str:
    """Whole numbers without an exponent: they are counts and bytes, and people read them too."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def write_textfile(
    path: Path, state_dir: Path, connection: sqlite3.Connection, now: float | None = None
) -> None:
    """Write the metrics to a file for node_exporter's textfile collector, whole or not at all.

    `connection` as for `collect`. The file is readable for everybody, as the collector is another
    user. It is not synced: after a power cut the next one is right. Raises StoreError.
    """
    text = render(collect(state_dir, connection, now))
    try:
        with Draft(path, mode=0o644) as draft:
            draft.write(text.encode("utf-8", "backslashreplace"))
            draft.replace()
    except OSError as error:
        raise StoreError(
            f"{path}: metrics cannot be written there: {error.strerror}",
            hint="name a file in a folder that is there and writable",
        ) from error
