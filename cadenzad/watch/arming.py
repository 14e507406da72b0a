"""Folders are watched, and every way in which that fails is a degraded reason, never silence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cadenzad.config.files import Config
from cadenzad.watch.degraded import DegradedReasons
from cadenzad.watch.inotify import FolderWatches, WatchRefused

REARM_S = 1.0
"""How often a lost folder is looked for between reconciles, in seconds."""


class Arming:
    """The watches, which of them were lost, and when to look for those again."""

    def __init__(self, watches: FolderWatches | None, degraded: DegradedReasons) -> None:
        """`watches` None: no watching, scans alone."""
        self._watches = watches
        self._degraded = degraded
        self._lost: set[Path] = set()
        self._next_look = 0.0

    @property
    def watching(self) -> bool:
        """False where scans are all there is from the outset."""
        return self._watches is not None

    @property
    def armed(self) -> list[Path]:
        """The folders that are watched now."""
        return list(self._watches.armed) if self._watches is not None else []

    def arm(self, folder: Path, config: Config) -> bool:
        """Watch a folder; False (and a degraded reason) when it is not there at all."""
        if self._watches is None:
            return os.path.isdir(folder)
        try:
            self._watches.arm(folder)
        except WatchRefused as refusal:
            code = refusal.reason
            if code in ("missing", "not-a-folder"):
                self._lost.add(folder)
                self._degraded.add(f"missing:{folder}", f"{folder}: {refusal.text}")
                return False
            # One reason for all folders where the cause is the machine's, not the folder's.
            shared = code in ("watch-limit", "instance-limit", "no-inotify")
            detail = f"{refusal.message}; found by the scan every {config.reconcile.every:g} s"
            self._degraded.add(code if shared else f"{code}:{folder}", detail)
            return True
        self._lost.discard(folder)
        return True

    def disarm_all_but(self, wanted: Callable[[Path], bool]) -> None:
        """Stop watching what is not wanted any more."""
        if self._watches is not None:
            for folder in self._watches.armed:
                if not wanted(folder):
                    self._watches.disarm(folder)

    def probe(self, folder: Path) -> bool:
        """Send a cookie through the watcher; False where no folder is watched at all."""
        if self._watches is None or self._degraded.blind:
            return False
        self._watches.probe(folder)
        return True

    def check(self, config: Config) -> None:
        """Find the watches that ended without a word."""
        if self._watches is not None:
            for lost in self._watches.check():
                self.lose(lost.folder, lost.reason, config)

    def lose(self, folder: Path, reason: str, config: Config) -> None:
        """A watch is void: say so, and look for the folder until it is back."""
        if folder not in config.workspaces and not os.path.lexists(folder):
            return  # a project or folder that was removed: the reconcile records it
        self._lost.add(folder)
        self._next_look = 0.0
        self._degraded.add(
            f"lost:{folder}", f"{folder}: its watch was lost: {reason}; scanned instead"
        )

    def next_look(self) -> float | None:
        """When to look for lost folders, by time.monotonic; None where none is lost."""
        return self._next_look if self._lost else None

    def came_back(self, now: float) -> bool:
        """Whether a lost folder is there again. Looks at most once in REARM_S."""
        if not self._lost or now < self._next_look:
            return False
        self._next_look = now + REARM_S
        back = [folder for folder in self._lost if os.path.isdir(folder)]
        self._lost.difference_update(back)
        return bool(back)
