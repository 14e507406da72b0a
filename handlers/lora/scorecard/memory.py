"""Plans that were simulated before: what became of their runs, kept by plan, seeds and sources."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from handlers.project.formats.examples import Step
from store.durable import make_folder, write_file
from store.ownership import PRIVATE_FOLDER

REMEMBERED = 2000
"""So many plans are kept, the latest."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the runs of one plan. `fell` includes runs that the physics gave up on.

    `ticks`, `joints` and `torques` are control periods of 20 ms: all, and those with a joint or a
    motor at its limit.
    """

    runs: int
    fell: int
    touched: int
    ticks: int
    joints: int
    torques: int


class Memory:
    """Counts of plans that were simulated before: the same plan and seeds give the same bytes.

    They lie in a folder of ours, not in the project's, which could say what it likes. A plan's key
    holds the simulation's own sources and MuJoCo's version, so that a change of either forgets all.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._code = _simulation_sha256() if folder is not None else ""

    def recall(self, steps: Sequence[Step], seeds: int) -> Counts | None:
        path = self._path(steps, seeds)
        try:
            return Counts(**json.loads(path.read_bytes())) if path is not None else None
        except (OSError, ValueError, TypeError):
            return None

    def keep(self, steps: Sequence[Step], seeds: int, counts: Counts) -> None:
        """Remember; where that cannot be, it is only slower the next time."""
        path = self._path(steps, seeds)
        if path is None:
            return
        try:
            make_folder(path.parent, PRIVATE_FOLDER)
            write_file(path, json.dumps(asdict(counts)).encode())
            old = sorted(path.parent.glob("*.json"), key=lambda item: item.stat().st_mtime)
            for item in old[:-REMEMBERED]:
                item.unlink(missing_ok=True)
        except OSError:
            return

    def _path(self, steps: Sequence[Step], seeds: int) -> Path | None:
        if self._folder is None:
            return None
        key = json.dumps([self._code, seeds, [step.as_json() for step in steps]])
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _simulation_sha256() -> str:
    """What a run's outcome depends on besides its plan and seed."""
    digest = hashlib.sha256(version("mujoco").encode())
    for path in simulation_sources():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def simulation_sources() -> list[Path]:
    """The files that a simulation is made of: all of the mission's, in every room."""
    import handlers.mission

    root = Path(handlers.mission.__path__[0])
    return sorted(path for path in root.rglob("*") if path.suffix in (".py", ".xml"))
