"""Counts of a dataset: by split, action, reward and label; and prompts that both splits have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from handlers.dataset.folder.manifest import CONFIGS, Manifest, Shard
from handlers.dataset.folder.place import Place
from handlers.dataset.folder.split import TEST, TRAIN
from store.errors import InputError

BINS = 20


@dataclass(frozen=True)
class Spread:
    """Numbers in short: how many are known, least, mean, greatest, and a histogram of BINS bins."""

    known: int
    unknown: int
    least: float | None
    mean: float | None
    greatest: float | None
    bins: tuple[int, ...]


@dataclass(frozen=True)
class Summary:
    """What a dataset holds.

    `copies`: runs left out, as others have the same steps. `rows`: config -> split -> rows.
    `actions`: name -> steps. `labels`: KTO's. `severity`: of the preferences. `collisions`: config
    -> how many different prompts of the test split training has too, word for word, and of how
    many.
    """

    runs: int
    copies: int
    episodes: int
    outcomes: Mapping[str, int]
    causes: Mapping[str, int]
    rows: Mapping[str, Mapping[str, int]]
    left_out: Mapping[str, Mapping[str, int]]
    actions: Mapping[str, int]
    rewards: Spread
    returns: Spread
    severity: Spread
    labels: Mapping[str, int]
    collisions: Mapping[str, tuple[int, int]]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def in_force(place: Place) -> Manifest:
    """The manifest in force. Raises InputError where there is no dataset, DamagedDataset."""
    manifest = place.current()
    if manifest is None:
        raise InputError(
            f"{place.root}: there is no dataset",
            hint='`cadenza env dataset PROJECT update` makes it; [export] formats = ["jsonl",'
            ' "dataset"] in cadenzad.toml has the daemon keep it',
        )
    return manifest


def summarise(place: Place, manifest: Manifest) -> Summary:
    """Read the shards that are in force. Raises OSError."""
    actions: Counter[str] = Counter()
    rewards: list[np.ndarray[Any, Any]] = []
    for _, table in tables(place, manifest, "steps", ("action", "reward")):
        actions.update(table["action"].to_pylist())
        rewards.append(_numbers(table["reward"]))
    severity = [_numbers(t["margin"]) for _, t in tables(place, manifest, "dpo", ("margin",))]
    notes = [note for shard in manifest.shards for note in shard.episodes]
    totals = np.array([note.total for note in notes], dtype=np.float64)
    good, bad = manifest.labels()
    return Summary(
        runs=len(manifest.shards),
        copies=len(manifest.duplicates),
        episodes=len(notes),
        outcomes=manifest.outcomes(),
        causes=manifest.causes(),
        rows={c: {s: manifest.rows(c, s) for s in (TRAIN, TEST)} for c in CONFIGS},
        left_out={config: manifest.left_out(config) for config in CONFIGS},
        actions=dict(actions.most_common()),
        rewards=_spread(rewards),
        returns=_spread([totals]),
        severity=_spread(severity),
        labels={"true": good, "false": bad},
        collisions={c: _collisions(place, manifest, c) for c in ("sft", "dpo", "kto")},
    )


def tables(
    place: Place, manifest: Manifest, config: str, columns: Sequence[str], split: str | None = None
) -> Iterator[tuple[Shard, pa.Table]]:
    """Some columns of each file of a config, by run. Raises OSError."""
    for shard, _ in manifest.files(config, split):
        yield shard, pq.ParquetFile(place.shard(config, shard.name)).read(columns=list(columns))


def _collisions(place: Place, manifest: Manifest, config: str) -> tuple[int, int]:
    """How many different prompts of the test split are in training as well, of how many."""
    tests = {
        prompt
        for _, table in tables(place, manifest, config, ("prompt",), TEST)
        for prompt in table["prompt"].to_pylist()
    }
    both: set[str] = set()
    for _, table in tables(place, manifest, config, ("prompt",), TRAIN) if tests else ():
        both.update(tests.intersection(table["prompt"].to_pylist()))
    return len(both), len(tests)


def _numbers(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """A column of numbers; NaN where it is unknown."""
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _spread(parts: Sequence[np.ndarray[Any, Any]]) -> Spread:
    values = np.concatenate(parts) if parts else np.array([])
    known = values[~np.isnan(values)]
    unknown = len(values) - len(known)
    if not len(known):
        return Spread(0, unknown, None, None, None, ())
    bins, _ = np.histogram(known, bins=BINS)
    low, high = float(known.min()), float(known.max())
    return Spread(len(known), unknown, low, float(known.mean()), high, tuple(map(int, bins)))
