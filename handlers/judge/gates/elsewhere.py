"""Missions of a trial driven by other processes, on this machine or another.

They get a copy of what drives: the mission alone where the brain is ours, else the project without
its logs and versions, as a brain may read what lies beside it. Whether its code is the trusted one
is looked at in the copy again, by whoever is about to run it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any

from handlers.judge.gates.arena import Arena, Broken, Prompt
from handlers.judge.gates.tally import Drive
from handlers.judge.policy import Choice, choose_policy
from handlers.judge.prompt.source import PromptSource, find_prompt
from handlers.mission.episode.setting import mission_files
from handlers.project.paths import classify
from handlers.project.project import Project
from handlers.spread import NoRoom, Spread
from store.errors import InputError

MOST_BYTES = 64 << 20
"""A project with more than that beside its logs is driven where it is."""


class Missions:
    """`choice`: what drives, under the prompt of `source` and changes of it; `named`: where that
    prompt is, as `judge.prompt` says it."""

    def __init__(
        self, project: Project, source: PromptSource, choice: Choice, named: str, spread: Spread
    ) -> None:
        self._project, self._source, self._choice = project, source, choice
        self._named, self._spread = named, spread

    @property
    def width(self) -> int:
        """How many are driven at once."""
        return self._spread.width

    def __call__(self, tasks: Sequence[tuple[PromptSource, int]]) -> Iterator[Drive | Broken]:
        """Drive a mission for each prompt and seed, in their order. Raises NoRoom."""
        shape = {
            "spec": self._project.spec.model_dump(mode="json"),
            "trusted": self._choice.sha256 if self._choice.kind == "decide" else None,
            "named": self._named,
        }
        parts = [{**shape, "prompt": source.value, "seed": seed} for source, seed in tasks]
        files = self._files()
        with closing(self._spread.map(f"{__name__}:drive_there", parts, files)) as found:
            for drive in found:
                if "broken" in drive:
                    yield Broken(*drive["broken"])
                else:
                    yield Drive(**{**drive, "phases": tuple(drive["phases"])})

    def _files(self) -> list[str]:
        """What the copy is made of, relative to the project. Raises NoRoom for too much."""
        root = self._project.path
        found = set(mission_files(self._project))
        if self._choice.kind == "decide":
            found |= set(_beside(root))
        if sum(path.stat().st_size for path in found) > MOST_BYTES:
            raise NoRoom(f"{root}: more than {MOST_BYTES >> 20} MiB beside its logs")
        return sorted(str(path.relative_to(root)) for path in found)


def _beside(root: Path) -> Iterator[Path]:
    """What a brain of the project may read: all but logs, hidden folders and environments."""
    for folder, folders, names in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not (Path(folder, name) / "pyvenv.cfg").exists()
        ]
        for name in names:
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            if path.is_file() and classify(relative) in ("ignore", "config"):
                yield path


def drive_there(folder: Path, part: Mapping[str, Any]) -> dict[str, Any]:
    """A mission of `Missions`, as JSON, from copies of a project's files.

    Raises InputError for another mission, or other code, than what is meant.
    """
    arena, source = _arena(folder, part["named"], part["trusted"])
    if arena.spec.model_dump(mode="json") != part["spec"]:
        raise InputError(f"{folder}: env.json changed meanwhile")
    driven = arena.drive(Prompt(source, part["prompt"]), part["seed"])
    if isinstance(driven, Broken):
        return {"broken": [driven.message, driven.hint, driven.asked]}
    return {
        "seed": driven.seed,
        "success": driven.success,
        "phases": list(driven.phases),
        "falls": driven.falls,
        "reached": driven.reached,
    }


@lru_cache(maxsize=1)
def _arena(folder: Path, named: str, trusted: str | None) -> tuple[Arena, Path]:
    """Opened once for all the missions that come: these copies are never written again."""
    project = Project.open(folder, actions=True)
    if trusted is None:
        choice, path = Choice("built-in"), folder
    else:
        source = find_prompt(project.path, named)
        choice, path = choose_policy(project.path, source, trusted), source.path
        if choice.kind != "decide":
            raise InputError(choice.reason)
    arena = Arena(project.spec, project.library, choice, project.path)
    return arena.__enter__(), path
