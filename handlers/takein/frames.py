"""What every reader makes of a recording: episodes of frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast, get_args

from store.errors import CadenzaError, InputError, one_line
from store.events.files import Outcome

_OUTCOMES = frozenset(get_args(Outcome))


@dataclass(frozen=True, slots=True)
class Frame:
    """Values by source at one time. `time_s`: since the episode began, s; None: unknown.

    `values`: what `Mapping.of` looks up: numbers, texts, lists, objects.
    """

    time_s: float | None
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Episode:
    """Frames in order. `whole`: each is a tick of a run log as it stands, not to be mapped.

    `outcome`: how the recording says that it went, in an event's words; None: it does not say, and
    the frames' own flags tell.
    """

    frames: Iterator[Frame]
    whole: bool = False
    outcome: Outcome | None = None


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


def check_all_there(path: Path, found: int, told: object, what: str) -> None:
    """Raises InputError where a dataset holds less than its own metadata says.

    `told`: how many of `what` that says; anything but a count says nothing.
    """
    if type(told) is int and found < told:
        raise InputError(
            f"{path}: holds {found:,} of the {told:,} {what} that its metadata speaks of",
            hint="wait until it is copied, or copy it again",
        )


def outcome_of(told: object) -> Outcome | None:
    """An outcome as `cadenza env finetune` writes it beside an episode; None for anything else."""
    return cast(Outcome, told) if told in _OUTCOMES else None


@contextmanager
def reading(file: Path, kind: str) -> Iterator[None]:
    """What a library says of a damaged file as one InputError that names the file.

    Which errors those are is nowhere written down (of Arrow, HDF5 and the decompressors beneath
    them), so all are meant, but what the operating system refuses and what is an error of ours.
    """
    try:
        yield
    except CadenzaError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise _damaged(file, kind, error) from None
    except Exception as error:  # noqa: BLE001
        raise _damaged(file, kind, error) from None


def _damaged(file: Path, kind: str, error: Exception) -> InputError:
    told = one_line(str(error) or type(error).__name__)
    return InputError(
        f"{file}: cannot be read as {kind}: {told[:200]}",
        hint="copy it again from where it was recorded",
    )
