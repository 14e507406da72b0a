"""An adapter as a repository of the model hub has it: a folder that can be uploaded as it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from handlers.lora.hub.card import UNSTATED, model_card
from handlers.lora.hub.curves import RUNS
from handlers.lora.model.files import read_head
from handlers.lora.model.names import CARD, CONFIG, CURVE, HEAD, KNOWN, SCORECARD, WEIGHTS
from handlers.project.paths import printable
from store.durable import make_folder
from store.errors import InputError

FILES = (CONFIG, WEIGHTS, HEAD, KNOWN, CURVE, SCORECARD)
ATTRIBUTES = ".gitattributes"
LARGE = "".join(
    f"{name} filter=lfs diff=lfs merge=lfs -text\n" for name in ("*.safetensors", "*.tfevents*")
)


def push(version: Path, out: Path, license: str = UNSTATED) -> list[str]:
    """Copy a version into `out`, new or empty; the names that were written.

    Raises InputError for a version that is damaged, or a folder that cannot take it.
    """
    read_head(version)

    def fill(draft: Path) -> None:
        for name in FILES:
            if (version / name).is_file():
                shutil.copyfile(version / name, draft / name)
        if (version / RUNS).is_dir() and not (version / RUNS).is_symlink():
            shutil.copytree(version / RUNS, draft / RUNS)
        (draft / ATTRIBUTES).write_text(LARGE, encoding="utf-8")
        (draft / CARD).write_text(model_card(draft, license), encoding="utf-8")

    filled(out, fill)
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def filled(out: Path, fill: Callable[[Path], None]) -> None:
    """Make a folder and fill it; nothing of it stays when that fails.

    Raises InputError for one that holds something, or that cannot be written.
    """
    try:
        there = out.is_dir() and any(out.iterdir())
        if there or (out.exists() and not out.is_dir()):
            what = "is not empty" if there else "is a file"
            raise InputError(f"{printable(str(out))}: {what}", hint="name a new folder")
        draft = out.parent / f".{out.name}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        make_folder(draft)
        try:
            fill(draft)
            if out.is_dir():
                out.rmdir()
            draft.rename(out)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        where = printable(str(error.filename or out))
        raise InputError(f"{where}: cannot be written: {error.strerror or error}") from None
