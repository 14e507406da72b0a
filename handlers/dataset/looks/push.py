"""A dataset in another folder, whole at every instant there as well. Nothing is sent anywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from handlers.dataset.folder.manifest import Manifest
from handlers.dataset.folder.place import READABLE, DamagedDataset, Place
from store import identity
from store.durable import Draft
from store.errors import InputError

BLOCK = 1 << 20


def push(
    place: Place, manifest: Manifest, folder: Path, progress: Callable[[int], object]
) -> tuple[int, int]:
    """Bring a folder in line with a dataset; how many files were copied, of how many.

    `progress` is called with the number of runs that are done. `folder` is new, empty, or holds a
    dataset of ours. Raises InputError for another, OSError, and DamagedDataset for a shard that is
    not as it was written.
    """
    target = Place.at(folder)
    _check(target)
    target.prepare()
    copied = count = 0
    for done, shard in enumerate(manifest.shards, 1):
        for config, file in shard.files.items():
            count += 1
            there = target.shard(config, shard.name)
            if there.is_file() and identity.of_file(there, like=file.hash) == file.hash:
                continue
            _copy(place.shard(config, shard.name), there, file.hash)
            copied += 1
        progress(done)
    target.put_in_force(manifest)
    target.tidy()
    return copied, count


def _check(target: Place) -> None:
    if not target.root.exists() or not os.listdir(target.root):
        return
    try:
        if target.manifest_name() is not None:
            return
        reason = "is not empty and holds no dataset"
    except DamagedDataset as error:
        reason = error.message
    raise InputError(f"{target.root}: {reason}", hint="name a new folder, or a dataset's")


def _copy(source: Path, target: Path, known: str) -> None:
    digest = identity.Digest(known)
    with source.open("rb") as stream, Draft(target, mode=READABLE) as draft:
        while block := stream.read(BLOCK):
            digest.update(block)
            draft.write(block)
        if digest.value() != known:
            raise DamagedDataset(f"{source}: not the bytes that were written")
        draft.sync()
        draft.replace()
