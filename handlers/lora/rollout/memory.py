"""What was simulated before: what became of it, kept by all that the outcome depends on."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from store.durable import make_folder, write_file
from store.ownership import PRIVATE_FOLDER

REMEMBERED = 2000
"""So many outcomes are kept, the latest."""


class Memory:
    """Outcomes by key: the same plans, scene, robot, seeds and sources give the same bytes.

    They lie in a folder of ours, not in the project's, which could say what it likes. To the key
    the simulation's own sources and MuJoCo's version are added, so that a change of either forgets
    all.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def recall(self, *key: Any) -> Any:
        """What was kept under a key that can be written as JSON; None for nothing."""
        path = self._path(key)
        try:
            return json.loads(path.read_bytes()) if path is not None else None
        except (OSError, ValueError, RecursionError):
            return None

    def keep(self, value: Any, *key: Any) -> None:
        """Remember; where that cannot be, it is only slower the next time."""
        path = self._path(key)
        if path is None:
            return
        try:
            make_folder(path.parent, PRIVATE_FOLDER)
            write_file(path, json.dumps(value).encode())
            old = sorted(path.parent.glob("*.json"), key=lambda item: item.stat().st_mtime)
            for item in old[:-REMEMBERED]:
                item.unlink(missing_ok=True)
        except OSError:
            return

    def _path(self, key: tuple[Any, ...]) -> Path | None:
        if self._folder is None:
            return None
        text = json.dumps([simulation_sha256(), *key], sort_keys=True)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"


@lru_cache(maxsize=1)
def simulation_sha256() -> str:
    """What an outcome depends on besides its key: MuJoCo and our own sources."""
    digest = hashlib.sha256(version("mujoco").encode())
    for path in simulation_sources():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def simulation_sources() -> list[Path]:
    """The files that a simulation is made of: all of missions, projects and this room."""
    import handlers.mission
    import handlers.project

    roots = [Path(handlers.mission.__path__[0]), Path(handlers.project.__path__[0])]
    found = (path for root in (*roots, Path(__file__).parent) for path in root.rglob("*"))
    return sorted(path for path in found if path.suffix in (".py", ".xml"))
