"""What bytes are known by: a hash that names its algorithm, `blake3:<64 hex digits>`.

BLAKE3 is as hard to collide as SHA-256 and takes a tenth of its time on machines whose processor
has no instructions for that, where hashing was 39% of an export (Aumasson, O'Connor et al., 2020).
A value without a name is an older log's, and SHA-256: it stays what its bytes are known by, and is
compared as such, so that nothing counts as replaced because of an upgrade. SHA-256 also stays for
what others name by it: published weights, and what a run log says of env.json, prompt and model.

Fields and columns keep the names they were stored under (`sha256`, `output_sha256`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from blake3 import blake3

from store.errors import SchemaError

ALGORITHM = "blake3"
BLOCK = 1 << 20


class _Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> object: ...
    def copy(self) -> Self: ...
    def hexdigest(self) -> str: ...


class Prefix(NamedTuple):
    """The first `size` bytes of a file, and the value that they were known by ("": none yet)."""

    size: int
    known: str = ""


class Digest:
    """Bytes go in one piece after another; `value()` is what all of them so far are known by.

    `like`: by the algorithm of that value instead of today's.
    """

    def __init__(self, like: str = "") -> None:
        name = algorithm(like) if like else ALGORITHM
        self._prefix = f"{name}:" if name != "sha256" else ""
        self._hash: _Hash = blake3() if name == ALGORITHM else hashlib.sha256()

    def update(self, data: bytes | memoryview) -> None:
        self._hash.update(data)

    def copy(self) -> Digest:
        twin = Digest.__new__(Digest)
        twin._prefix, twin._hash = self._prefix, self._hash.copy()
        return twin

    def value(self) -> str:
        return self._prefix + self._hash.hexdigest()


def algorithm(value: str) -> str:
    """The algorithm of a value: "blake3", or "sha256" where it names none. Raises SchemaError."""
    name, named, _ = value.rpartition(":")
    if not named:
        return "sha256"
    if name != ALGORITHM:
        raise SchemaError(
            f"{value[:40]!r} is a hash of an unknown kind, known are {ALGORITHM}:<hex> and SHA-256",
            hint="it was written by a newer version: upgrade cadenzad",
        )
    return name


def is_todays(value: str) -> bool:
    """Whether the same bytes would be known by this value now."""
    return algorithm(value) == ALGORITHM


def of(data: bytes, like: str = "") -> str:
    """What bytes are known by."""
    digest = Digest(like)
    digest.update(data)
    return digest.value()


def of_file(path: Path | str, *, size: int | None = None, like: str = "") -> str:
    """What a file's first `size` bytes (None: all of them) are known by. Raises OSError."""
    digest = Digest(like)
    with open(path, "rb") as stream:
        left = size
        while left is None or left > 0:
            block = stream.read(BLOCK if left is None else min(BLOCK, left))
            if not block:
                break
            digest.update(block)
            left = None if left is None else left - len(block)
    return digest.value()


NOTHING = of(b"")
"""What no bytes at all are known by."""
