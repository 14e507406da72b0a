"""Episodes that are bad to train on, and why: what a person should look at, or leave out.

unknown        values that the log does not have, or has as NaN
diverged       a pose that physics does not allow
constant       a dimension of the observation that never changes: normalising it divides by zero
one action     the same action at every step
duplicate      actions, observations and rewards of another episode; a whole run of those is in no
               config
interrupted, unfinished
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handlers.dataset.folder.manifest import Manifest
from handlers.dataset.folder.place import Place
from handlers.dataset.looks.summary import tables
from handlers.dataset.schema import OBSERVED, STATE
from store import identity

SHORTEST = 5
"""Steps from which it says something that a value never changes."""
STANDING = ("feet_grounded", "nearest_m")
"""Which may well be the same all along: four feet down, nothing near."""
_COLUMNS = (
    "episode_id", "outcome", "completion", "reward", "diverged", "next_observation",
)  # fmt: skip


@dataclass(frozen=True)
class Bad:
    """An episode and what is bad in it: kind -> in words."""

    episode: str
    run_path: str
    steps: int
    outcome: str
    problems: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def bad_episodes(place: Place, manifest: Manifest) -> Iterator[Bad]:
    """The episodes with something bad in them, by run; runs that are left out come last.

    Raises OSError.
    """
    seen: dict[str, str] = {}
    for shard, table in tables(place, manifest, "steps", _COLUMNS):
        for note in shard.episodes:
            rows = table.filter(pc.equal(table["episode_id"], note.id)).combine_chunks()
            problems = dict(_problems(rows, note.outcome))
            first = seen.setdefault(_digest(rows), note.id)
            if first != note.id:
                problems["duplicate"] = f"the same as {first}"
            if problems:
                yield Bad(note.id, shard.run_path, note.steps, note.outcome, problems)
    for twin in manifest.duplicates:
        told = {"duplicate": f"the same steps as {twin.twin_of}: left out of every config"}
        yield Bad(twin.run_id, twin.run_path, twin.steps, twin.outcome, told)


def _problems(rows: pa.Table, outcome: str) -> Iterator[tuple[str, str]]:
    states = _states(rows)
    unknown = {name: int(np.isnan(column).sum()) for name, column in states.items()}
    unknown["reward"] = rows["reward"].null_count
    told = [f"{name} in {count}" for name, count in unknown.items() if count]
    if told:
        yield "unknown", f"{', '.join(told)} of {rows.num_rows} steps"
    if diverged := sum(map(bool, rows["diverged"].to_pylist())):
        yield "diverged", f"{diverged} of {rows.num_rows} steps"
    if rows.num_rows >= SHORTEST:
        still = [name for name, column in states.items() if name not in STANDING and _still(column)]
        if still:
            yield "constant", ", ".join(still)
        said = set(rows["completion"].to_pylist())
        if len(said) == 1:
            yield "one action", said.pop().strip()
    if outcome in ("interrupted", "unfinished"):
        yield outcome, "its last step is marked truncated"


def _still(column: np.ndarray[Any, Any]) -> bool:
    return not np.isnan(column).any() and bool(np.ptp(column) == 0)


def _states(rows: pa.Table) -> dict[str, np.ndarray[Any, Any]]:
    """The observations after each step: name -> values, NaN where unknown."""
    fields = pa.concat_arrays(rows["next_observation"].chunks).flatten()
    return {
        name: np.asarray(fields[OBSERVED.index(name)].to_numpy(zero_copy_only=False), np.float64)
        for name in STATE
    }


def _digest(rows: pa.Table) -> str:
    """What an episode's steps are known by, whatever run they are of."""
    columns = [rows["completion"].to_pylist(), rows["reward"].to_pylist()]
    poses = [column.tolist() for column in _states(rows).values()]
    return identity.of(repr((columns, poses)).encode("utf-8", "surrogatepass"))
