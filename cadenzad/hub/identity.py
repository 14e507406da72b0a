"""The id of an event log: made once in its state directory, so that a hub can tell it apart."""

from __future__ import annotations

import uuid
from pathlib import Path

from store.durable import write_file
from store.errors import StoreError

FILE = "log-id"


def log_id(state_dir: Path) -> str:
    """The id, made at the first call. Raises StoreError where it can be neither read nor made."""
    path = state_dir / FILE
    try:
        return str(uuid.UUID(path.read_text(encoding="ascii").strip()))
    except FileNotFoundError:
        pass
    except ValueError:
        raise StoreError(
            f"{path}: not the id of a log",
            hint="put it back from a backup; the hub knows the log by it",
        ) from None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    made = str(uuid.uuid4())
    try:
        write_file(path, f"{made}\n".encode())
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    return made
