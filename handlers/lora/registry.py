"""The adapters of a project on disk: versions, and which one is deployed.

    .cadenza-env/adapters/0001/ ...     a version, never changed once it is there
    .cadenza-env/adapters/deployed      -> 0001, a relative symlink, switched by rename

A version is built in a hidden folder and renamed into place, whole. Whoever is killed on the way
leaves the old state and a hidden folder, which the next one removes.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from handlers.lora.model.files import folder_sha256, read_head
from handlers.project.paths import ADAPTERS_DIR, inside
from handlers.project.writing import write_new
from store.errors import InputError
from store.events import EVENT_TYPES, Event

DEPLOYED = "deployed"


class Registry:
    """The adapters of one project."""

    def __init__(self, project: Path) -> None:
        self.root = inside(project, Path(ADAPTERS_DIR))

    def versions(self) -> list[int]:
        """Those there are, the oldest first."""
        if not self.root.is_dir():
            return []
        return sorted(int(folder.name) for folder in self.root.iterdir() if folder.name.isdecimal())

    def folder(self, version: int) -> Path:
        return self.root / f"{version:04}"

    def deployed(self) -> int | None:
        """The version that serves; None when there is none."""
        try:
            target = os.readlink(self.root / DEPLOYED)
        except OSError:
            return None
        return int(target) if target.isdecimal() and self.folder(int(target)).is_dir() else None

    def stage(self) -> Path:
        """An empty hidden folder to build a version in; leftovers of others are removed."""
        self.root.mkdir(parents=True, exist_ok=True)
        for left in self.root.glob(".staging-*"):
            shutil.rmtree(left, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(dir=self.root, prefix=".staging-"))
        draft.chmod(0o755)
        return draft

    def commit(self, draft: Path, version: int) -> Path:
        """Make a staged folder the version; every byte is on disk before it is seen."""
        for path in draft.iterdir():
            _sync(path)
        _sync(draft)
        target = self.folder(version)
        if target.exists():
            raise InputError(f"{target}: is there already")
        os.rename(draft, target)
        _sync(self.root)
        return target

    def promote(self, version: int) -> None:
        """Switch `deployed`. Raises InputError when the version is missing or damaged."""
        read_head(self.folder(version))
        link = self.root / f".{DEPLOYED}-{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(self.folder(version).name)
        os.replace(link, self.root / DEPLOYED)
        _sync(self.root)

    # -- what a killed job was about to record -----------------------------------------------------

    def note(self, version: int, events: Sequence[Event]) -> None:
        """Write down what a version's job will record, before anything is switched."""
        shape = [{"type": e.type_name(), "data": e.model_dump(mode="json")} for e in events]
        write_new(self.root / f".pending-{version:04}.json", json.dumps(shape).encode())

    def noted(self, known: Collection[int]) -> tuple[Event, ...]:
        """What a job of an unrecorded version was about to record, its switch made good.

        Folders of versions that nobody recorded and no job was about to record are removed.
        """
        for path in sorted(self.root.glob(".pending-*.json")):
            version = int(path.stem.rpartition("-")[2])
            if version in known or not self.folder(version).is_dir():
                path.unlink(missing_ok=True)
                continue
            try:
                shape = json.loads(path.read_bytes())
                told = tuple(EVENT_TYPES[i["type"]].model_validate(i["data"]) for i in shape)
                if any(event.type_name() == "AdapterPromoted" for event in told):
                    self.promote(version)
            except (ValueError, KeyError, TypeError, InputError):
                path.unlink()  # damaged, or of a version that is: as if it had never come so far
                continue
            return told
        for version in self.versions():
            if version not in known and version != self.deployed():
                shutil.rmtree(self.folder(version))
        return ()

    def sha256(self, version: int) -> str:
        """A hash of a version's files."""
        return folder_sha256(self.folder(version))


def _sync(path: Path) -> None:
    flags = os.O_RDONLY | (os.O_DIRECTORY if path.is_dir() else 0)
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
