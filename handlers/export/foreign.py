"""Is a log of this mission? One of another project is named, not exported under this one's name.

A log is foreign when it names phases and none of them is one of env.json's. One phase in common is
enough, for an env.json is edited: phases are added, and goals worded anew. A log without phases
says nothing. Where the log itself cannot tell, whoever asks may insist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from store.errors import InputError

SHOWN = 3


class ForeignLog(InputError):
    """A log that is not of the mission that it was to be exported for."""


class PhasesSeen:
    """Compares the phases that a log names with a mission's, as the log is read.

    `known`: names of the mission's phases; empty, nothing is compared.
    """

    def __init__(self, known: Sequence[str]) -> None:
        self._known = frozenset(known)
        self._in_order = tuple(known)
        self._others: dict[str, None] = {}
        self.is_settled = not known
        """Nothing that the log may still name changes the answer."""

    def add(self, phases: Iterable[str | None]) -> None:
        """What some lines of the log name as their phase."""
        if self.is_settled:
            return
        named = {phase for phase in phases if phase}
        self.is_settled = not self._known.isdisjoint(named)
        if len(self._others) <= SHOWN:
            self._others.update(dict.fromkeys(sorted(named)))

    def check(self, log: Path, mission: str) -> None:
        """Raises ForeignLog, once all of the log was seen."""
        if self.is_settled or not self._others:
            return
        raise ForeignLog(
            f"{log}: names no phase of mission {mission!r}: it has {_listed(self._others)}, "
            f"env.json has {_listed(self._in_order)}",
            hint="move it to the project it is of; if env.json was changed since, insist: "
            "cadenza env finetune PROJECT LOG -o FILE --foreign",
        )


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = "" if len(known) <= SHOWN else ", ..."
    return ", ".join(repr(name[:60]) for name in known[:SHOWN]) + more
