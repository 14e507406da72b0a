"""systemd's journal: is stderr connected to it, and its own protocol for entries with fields.

The protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) is one datagram per entry, so that an entry keeps
its newlines and its fields, which lines on stderr do not.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import socket
import struct
from collections.abc import Callable, Mapping
from typing import TextIO

SOCKET = "/run/systemd/journal/socket"
PRIORITIES = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}
_NO_NAME = re.compile(r"[^A-Z0-9_]")
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def leads_to_journal(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a stream leads to the journal; children of a service inherit only the variable."""
    try:
        found = os.fstat(stream.fileno())
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def priority(record: logging.LogRecord) -> str:
    """A line's prefix for the journal, sd-daemon(3): without it all lines are "info"."""
    return f"<{PRIORITIES.get(record.levelname, 6)}>"


def entry(fields: Mapping[str, str]) -> bytes:
    """Fields as a datagram. Names are made to fit the journal's rules: A-Z, 0-9 and `_`."""
    parts = []
    for name, value in fields.items():
        key = _NO_NAME.sub("_", name.upper()).lstrip("_")[:64].encode()
        data = value.encode("utf-8", "backslashreplace")
        if b"\n" in data:
            parts.append(key + b"\n" + struct.pack("<Q", len(data)) + data + b"\n")
        else:
            parts.append(key + b"=" + data + b"\n")
    return b"".join(parts)


class JournalHandler(logging.Handler):
    """Sends records to the journal as entries; to another handler while it cannot be reached."""

    def __init__(
        self,
        fields_of: Callable[[logging.LogRecord], Mapping[str, str]],
        otherwise: logging.Handler,
        path: str = SOCKET,
    ) -> None:
        """`fields_of`: a record's fields, MESSAGE among them. `otherwise`: gets what is refused."""
        super().__init__()
        self._fields_of = fields_of
        self._otherwise = otherwise
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def emit(self, record: logging.LogRecord) -> None:
        own = {
            "PRIORITY": str(PRIORITIES.get(record.levelname, 6)),
            "SYSLOG_IDENTIFIER": "cadenzad",
        }
        data = entry({**self._fields_of(record), **own})
        try:
            try:
                self._socket.sendto(data, self._path)
            except OSError as error:
                if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                    raise
                self._send_large(data)
        except OSError:
            self._otherwise.emit(record)

    def _send_large(self, data: bytes) -> None:
        """What is too large for a datagram goes in a sealed file that is handed over."""
        file = os.memfd_create("journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.write(file, data)
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", file))]
            self._socket.sendmsg([], ancillary, 0, self._path)
        finally:
            os.close(file)

    def close(self) -> None:
        self._socket.close()
        super().close()
