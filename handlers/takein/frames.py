"""What every reader makes of a recording: episodes of frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Frame:
    """Values by source at one time. `time_s`: since the episode began, s; None: unknown.

    `values`: what `Mapping.of` looks up: numbers, texts, lists, objects.
    """

    time_s: float | None
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Episode:
    """Frames in order. `whole`: each is a tick of a run log as it stands, not to be mapped."""

    frames: Iterator[Frame]
    whole: bool = False


@dataclass
class Recording:
    """A recording while it is read: `notes` are what a user should know, one line each.

    `fields`: how its values map where the project does not say; empty where only the project can.
    """

    path: Path
    fields: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)


class Reader(Protocol):
    """Reads one kind of recording. Raises InputError for one that is none, OSError."""

    recording: Recording

    def episodes(self) -> Iterator[Episode]: ...
