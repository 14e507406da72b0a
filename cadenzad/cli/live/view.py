"""What of a fleet is on the screen, and what keys change of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

UP, DOWN = frozenset({"up", "k"}), frozenset({"down", "j"})
OPEN, BACK = frozenset({"enter", "right", "l"}), frozenset({"left", "escape", "backspace", "h"})
LEAVE = "q"
PAGE = 10


@dataclass
class View:
    """`selected` and `opened` are projects' paths, so that a list in a new order moves neither."""

    selected: str = ""
    opened: str = ""
    scroll: int = 0
    """Lines of the opened project that are above the screen."""

    def press(self, key: str, paths: Sequence[str]) -> bool:
        """Do what a key asks for, given the projects there are; False to leave."""
        if key == LEAVE:
            return False
        if self.opened:
            self._in_project(key)
        elif key in OPEN and paths:
            self.opened, self.scroll = self.at(paths), 0
        else:
            self._select(key, paths)
        return True

    def _in_project(self, key: str) -> None:
        if key in BACK:
            self.opened = ""
        else:
            steps = {"pageup": -PAGE, "pagedown": PAGE, "home": -self.scroll}
            step = -1 if key in UP else 1 if key in DOWN else steps.get(key, 0)
            self.scroll = max(0, self.scroll + step)

    def _select(self, key: str, paths: Sequence[str]) -> None:
        if not paths:
            return
        last = len(paths) - 1
        steps = {"pageup": -PAGE, "pagedown": PAGE, "home": -last, "end": last}
        step = -1 if key in UP else 1 if key in DOWN else steps.get(key, 0)
        place = paths.index(self.at(paths)) + step
        self.selected = paths[min(max(place, 0), last)]

    def at(self, paths: Sequence[str]) -> str:
        """The selected project: the first while none is, or while it is gone."""
        return self.selected if self.selected in paths else paths[0]

    def window(self, paths: Sequence[str], room: int) -> slice:
        """Which of the projects have room on the screen, the selected one among them."""
        if not paths:
            return slice(0, 0)
        place = paths.index(self.at(paths))
        first = max(0, min(place - room // 2, len(paths) - room))
        return slice(first, first + room)
