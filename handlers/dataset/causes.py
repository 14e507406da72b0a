"""Why an episode did not succeed: the failure modes that its ticks show, found as the judge does.

Of one episode alone. Mining also holds what failed runs show against what successful ones do; that
verdict changes as runs arrive, and a row must not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from handlers.judge.evidence.causes import ending
from handlers.judge.evidence.causes.explain import shown_by
from handlers.judge.evidence.legs import Sight, legs_of
from handlers.judge.evidence.mining import vocabulary
from handlers.judge.evidence.reading import episodes_of
from handlers.judge.evidence.ticks import Episode, RunLog
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec

LARGEST = 64 * 1024 * 1024
"""Bytes of a log that is asked for causes, because that holds all of its ticks: 25,000 of them."""


class Causes:
    """Finds the causes in logs of one mission."""

    def __init__(self, spec: ProjectSpec, library: ActionLibrary) -> None:
        self._words, self._sight = vocabulary(spec, library), Sight(spec, library)

    def of(self, log: Path) -> list[tuple[str, ...]]:
        """For each episode of a log its failure modes, in the order they are shown.

        Empty for one that succeeded. Raises OSError.
        """
        return [
            () if episode.outcome == "succeeded" else tuple(dict.fromkeys(self._shown(episode)))
            for episode in episodes_of(RunLog("", log), self._words)
        ]

    def _shown(self, episode: Episode) -> Iterator[str]:
        for leg in legs_of(episode, self._sight):
            found = sorted(shown_by(leg, everything=not leg.done), key=lambda item: item.first)
            stopped = list(ending.interrupted(leg))
            left_to_say = [] if found or stopped or leg.done else ending.symptom(leg)
            yield from (item.kind for item in (*found, *stopped, *left_to_say))
