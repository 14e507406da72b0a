"""What the journal has of a unit, in the shape of our own log files (see `cadenzad.logfiles`)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

from cadenzad.service_manager.install import Service
from cadenzad.service_manager.journal import PRIORITIES
from store.errors import DaemonError
from store.times import iso

LEVELS = {str(number): name.lower() for name, number in PRIORITIES.items()}
OURS = "CADENZAD_"
"""What the fields of a record are called in the journal, see `cadenzad.logs.fields_of`."""


def journal_entries(
    service: Service, last: int, *, follow: bool = False
) -> Iterator[dict[str, Any]]:
    """The last so many entries of a unit, the oldest first; with `follow`, those to come too.

    Raises DaemonError when journalctl cannot be asked.
    """
    words = ["journalctl", f"--{service.scope}", "--no-pager", "--output=json", f"--lines={last}"]
    words += ["--unit" if service.scope == "system" else "--user-unit", service.unit]
    if service.scope == "user":
        words.remove("--user")  # --user-unit says it, and finds the entries of root's manager too
    try:
        asked = subprocess.Popen(
            [*words, *(["--follow"] if follow else [])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise DaemonError(f"journalctl: {error.strerror}") from None
    assert asked.stdout is not None
    assert asked.stderr is not None
    with asked:
        try:
            for line in asked.stdout:
                yield record_of(json.loads(line))
            said = asked.stderr.read().decode(errors="replace").strip()
            if asked.wait():
                raise DaemonError(f"journalctl: {said.splitlines()[0] if said else 'failed'}")
        finally:
            asked.kill()


def record_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as a record: `ts`, `level`, `logger`, `message`, and the fields it was given."""
    fields = {
        name.removeprefix(OURS).lower(): _text(value)
        for name, value in entry.items()
        if name.startswith(OURS)
    }
    return {
        "ts": iso(int(entry.get("__REALTIME_TIMESTAMP", 0)), "microseconds"),
        "level": LEVELS.get(str(entry.get("PRIORITY", "6")), "info"),
        "logger": _text(entry.get("LOGGER", entry.get("SYSLOG_IDENTIFIER", ""))),
        "message": _text(entry.get("MESSAGE", "")),
        **fields,
    }


def _text(value: Any) -> str:
    """journalctl has a list of bytes for what is no UTF-8, and null for what is too long."""
    if isinstance(value, list):
        return bytes(value).decode("utf-8", "backslashreplace")
    return "" if value is None else str(value)
