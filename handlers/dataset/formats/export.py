"""One export of logs in a format by its name: made beside its target, then put in place.

A folder also gets MANIFEST, which says what it was made of. There is no clock and no path in it:
the same logs and env.json give the same manifest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from handlers.dataset.formats.names import WRITERS, Format, Writer
from handlers.dataset.formats.place import MANIFEST, replacing
from handlers.dataset.formats.source import Sources
from handlers.dataset.rows import ALIGNMENT
from handlers.dataset.schema import VERSION
from handlers.project.paths import printable, run_id_of
from store import identity
from store.errors import NothingToExport

SCHEMA = "cadenza/dataset-export/1"
AS_LOGGED = "as logged: an observation is of after its action"


_VERSIONS = ("pyarrow", "numpy", "minari", "h5py", "mcap")


@dataclass(frozen=True)
class Made:
    """What an export came to. `hash`: of the file, or of the folder's manifest."""

    format: Format
    target: Path
    steps: int
    by_run: Mapping[str, int]
    left_out: Mapping[str, int]
    rejected: int
    hash: str

    @property
    def alignment(self) -> str:
        return _alignment(self.format)

    @property
    def manifest(self) -> str | None:
        """The path of a folder's manifest, as events name it."""
        is_folder = WRITERS[self.format].is_folder
        return printable(str(self.target / MANIFEST)) if is_folder else None

    def as_json(self) -> dict[str, Any]:
        return {
            "output": str(self.target),
            "format": self.format,
            "steps": self.steps,
            "runs": dict(self.by_run),
            "left_out": dict(self.left_out),
            "rejected": self.rejected,
            "alignment": self.alignment,
            "output_hash": self.hash,
        }


def export(kind: Format, sources: Sources, target: Path, *, force: bool) -> Made:
    """Write all that is wanted of `sources` to `target`; nothing is there before all of it is.

    Raises NothingToExport when it comes to no step, InputError, OSError.
    """
    writer = WRITERS[kind]
    with replacing(target, force=force) as place:
        if writer.is_folder:
            place.mkdir()
        steps = _call(kind, writer, target.name)(sources, place)
        if not steps:
            if sources.foreign and not sources.taken:
                raise next(iter(sources.foreign.values()))
            raise NothingToExport(
                f"nothing to export: {_why(sources)}",
                hint="an observation before the action is in logs that begin with tick 0, "
                "as those of `cadenza env run`",
            )
        told = json.dumps(_manifest(kind, sources, place), indent=2, ensure_ascii=False) + "\n"
        if writer.is_folder:
            (place / MANIFEST).write_text(told, encoding="utf-8")
        known = identity.of(told.encode()) if writer.is_folder else identity.of_file(place)
    rejected = sum(_rejected(counts) for counts in sources.counts.values())
    return Made(kind, target, steps, dict(sources.steps), dict(sources.left_out), rejected, known)


def _call(kind: Format, writer: Writer, name: str) -> Callable[[Sources, Path], int]:
    write: Callable[..., int] = import_module(f"handlers.dataset.formats.{writer.module}").write
    if writer.module == "minaris":
        return partial(write, name=name, kind="arrow" if kind == "minari-arrow" else "hdf5")
    return partial(write, language=True) if kind == "lerobot-language" else write


def _alignment(kind: Format) -> str:
    return AS_LOGGED if kind == "mcap" else ALIGNMENT


def _rejected(counts: Mapping[str, Any]) -> int:
    return sum(counts["rejected"].values())


def _why(sources: Sources) -> str:
    reasons = [f"{count:,} steps: {reason}" for reason, count in sources.left_out.items()]
    return "; ".join(reasons) or "the logs hold no step"


def _manifest(kind: Format, sources: Sources, place: Path) -> dict[str, Any]:
    files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else []
    return {
        "schema": SCHEMA,
        "format": kind,
        "mission": sources.mission.name,
        "robot": sources.mission.robot,
        "alignment": _alignment(kind),
        "row_schema": VERSION,
        "include_failures": sources.include_failures,
        "min_reward": sources.min_reward if kind == "trl" else None,
        "sources": [
            {
                "run_id": run_id_of(log),
                "name": log.name,
                "hash": identity.of_file(log),
                "lines": sources.counts[str(log)],
            }
            for log in sources.taken
        ],
        "left_out": dict(sorted(sources.left_out.items())),
        "files": {path.relative_to(place).as_posix(): identity.of_file(path) for path in files},
        "made_with": {name: version for name in _VERSIONS if (version := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
