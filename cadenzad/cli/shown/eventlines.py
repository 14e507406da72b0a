"""Events as people and as programs see them: a line, or an object."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from store.times import iso

if TYPE_CHECKING:
    from store.history import StoredEvent


def as_json(record: StoredEvent) -> dict[str, Any]:
    """An event as programs see it. `project` is its path, None for the daemon's own events."""
    return {
        "position": record.position,
        "type": record.type,
        "project": os.path.basename(record.project) if record.project else None,
        "path": record.project,
        "recorded_at": iso(record.recorded_at_us, "microseconds"),
        "causation": record.causation,
        "correlation": record.correlation,
        "schema_version": record.schema_version,
        "data": record.data,
    }


def as_line(record: StoredEvent, name: str = "") -> str:
    """An event as people see it; `name`: what its project is called, where that is more."""
    moment = iso(record.recorded_at_us)
    project = name or os.path.basename(record.project or "") or "-"
    cause = f" <- {record.causation}" if record.causation else ""
    return f"{record.position:>7}  {moment}  {project:<16} {record.type}{cause}  {_gist(record)}"


def _gist(record: StoredEvent) -> str:
    """The few values of an event that a person scans for."""
    data = record.data
    words = []
    if file := data.get("file"):  # of a dropped file there is more than its path
        words.append(file["path"] if isinstance(file, dict) else file)
    for key in (
        "run_path",
        "path",
        "output",
        "records",
        "rejected",
        "rows",
        "reason",
        "message",
        "detail",
        "code",
    ):
        value = data.get(key)
        if value not in (None, "", []):
            words.append(f"{key}={value}" if isinstance(value, int) else str(value))
    if record.type == "ProjectChecked":
        words.append(f"errors={data['errors']}  warnings={data['warnings']}")
        words += [f"{first['place']}: {first['what']}" for first in data["findings"][:1]]
    for episode in data.get("episodes", [])[-1:]:
        policy = (episode.get("stamp") or {}).get("policy")
        under = f" under policy {policy}" if policy else ""
        words.append(f"{episode['outcome']} after {episode['ticks']} ticks{under}")
    return "  ".join(words)
