"""A file that may be pruned, as it was when it was chosen. Standard library alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["run", "export", "manifest", "adapter"]


@dataclass(frozen=True)
class Candidate:
    """A file (for an adapter: a folder) of a project, with what tells it from any other.

    `path` is relative to the project. `of` is the run log that an export or manifest belongs to.
    """

    project: str
    path: str
    kind: Kind
    bytes: int
    dev: int
    ino: int
    mtime_ns: int
    sha256: str | None = None
    of: str = ""

    def identity(self) -> tuple[int, int, int]:
        """What stays the same as long as nobody touches the file."""
        return self.dev, self.ino, self.mtime_ns
