"""Files as they travel: a manifest of names and hashes, the small ones in one piece, the big apart.

A copy has the bytes, the times (of two examples the newer counts) and the links of the files it is
made of, and nothing of their owners and modes. Names are relative and stay inside of the copy.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from store import identity
from store.errors import InputError

SMALL = 1 << 18
"""Bytes from which on a file travels by itself, and only to nodes that do not have it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a bundle. `hash`: of its bytes, as store.identity has it."""

    name: str
    hash: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Bundle:
    """`small` are the small files' bytes in the order of `entries`, compressed. `whole`: it has
    every file's, and none travels apart."""

    entries: tuple[Entry, ...] = ()
    small: bytes = field(default=zlib.compress(b""), repr=False)
    links: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False

    @classmethod
    def of(
        cls,
        files: Mapping[str, Path],
        links: Mapping[str, str] | None = None,
        *,
        whole: bool = False,
    ) -> Bundle:
        """Read files: name in the copy -> path here. Raises InputError for one that cannot be."""
        entries, small = [], []
        for name, path in sorted(files.items()):
            entry, data = _read(_safe(name), path)
            entries.append(entry)
            if whole or entry.size < SMALL:
                small.append(data)
        return cls(tuple(entries), zlib.compress(b"".join(small), 1), dict(links or {}), whole)

    @property
    def id(self) -> str:
        """The same for the same files: names, bytes and links, not their times."""
        names = [[entry.name, entry.hash] for entry in self.entries]
        text = json.dumps([names, sorted(self.links.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def big(self) -> list[Entry]:
        """What travels by itself, each hash once."""
        apart = [entry for entry in self.entries if self._is_apart(entry)]
        return list({entry.hash: entry for entry in apart}.values())

    def _is_apart(self, entry: Entry) -> bool:
        return not self.whole and entry.size >= SMALL

    def manifest(self) -> list[Any]:
        """All but the bytes, as JSON has it."""
        rows = [[entry.name, entry.hash, entry.size, entry.mtime_ns] for entry in self.entries]
        return [rows, dict(self.links), self.whole]

    @classmethod
    def from_manifest(cls, manifest: list[Any], small: bytes = b"") -> Bundle:
        """The bundle that `manifest` is of."""
        rows, links, whole = manifest
        return cls(tuple(Entry(*row) for row in rows), small, links, whole)

    def unpack(self, folder: Path, big: Callable[[Entry], bytes]) -> None:
        """Make the copy in an empty folder. `big`: the bytes of an entry that is not small."""
        rest = memoryview(zlib.decompress(self.small))
        for entry in self.entries:
            path = folder / _safe(entry.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not self._is_apart(entry):
                data, rest = bytes(rest[: entry.size]), rest[entry.size :]
            else:
                data = big(entry)
            expect_whole(entry, data)
            path.write_bytes(data)
            os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns))
        for name, target in self.links.items():
            path = folder / _safe(name)
            _safe(str(PurePosixPath(name).parent / target))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)


def expect_whole(entry: Entry, data: bytes) -> None:
    """Raise InputError when bytes are not those of an entry: its file was being written."""
    if len(data) != entry.size or identity.of(data) != entry.hash:
        raise InputError(f"{entry.name}: changed while it was sent", hint="it is sent anew")


def _read(name: str, path: Path) -> tuple[Entry, bytes]:
    try:
        with path.open("rb") as stream:
            mtime_ns = os.fstat(stream.fileno()).st_mtime_ns
            data = stream.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be sent: {error.strerror}") from None
    return Entry(name, identity.of(data), len(data), mtime_ns), data


def _safe(name: str) -> str:
    """A name that stays inside of the copy. Raises InputError for another."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\0" in name:
        raise InputError(f"{name!r}: is no name of a file in a project")
    return name
