"""A result under its name, whole or not at all: a file, or a folder of files.

It is made beside its target under a hidden name that is held while its maker lives, synced file by
file, and renamed. What a killed maker leaves is removed by the next one in that folder. Makers of
one target take turns when they put it in place: the last one's is there, whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from handlers.project.paths import SPEC_FILE
from store.durable import Draft, hold, remove_abandoned, sync
from store.errors import InputError

MANIFEST = "cadenza.manifest.json"
"""What a folder that is an export holds, and by which it is known as one."""
_MAKING = ".cadenza-making-"


@contextlib.contextmanager
def replacing(target: Path, *, force: bool) -> Iterator[Path]:
    """Where to make what will be `target`: a name that does not exist yet, in a folder of ours.

    Leaving the block puts it in place; leaving it by an error leaves everything as it was. What is
    at `target` already is replaced only with `force`. Raises InputError, OSError.
    """
    check(target, force=force)
    making, held = _folder_in(target.parent)
    try:
        made = making / "new"
        yield made
        _sync(made)
        with Draft(target):  # nobody else's turn
            check(target, force=force)
            _swap(made, target, making / "old")
        sync(target.parent)
    finally:
        shutil.rmtree(making, ignore_errors=True)
        os.close(held)


def _folder_in(parent: Path) -> tuple[Path, int]:
    """A folder to make something in, and what holds it; those that nobody holds are removed."""
    while True:
        remove_abandoned(parent.glob(f"{_MAKING}*"))
        making = Path(tempfile.mkdtemp(dir=parent, prefix=_MAKING))
        with contextlib.suppress(FileNotFoundError):
            held = hold(making)
            if making.is_dir():
                return making, held
            os.close(held)  # another maker took it for an abandoned one, before it was held


def _swap(made: Path, target: Path, old: Path) -> None:
    if not os.path.lexists(target):
        os.rename(made, target)
        return
    # Two names cannot change places in one step everywhere: the old one is kept, under a name of
    # ours, until the new one is there.
    os.rename(target, old)
    try:
        os.rename(made, target)
    except OSError:
        os.rename(old, target)
        raise


def check(target: Path, *, force: bool) -> None:
    """Raises InputError where there is something at `target` already and nobody insists, or a
    folder that is not an export: a project's own, say.
    """
    if not force and os.path.lexists(target):
        raise InputError(
            f"{target}: is there already, and stays as it is",
            hint="name another place, or say --force to have it replaced",
        )

    if target.is_dir() and not target.is_symlink():
        inside = set(os.listdir(target))
        if inside and (MANIFEST not in inside or SPEC_FILE in inside):
            raise InputError(
                f"{target}: is a folder that no export made, and stays as it is",
                hint=f"name another place: --force replaces only a folder with {MANIFEST} in it",
            )


def _sync(made: Path) -> None:
    if made.is_dir():
        for folder, _, names in os.walk(made):
            for name in names:
                sync(Path(folder, name))
            sync(Path(folder))
    else:
        sync(made)
