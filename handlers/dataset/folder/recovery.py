"""The dataset's folder and its event, made to agree after a job that was killed between the two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from handlers.dataset.folder.place import DATASET_DIR, DamagedDataset, Place
from handlers.recovery import Effect
from store import identity
from store.errors import CadenzaError
from store.events.base import Event
from store.events.exports import DatasetUpdated
from store.reads.state import State

if TYPE_CHECKING:
    from store.database.backend import Readable


def complete(project: Path, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """The event, if what it speaks of is in force; else none."""
    place = Place(project)
    try:
        name = place.manifest_name()
        known = None if name is None else identity.of((place.root / name).read_bytes())
    except (DamagedDataset, OSError):
        return ()
    in_force = all(isinstance(e, DatasetUpdated) and e.manifest_hash == known for e in events)
    return events if in_force else ()


DATASETS = Effect(
    "dataset",
    DATASET_DIR,
    (DatasetUpdated,),
    complete,
    tidy=lambda project: Place(project).tidy(),
)
"""What the job does to the folder: new shards, and README.md that names them."""


def problems(view: Readable, project: str) -> list[str]:
    """How a dataset differs from what is recorded of it, and from what its manifest says."""
    row = State(view).dataset(project)
    if row is None:
        return []
    try:
        place = Place(Path(project))
        name = place.manifest_name()
        if name is None:
            return [f"{place.root}: is missing; `cadenza env dataset PROJECT update` makes it anew"]
        found = list(place.problems())
        if not found and identity.of((place.root / name).read_bytes()) != row.manifest_hash:
            found.append(f"{place.root / name}: not the manifest that was recorded")
        return found
    except CadenzaError as error:
        return [error.with_hint]
    except OSError as error:
        return [f"{error.filename}: {error.strerror}"]
