"""The folder of a dataset: what is in force there, and what takes its place.

    README.md                             names the manifest and every shard: what is in force
    manifest-<hash8>.json
    <config>/<run-id>-<hash8>.parquet     written once

Whoever opens the folder finds a whole dataset at every instant, also after a kill or a power cut:
what README.md names is safe on disk before it, and README.md is replaced in one step.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from handlers.dataset.folder.card import MANIFEST_KEY, card
from handlers.dataset.folder.manifest import CONFIGS, Manifest, decode_manifest, encode_manifest
from handlers.project.paths import CADENZA_DIR, inside
from store import identity
from store.durable import make_folder, remove_drafts, sync, write_file
from store.errors import CadenzaError

DATASET_DIR = f"{CADENZA_DIR}/dataset"
CARD = "README.md"
SHARD = ".parquet"
READABLE = 0o644
"""Whoever trains may be another user than the daemon."""

_MANIFEST = re.compile(r"manifest-[0-9a-f]{8}\.json")


class DamagedDataset(CadenzaError):
    """A dataset is not as it was written; the text says what differs."""


class Place:
    """The folder of a project's dataset. `root` need not exist."""

    def __init__(self, project: Path) -> None:
        """Raises UnsafePathError when the folder leads out of the project."""
        self.root = inside(project, Path(DATASET_DIR))

    @classmethod
    def at(cls, folder: Path) -> Place:
        """A dataset's folder anywhere."""
        place = cls.__new__(cls)
        place.root = folder
        return place

    def current(self) -> Manifest | None:
        """The manifest in force; None where there is no dataset. Raises DamagedDataset, OSError."""
        name = self.manifest_name()
        return None if name is None else self._manifest(name)

    def only_manifest(self) -> Manifest | None:
        """The one manifest that lies there, whatever README.md says; None without, or with more."""
        names = [path.name for path in _ours(self.root) if _MANIFEST.fullmatch(path.name)]
        try:
            return self._manifest(names[0]) if len(names) == 1 else None
        except DamagedDataset:
            return None

    def _manifest(self, name: str) -> Manifest:
        path = self.root / name
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise DamagedDataset(f"{path}: is missing", hint=_AGAIN) from None
        if name != manifest_file(data):
            raise DamagedDataset(f"{path}: not the bytes that were written", hint=_AGAIN)
        try:
            return decode_manifest(data)
        except msgspec.DecodeError as error:
            raise DamagedDataset(f"{path}: {error}", hint=_AGAIN) from None

    def manifest_name(self) -> str | None:
        """The name of the manifest that README.md names; None without a dataset."""
        path = self.root / CARD
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise DamagedDataset(f"{path}: not UTF-8 text", hint=_AGAIN) from None
        # Without a YAML parser, which takes a second for ten thousand shards.
        head = text.partition("\n---\n")[0].rpartition("\n")[2]
        name = head.removeprefix(f"{MANIFEST_KEY}: ")
        if _MANIFEST.fullmatch(name):
            return name
        raise DamagedDataset(f"{path}: names no manifest: it is not the one that was written",
                             hint=_AGAIN)  # fmt: skip

    def shard(self, config: str, name: str) -> Path:
        """Where a run's file of a config lies."""
        return self.root / config / f"{name}{SHARD}"

    def prepare(self) -> None:
        """Make the folders."""
        for config in CONFIGS:
            make_folder(self.root / config)

    def put_in_force(self, manifest: Manifest) -> None:
        """Have README.md name a manifest and its shards, which must be on disk. Raises OSError."""
        data = encode_manifest(manifest)
        name = manifest_file(data)
        for config in CONFIGS:
            sync(self.root / config)
        write_file(self.root / name, data, mode=READABLE)
        write_file(self.root / CARD, card(manifest, name).encode(), mode=READABLE)

    def tidy(self) -> None:
        """Remove what is not in force: shards, manifests, drafts of writers that are gone.

        Nothing is removed where it is not known what is in force.
        """
        try:
            manifest, named = self.current(), self.manifest_name()
        except (DamagedDataset, OSError):
            return
        if named is None and any(_MANIFEST.fullmatch(path.name) for path in _ours(self.root)):
            return
        known = {named} | {
            f"{config}/{shard.name}{SHARD}"
            for shard in (manifest.shards if manifest is not None else ())
            for config in shard.files
        }
        for folder in (self.root, *(self.root / config for config in CONFIGS)):
            remove_drafts(folder, lambda target: target.endswith((SHARD, ".json", CARD)))
            for path in _ours(folder):
                if str(path.relative_to(self.root)) not in known:
                    with contextlib.suppress(OSError):
                        path.unlink()

    def problems(self) -> Iterator[str]:
        """How the files differ from what the manifest in force says of them."""
        try:
            manifest = self.current()
        except DamagedDataset as error:
            yield error.with_hint
            return
        for shard in manifest.shards if manifest is not None else ():
            for config, file in sorted(shard.files.items()):
                path = self.shard(config, shard.name)
                try:
                    if identity.of_file(path, like=file.hash) != file.hash:
                        yield f"{path}: not the bytes that were written: {_AGAIN}"
                except OSError as error:
                    yield f"{path}: {error.strerror}: {_AGAIN}"


_AGAIN = "`cadenza env dataset PROJECT update` makes it anew"


def manifest_file(data: bytes) -> str:
    """What a manifest's file is called."""
    return f"manifest-{short(identity.of(data))}.json"


def short(value: str) -> str:
    """The first 32 bits of what bytes are known by, as files are named."""
    return value.rpartition(":")[2][:8]


def _ours(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for entry in list(os.scandir(folder)):
            is_manifest = _MANIFEST.fullmatch(entry.name) is not None
            if entry.is_file(follow_symlinks=False) and (
                is_manifest or (entry.name.endswith(SHARD) and not entry.name.startswith("."))
            ):
                yield Path(entry.path)
