"""Adapters in the log and on disk: made to agree after a job, and compared for whoever asks.

A job that is killed between its switch and the recording of it leaves a note, see
handlers.lora.pending. Whoever writes the log makes it good where no job of the project runs: at a
daemon's start, before a job by hand, and at the end of every job, however it came about.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path

from handlers.lora import pending
from handlers.lora.registry import Registry
from handlers.project.paths import printable
from store.errors import CadenzaError, StoreError, UnsafePathError
from store.events.envelope import NewEvent, project_stream
from store.reads.improvements import adapters
from store.writer import Transaction, Writer

log = logging.getLogger("cadenzad.adapters")


def make_good(project: Path, writer: Writer) -> None:
    """Finish what a killed job of the project's adapters was about, and remove what it left.

    What cannot be done now is logged, and tried again the next time.
    """
    try:
        registry = Registry(project)
        if registry.root.is_dir():
            _make_good(registry, str(project), writer)
            registry.tidy()
    except UnsafePathError:
        return  # nothing of ours lies there
    except StoreError:
        raise
    except (CadenzaError, OSError) as error:
        log.warning("%s: its adapters cannot be looked at: %s", project, error)


def _make_good(registry: Registry, project: str, writer: Writer) -> None:
    name = writer.run(lambda transaction: pending.log_name(transaction.connection))
    note = pending.read(registry, name)

    def is_open(transaction: Transaction) -> bool:
        return note is not None and not pending.is_spent(note, transaction.connection)

    if note is not None and note.project == project and writer.run(is_open):
        events = pending.make_good(registry, note)

        def record(transaction: Transaction) -> None:
            stream = project_stream(project)
            if is_open(transaction):
                transaction.append(*(NewEvent(stream, e, causation=note.job) for e in events))

        writer.run(record)
        if events:
            log.info("%s: recorded what a job that was cut short had done", project)
    pending.forget(registry, name)


def problems(view: sqlite3.Connection, project: str) -> list[str]:
    """How the adapters on disk differ from what is recorded of them."""
    rows = adapters(view, project)
    try:
        registry = Registry(Path(project))
        found = []
        for row in rows:
            if row.state != "pruned" and row.sha256:
                found += _difference(registry, row.version, row.sha256)
        recorded = next((row.version for row in rows if row.state == "deployed"), None)
        return found + _link_problems(registry, recorded)
    except (CadenzaError, OSError) as error:
        return [str(error)] if rows else []


def _difference(registry: Registry, version: int, sha256: str) -> list[str]:
    folder = registry.folder(version)
    if version not in registry.versions():
        return [f"{folder}: is missing"]
    try:
        same = registry.sha256(version) == sha256
    except OSError as error:
        return [f"{folder}: {error.strerror}"]
    return [] if same else [f"{folder}: not the files that were recorded"]


def _link_problems(registry: Registry, recorded: int | None) -> list[str]:
    serving, target = registry.deployed(), registry.link()
    link = registry.root / "deployed"
    if target is not None and serving is None:
        return [f"{link}: leads to {printable(target)}, which is no version"]
    if target is None and os.path.lexists(link):
        return [f"{link}: is no symlink"]
    if serving == recorded:
        return []
    on_disk = "no version" if serving is None else f"version {serving}"
    in_log = "none" if recorded is None else str(recorded)
    number = serving or recorded
    again = f"`cadenzactl rollback PROJECT --to {number}` makes them agree"
    return [f"{link}: {on_disk} serves, recorded is {in_log}: {again}"]
