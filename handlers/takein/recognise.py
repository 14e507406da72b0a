"""What lies in `.cadenza-env/` and is a recording, and whether it is all there. Light: no library.

A recorder goes on for hours, and a copy takes its time. An MCAP file is whole when it ends as one,
a folder when nothing in it has changed for QUIET_S besides. Where an MCAP file does not end as one,
PATIENCE_S without a change say that nobody writes it any more: it is read as far as it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from store import identity

Kind = Literal["mcap", "lerobot", "minari", "bag"]
INFO = "meta/info.json"
METADATA = "data/metadata.json"
MAGIC = b"\x89MCAP0\r\n"
"""What every MCAP file begins and ends with."""

QUIET_S = 2.0
PATIENCE_S = 60.0


def kind_of(source: Path) -> Kind | None:
    """What a file or folder is by its name and what it holds; None: no recording."""
    if source.is_file():
        return "mcap" if source.suffix.lower() == ".mcap" else None
    if (source / INFO).is_file():
        return "lerobot"
    if (source / METADATA).is_file():
        return "minari"
    return "bag" if next(source.glob("*.mcap"), None) is not None else None


class Look(NamedTuple):
    """A recording as it was when it was looked at. `size`: bytes of all its files.

    `digest`: of all names, sizes and times, below 2**63. `changed_s`: when it last changed, by the
    wall clock: its inodes' own times, for a copy brings the files' along.
    """

    dev: int
    ino: int
    size: int
    digest: int
    changed_s: float

    def wait(self, source: Path, wall: float) -> float:
        """Seconds until it can be taken if nothing changes; 0: now. Raises OSError."""
        quiet = QUIET_S if source.is_dir() else 0.0
        if not all(map(_is_whole, _mcaps(source))):
            quiet = PATIENCE_S
        return max(0.0, self.changed_s + quiet - wall)


def look_at(source: Path) -> Look:
    """Look at a recording without reading it. Raises OSError."""
    info = os.stat(source)
    size, changed, told = 0, info.st_ctime, [f"{info.st_dev} {info.st_ino}"]
    for path in _files(source):
        seen = os.stat(path)
        size += seen.st_size
        changed = max(changed, seen.st_ctime)
        told.append(f"{path} {seen.st_size} {seen.st_mtime_ns} {seen.st_ino}")
    digest = identity.of("\n".join(told).encode("utf-8", "surrogateescape"))
    number = int(digest.rpartition(":")[2][:15], 16)
    return Look(info.st_dev, info.st_ino, size, number, changed)


def _files(source: Path) -> Iterator[Path]:
    if not source.is_dir():
        yield source
        return
    for folder, folders, names in os.walk(source):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names))


def _mcaps(source: Path) -> list[Path]:
    return sorted(source.glob("*.mcap")) if source.is_dir() else [source]


def _is_whole(file: Path) -> bool:
    with file.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size < 2 * len(MAGIC):
            return False
        stream.seek(-len(MAGIC), os.SEEK_END)
        return stream.read() == MAGIC
