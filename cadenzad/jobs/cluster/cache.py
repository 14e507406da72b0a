"""A folder of ours on a node: big files by their hash, copies that parts share, jobs at work."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cadenzad.jobs.cluster.bundle import Bundle, Entry, expect_whole
from store.durable import hold, remove_abandoned
from store.errors import InputError

UNUSED_S = 7 * 86_400.0
"""What nobody asked for so long is removed by whoever comes next."""


class Cache:
    """`root`/files/<hash>, `root`/copies/<bundle>, `root`/jobs/<one for each attempt>, and what
    simulations are remembered by.

    Two jobs may want the same at once: whatever is there by its name is whole.
    """

    def __init__(self, root: Path | None = None) -> None:
        """`root`: the user's own folder among the temporary ones. Raises InputError where that is
        somebody else's."""
        self.root = root or Path(tempfile.gettempdir()) / f"cadenzad-{os.getuid()}"
        for folder in (self.root, self.root / "files", self.root / "copies", self.root / "jobs"):
            folder.mkdir(mode=0o700, exist_ok=True)
        found = self.root.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise InputError(
                f"{self.root}: is not a folder of this user's alone",
                hint="remove it on this node, and look who made it",
            )

    def missing(self, bundle: Bundle) -> list[Entry]:
        """What travels by itself and is not here."""
        return [entry for entry in bundle.big if not self._file(entry).is_file()]

    def keep(self, entry: Entry, data: bytes) -> None:
        """Take in a file that travelled by itself. Raises InputError when it is another."""
        expect_whole(entry, data)
        self._make(self._file(entry), lambda draft: draft.write_bytes(data))

    def copy(self, bundle: Bundle) -> Path:
        """The files of a bundle, for reading alone: the same folder for all that ask."""
        folder = self.root / "copies" / bundle.id
        if not folder.is_dir():
            self._make(folder, lambda draft: self._unpack(bundle, draft))
        os.utime(folder)
        return folder

    def job(self, bundle: Bundle, name: str) -> tuple[Path, int]:
        """A copy to work in, under a project's name; it lasts until the descriptor is closed."""
        self.tidy()
        folder = Path(tempfile.mkdtemp(dir=self.root / "jobs"))
        held = hold(folder)
        copy = folder / name
        self._unpack(bundle, copy)
        return copy, held

    def tidy(self) -> None:
        """Remove what killed jobs left, and what nobody asked for in a long time."""
        remove_abandoned((self.root / "jobs").iterdir())
        before = time.time() - UNUSED_S
        for path in (*(self.root / "files").iterdir(), *(self.root / "copies").iterdir()):
            try:
                if path.stat().st_mtime < before:
                    path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
            except FileNotFoundError:
                continue

    def _file(self, entry: Entry) -> Path:
        return self.root / "files" / entry.hash.replace(":", "-").replace("/", "-")

    def _unpack(self, bundle: Bundle, folder: Path) -> None:
        folder.mkdir()
        bundle.unpack(folder, self._bytes)

    def _bytes(self, entry: Entry) -> bytes:
        path = self._file(entry)
        os.utime(path)
        return path.read_bytes()

    def _make(self, target: Path, write: Callable[[Path], object]) -> None:
        """Write aside and rename; somebody else's that came first is as good."""
        aside = Path(tempfile.mkdtemp(dir=self.root / "jobs"))
        try:
            draft = aside / "draft"
            write(draft)
            os.rename(draft, target)
        except OSError:
            if not target.exists():
                raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)
