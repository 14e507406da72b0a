"""Who holds the writer lock: a daemon, which takes requests, or a command. As light as can be."""

from __future__ import annotations

from collections.abc import Mapping

DAEMON_ROLE = "cadenzad"
"""What the lock's holder is called while a daemon holds it: it alone takes requests."""


def takes_requests(holder: Mapping[str, object] | None) -> bool:
    """Whether who holds the writer lock (see `is_held`) looks into the inbox."""
    return holder is not None and holder.get("role") == DAEMON_ROLE
