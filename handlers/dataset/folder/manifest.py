"""What a dataset was made of and how, beside it: `manifest-<hash8>.json`.

There is no clock and no path of a machine in it: the same logs, env.json, settings and versions
give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from handlers.dataset.folder.split import split_of
from store import identity

CONFIGS = ("steps", "sft", "dpo", "kto", "rl")
SCHEMA: Literal["cadenza/dataset-manifest/1"] = "cadenza/dataset-manifest/1"


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything in a manifest."""


class ShardFile(_Part, frozen=True):
    """A file of a config: its hash, size in bytes, and rows."""

    hash: str
    size: int
    rows: int


class EpisodeNote(_Part, frozen=True):
    """An episode: `steps` rows; `total` of its rewards, None where one is unknown."""

    id: str
    outcome: str
    steps: int
    total: float | None
    causes: tuple[str, ...] | None


class Shard(_Part, frozen=True):
    """A run in the dataset.

    `name`: its files are `<config>/<name>.parquet`. `source_hash` covers the log's first
    `source_size` bytes. `content`: a hash of the rows themselves, whatever Parquet's writer makes
    of them; `steps_hash`: of actions, observations and rewards alone, whatever run they are of (""
    in manifests of before, and without a step). `lines`: what became of the log's lines
    (reading.Counts); `left_out`: config -> reason -> rows; `labels`: KTO's, true and false;
    `plain_prompts`: rows whose value the template does not suit.
    """

    run_id: str
    run_path: str
    source_hash: str
    source_size: int
    name: str
    content: str
    files: dict[str, ShardFile]
    episodes: tuple[EpisodeNote, ...]
    lines: dict[str, Any]
    left_out: dict[str, dict[str, int]]
    labels: tuple[int, int]
    plain_prompts: int = 0
    steps_hash: str = ""

    @property
    def known_by(self) -> str:
        """What a run of the same steps has in common with this one."""
        return self.steps_hash or self.source_hash


class Duplicate(_Part, frozen=True):
    """A run that is left out because another one, whose log is `twin_of`, has the same steps."""

    run_id: str
    run_path: str
    source_hash: str
    twin_of: str
    steps: int
    outcome: str


class Split(_Part, frozen=True):
    """How runs are split: the hash's salt, and the share that is held out."""

    salt: str
    test: float

    def of(self, shard: Shard) -> str:
        return split_of(shard.run_id, self.salt, self.test)


class Manifest(_Part, frozen=True):
    """A dataset. `recipe` is a hash of all that shapes a row besides the log (`Recipe`)."""

    schema: Literal["cadenza/dataset-manifest/1"]
    schema_version: int
    mission: str
    robot: str
    description: str
    alignment: str
    recipe: str
    template: str
    template_hash: str
    template_problem: str | None
    actions: tuple[str, ...]
    filters: dict[str, Any]
    split: Split
    shards: tuple[Shard, ...]
    content: str
    made_with: dict[str, str]
    duplicates: tuple[Duplicate, ...] = ()

    def rows(self, config: str, split: str | None = None) -> int:
        """How many rows a config has, in one split or in all."""
        return sum(file.rows for _, file in self.files(config, split))

    def files(self, config: str, split: str | None = None) -> list[tuple[Shard, ShardFile]]:
        """A config's files, by run."""
        return [
            (shard, shard.files[config])
            for shard in self.shards
            if config in shard.files and split in (None, self.split.of(shard))
        ]

    def left_out(self, config: str) -> dict[str, int]:
        """Steps that a config does not have, by the reason."""
        return dict(_summed(shard.left_out.get(config, {}) for shard in self.shards))

    def rejected(self) -> dict[str, int]:
        """Lines that hold no step, by the reason."""
        return dict(_summed(shard.lines["rejected"] for shard in self.shards))

    def labels(self) -> tuple[int, int]:
        """KTO's labels: how many are true, how many false."""
        pairs = [shard.labels for shard in self.shards]
        return sum(good for good, _ in pairs), sum(bad for _, bad in pairs)

    def outcomes(self) -> dict[str, int]:
        """Episodes by how they ended."""
        counted = Counter(note.outcome for shard in self.shards for note in shard.episodes)
        return dict(sorted(counted.items()))

    def causes(self) -> dict[str, int]:
        """Episodes by failure mode; one may show several."""
        notes = (note for shard in self.shards for note in shard.episodes)
        return dict(Counter(kind for note in notes for kind in note.causes or ()).most_common())


def without_twins(
    shards: Iterable[Shard],
) -> tuple[tuple[Shard, ...], tuple[Duplicate, ...]]:
    """The first of the shards that have the same steps, and the others as what they are."""
    first: dict[str, Shard] = {}
    duplicates = []
    for shard in shards:
        twin = first.setdefault(shard.known_by, shard)
        if twin is not shard:
            steps = sum(note.steps for note in shard.episodes)
            outcome = shard.episodes[0].outcome if shard.episodes else "unknown"
            duplicates.append(Duplicate(
                run_id=shard.run_id, run_path=shard.run_path, source_hash=shard.source_hash,
                twin_of=twin.run_path, steps=steps, outcome=outcome,
            ))  # fmt: skip
    return tuple(first.values()), tuple(duplicates)


def encode_manifest(manifest: Manifest) -> bytes:
    """Indented JSON, one newline at the end."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode_manifest(data: bytes) -> Manifest:
    """Raises msgspec.DecodeError for anything else."""
    return msgspec.json.decode(data, type=Manifest)


def content_of(shards: Iterable[Shard]) -> str:
    """The hash of a dataset's rows, whatever their order and files."""
    return identity.of("".join(sorted(shard.content for shard in shards)).encode())


def _summed(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return Counter(dict(sorted(total.items())))
