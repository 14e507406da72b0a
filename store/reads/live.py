"""What a running daemon leaves for others to see, and where the log ends. Loads nothing of its own.

Apart from the rows of `state`, which take longer to define than all of this takes to be read.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from store.lock import silent_s
from store.reads.stored import decoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from store.database.backend import Readable
    from store.reads.shapes import DaemonStatus, DegradedStatus, HubStatus


def head(connection: Readable) -> int:
    """The last position of the log; 0 for an empty one."""
    query = "SELECT coalesce(max(position), 0) FROM events"
    return int(connection.execute(query).fetchone()[0])


def progress(connection: Readable, key: str) -> Any:
    """A live value (see Transaction.set_progress); None when unset."""
    row = connection.execute("SELECT value FROM progress WHERE key = ?", (key,)).fetchone()
    return decoded(json.loads, row[0]) if row else None


def degraded(connection: Readable) -> list[DegradedStatus]:
    """Why the daemon does not see everything, the oldest reason first."""
    rows = connection.execute("SELECT code, detail FROM view_degraded ORDER BY position")
    return [{"code": code, "detail": detail} for code, detail in rows]


def job_key(job: int) -> str:
    """The progress key of a job."""
    return f"job:{job}"


def trouble_of(holder: Mapping[str, object] | None) -> list[DegradedStatus]:
    """What a daemon says in the lock file is wrong with its state directory."""
    told = (holder or {}).get("trouble")
    return [
        {"code": str(item.get("code")), "detail": str(item.get("detail"))}
        for item in (told if isinstance(told, list) else [])
        if isinstance(item, dict)
    ]


def hub_status(connection: Readable, head: int) -> HubStatus | None:
    """How far the hub is, as the daemon told last; None where it has none."""
    told: dict[str, Any] | None = progress(connection, "hub")
    if told is None:
        return None
    return {
        "name": told.get("name"),
        "place": told.get("place"),
        "position": told["position"],
        "lag": head - told["position"],
        "trouble": told["trouble"],
        "since": told["since"],
        "offers": told.get("offers", ""),
    }


def daemon_status(
    connection: Readable,
    holder: dict[str, object] | None,
    now: float | None = None,
) -> DaemonStatus:
    """The daemon's state, given who holds the writer lock (None: nobody); `now` in Unix seconds."""
    told: dict[str, Any] = progress(connection, "daemon") or {}
    # Another command may hold the lock for a moment, and not have said who it is yet: that is not
    # a running daemon, and neither is one that has not reported before.
    running = bool(told) and holder is not None and holder.get("pid") == told.get("pid")
    silent = None
    if running and holder is not None:
        silent = silent_s(holder, time.time() if now is None else now)
    last = head(connection)
    cursor = connection.execute("SELECT min(position) FROM cursors").fetchone()[0]
    return {
        "state": told.get("state", "running") if running else "stopped",
        "pid": told.get("pid") if running else None,
        "started_at": told.get("started_at") if running else None,
        "version": told.get("version") if running else None,
        "position": last,
        "lag": last - (cursor or 0),
        "responding": silent is None,
        "silent_s": silent,
        "degraded": [*degraded(connection), *(trouble_of(holder) if running else [])],
        "hub": hub_status(connection, last),
        "watching": told["watching"] if running else {"projects": 0, "directories": 0},
        "workspaces": told.get("workspaces", []),
    }


def unknown() -> DaemonStatus:
    """The daemon's part where there is no event log to ask."""
    return {
        "state": "stopped",
        "pid": None,
        "started_at": None,
        "version": None,
        "position": 0,
        "lag": 0,
        "responding": True,
        "silent_s": None,
        "degraded": [],
        "hub": None,
        "watching": {"projects": 0, "directories": 0},
        "workspaces": [],
    }
