"""Adapters in the log and on disk: made to agree after a job, and compared for whoever asks."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.lora.model.names import SCORECARD
from handlers.lora.registry import Registry
from handlers.project.paths import ADAPTERS_DIR, printable
from handlers.recovery import Effect
from store.errors import CadenzaError, InputError
from store.events.adapter import (
    AdapterBlocked,
    AdapterPromoted,
    AdapterRolledBack,
    AdapterScored,
    AdapterTrained,
)
from store.events.base import Event
from store.reads.improvements import adapters

if TYPE_CHECKING:
    from store.database.backend import Readable


def complete(project: Path, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """The events whose adapter and scorecard are on disk, their switch made; else none."""
    registry = Registry(project)
    if not all(_is_on_disk(registry, event) for event in events):
        return ()
    for event in events:
        if isinstance(event, AdapterPromoted | AdapterRolledBack):
            try:
                if registry.deployed() != event.version:
                    registry.promote(event.version)
            except InputError:  # damaged since: what serves goes on
                return tuple(other for other in events if other is not event)
    return events


def _is_on_disk(registry: Registry, event: Event) -> bool:
    try:
        if isinstance(event, AdapterTrained):
            return registry.sha256(event.version) == event.sha256
        if isinstance(event, AdapterScored):
            card = (registry.folder(event.version) / SCORECARD).read_bytes()
            return hashlib.sha256(card).hexdigest() == event.scorecard_sha256
    except OSError:
        return False
    return True


ADAPTERS = Effect(
    "adapters",
    ADAPTERS_DIR,
    (AdapterTrained, AdapterScored, AdapterPromoted, AdapterBlocked, AdapterRolledBack),
    complete,
    tidy=lambda project: Registry(project).tidy(),
)
"""What an adapter's jobs do: a version, its scorecard, and which one is deployed."""


def problems(view: Readable, project: str) -> list[str]:
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
