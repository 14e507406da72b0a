"""The adapters of a project on disk: versions, and which one is deployed.

    .cadenza-env/adapters/0001/ ...     a version, never changed once it is there
    .cadenza-env/adapters/deployed      -> 0001, a relative symlink, switched by rename

A version is built in a hidden folder and renamed into place, whole. Whoever is killed on the way
leaves the old state and a hidden folder, which is removed when its builder is gone. A version is a
real folder: a symlink in its place is none.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from handlers.lora.model.names import folder_sha256
from handlers.project.paths import ADAPTERS_DIR, inside
from store.durable import hold, make_folder, remove_abandoned, remove_drafts, sync
from store.errors import InputError
from store.reads.improvements import AdapterRow

DEPLOYED = "deployed"
STAGING = ".staging-"


class Registry:
    """The adapters of one project."""

    def __init__(self, project: Path) -> None:
        """Raises UnsafePathError when their folder lies outside of the project."""
        self.root = inside(project, Path(ADAPTERS_DIR))
        self._building: int | None = None

    def versions(self) -> list[int]:
        """Those there are, the oldest first."""
        if not self.root.is_dir():
            return []
        names = [entry.name for entry in self.root.iterdir() if _is_folder(entry)]
        numbers = (int(name) for name in names if _is_number(name))
        return sorted(n for n in numbers if n > 0 and self.folder(n).name in names)

    def folder(self, version: int) -> Path:
        return self.root / f"{version:04}"

    def deployed(self) -> int | None:
        """The version that serves; None when there is none."""
        target = self.link()
        if target is None or not _is_number(target):
            return None
        return int(target) if _is_folder(self.folder(int(target))) else None

    def link(self) -> str | None:
        """What `deployed` says, whether that is a version or not; None without a link."""
        try:
            return os.readlink(self.root / DEPLOYED)
        except OSError:
            return None

    def stage(self) -> Path:
        """An empty hidden folder to build a version in, ours for as long as this process lives."""
        make_folder(self.root)
        self._let_go()
        self.tidy()
        draft = Path(tempfile.mkdtemp(dir=self.root, prefix=STAGING))
        draft.chmod(0o755)
        self._building = hold(draft)
        return draft

    def tidy(self) -> None:
        """Remove hidden folders and drafts whose writers are gone."""
        remove_abandoned(self.root.glob(f"{STAGING}*"))
        for folder in (self.root, *map(self.folder, self.versions())):
            remove_drafts(folder)

    def commit(self, draft: Path, version: int) -> Path:
        """Make a staged folder the version; every byte is on disk before it is seen."""
        for path in draft.iterdir():
            sync(path)
        sync(draft)
        target = self.folder(version)
        if os.path.lexists(target):
            raise InputError(f"{target}: is there already")
        os.rename(draft, target)
        sync(self.root)
        self._let_go()
        return target

    def promote(self, version: int | None) -> None:
        """Switch `deployed`; None: no version serves. Raises InputError when the version is missing
        or damaged."""
        if version is None:
            (self.root / DEPLOYED).unlink(missing_ok=True)
            sync(self.root)
            return
        from handlers.lora.model.files import read_head  # of the daemon only a promotion asks

        read_head(self.folder(version))
        link = self.root / f".{DEPLOYED}-{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(self.folder(version).name)
        os.replace(link, self.root / DEPLOYED)
        sync(self.root)

    def sha256(self, version: int) -> str:
        """A hash of a version's files. Raises OSError when they cannot be read."""
        return folder_sha256(self.folder(version))

    def _let_go(self) -> None:
        if self._building is not None:
            os.close(self._building)
            self._building = None


def version_before(
    rows: Sequence[AdapterRow], registry: Registry, pulled: Collection[int] = ()
) -> int | None:
    """Of the versions that are still there, the one deployed before the one that serves.

    One that was deployed by force counts: whoever goes back to it has to insist again. `pulled`:
    those that the fleet's hub pulled, which do not count.
    """
    there, without = registry.versions(), {registry.deployed(), *pulled}
    before = [r for r in rows if r.promoted and r.version in there and r.version not in without]
    return max(before, key=lambda row: row.promoted).version if before else None


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()
