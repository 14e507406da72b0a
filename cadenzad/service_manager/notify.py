"""sd_notify: tell systemd, when it is listening, how the service is doing."""

from __future__ import annotations

import os
import socket

from store.text import one_line


def notify(*assignments: str) -> bool:
    """Send e.g. "READY=1", "STATUS=watching 3 projects"; False when nobody listens.

    What would break an assignment's line, or show as something else, is escaped.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as client:
            client.sendto("\n".join(map(one_line, assignments)).encode(), address)
    except OSError:
        return False
    return True
