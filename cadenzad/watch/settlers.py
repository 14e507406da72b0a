"""Which settler holds a file back: the daemon's, or that of a project with delays of its own."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from cadenzad.config.settings import Watch
from cadenzad.watch.settle import Drop, Settler


class Settlers:
    """The daemon's settler, and one for each project whose cadenzad.toml asks for more patience."""

    def __init__(self, delays: Watch) -> None:
        self._delays = delays
        self._common = Settler(*_seconds(delays))
        self._own: dict[Path, Settler] = {}

    def reconfigure(self, delays: Watch) -> None:
        """Other delays for every project without its own."""
        self._delays = delays
        self._common.reconfigure(*_seconds(delays))

    def set_own(self, project: Path, delays: Watch) -> None:
        """What holds for a project; the daemon's delays where it asks for nothing else."""
        own = self._own.get(project)
        if own is not None:
            own.reconfigure(*_seconds(delays))
        elif delays != self._delays:
            self._own[project] = Settler(*_seconds(delays))

    def of(self, path: Path) -> Settler:
        """The settler of the project that a file lies in."""
        owners = (own for project, own in self._own.items() if project in path.parents)
        return next(owners, self._common)

    def due(self, now: float) -> list[Drop]:
        """The files that became drops by `now` (monotonic seconds)."""
        return list(chain.from_iterable(settler.due(now) for settler in self._all()))

    def next_deadline(self) -> float | None:
        """When `due` has something to do next; None while nothing is held back."""
        deadlines = (settler.next_deadline() for settler in self._all())
        return min((when for when in deadlines if when is not None), default=None)

    def __len__(self) -> int:
        """How many files are held back."""
        return sum(map(len, self._all()))

    def _all(self) -> tuple[Settler, ...]:
        return self._common, *self._own.values()


def _seconds(delays: Watch) -> tuple[float, float, float]:
    return delays.settle, delays.settle_open, delays.max_wait
