"""README.md of a dataset: its configs as the `datasets` library wants them, and a card for people.

Shards are listed one by one, because a loader that expands a pattern may find what is not in force,
or count what is no longer there. The card is made of the manifest alone, so it is as reproducible.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from handlers.dataset.folder.manifest import Manifest
from handlers.dataset.folder.split import TEST, TRAIN
from store.text import counted

MANIFEST_KEY = "cadenza_manifest"

USES: Mapping[str, tuple[str, str]] = {
    "steps": ("every action, with all that is known of it", "pandas, polars, DuckDB"),
    "sft": ("`prompt`, `completion`", "TRL SFTTrainer"),
    "dpo": ("`prompt`, `chosen`, `rejected`, `margin`", "TRL DPOTrainer, RewardTrainer"),
    "kto": ("`prompt`, `completion`, `label`", "TRL KTOTrainer"),
    "rl": ("`observation`, `action_id`, `reward`, `next_observation`, ends", "offline RL"),
}
"""Config -> what it holds, and who reads it."""


def card(manifest: Manifest, manifest_name: str) -> str:
    """The text of README.md."""
    lines = ["---", *_front_matter(manifest), f"{MANIFEST_KEY}: {manifest_name}", "---", ""]
    return "\n".join([*lines, *_body(manifest, manifest_name)]) + "\n"


def _front_matter(manifest: Manifest) -> Iterator[str]:
    """YAML. Each string is written as JSON, which is YAML too, whatever stands in it."""
    yield f"pretty_name: {json.dumps(manifest.mission)}"
    yield "task_categories:\n- robotics\ntags:\n- robotics\n- cadenza"
    configs = [config for config in USES if manifest.rows(config)]
    yield "configs:" if configs else "configs: []"
    for config in configs:
        yield f"- config_name: {config}"
        if config == "steps":
            yield "  default: true"
        yield "  data_files:"
        for split in (TRAIN, TEST):
            files = [shard for shard, _ in manifest.files(config, split)]
            if files:
                yield f"  - split: {split}\n    path:"
            for shard in files:
                yield f"    - {json.dumps(f'{config}/{shard.name}.parquet')}"


def _body(manifest: Manifest, manifest_name: str) -> Iterator[str]:
    yield f"# {_plain(manifest.mission)}\n"
    if manifest.description:
        yield f"{_plain(manifest.description)}\n"
    runs = len(manifest.shards)
    outcomes = ", ".join(f"{count} {name}" for name, count in manifest.outcomes().items())
    yield f"{runs} runs of the robot {_plain(manifest.robot)}; episodes: {outcomes or 'none'}.\n"
    yield "| config | holds | for | train | test |\n|---|---|---|--:|--:|"
    for config, (holds, reader) in USES.items():
        counts = (manifest.rows(config, split) for split in (TRAIN, TEST))
        yield f"| {config} | {holds} | {reader} | {' | '.join(map(str, counts))} |"
    good, bad = manifest.labels()
    yield f"\nKTO's labels: {good} true, {bad} false.\n"
    yield f"Alignment: {manifest.alignment}. A null is unknown. Floats are the log's own.\n"
    yield "Preferences are made where what was done lost more than {lost_m:g} m or {lost_rad:g} rad\
 of the way, or did the wrong act by {wrong:g}, and the canonical action is sure by {confident:g}.\
".format_map(manifest.filters)
    yield f"\nRuns are split by a hash of their id (salt {json.dumps(manifest.split.salt)},\
 {manifest.split.test:g} held out): a later run moves none.\n"
    if manifest.duplicates:
        copies = counted(len(manifest.duplicates), "run")
        yield f"\nLeft out as copies of others: {copies}; the manifest names them.\n"
    causes = manifest.causes()
    if causes:
        yield "## Why episodes did not succeed\n\n| failure mode | episodes |\n|---|--:|"
        yield from (f"| {kind} | {count} |" for kind, count in causes.items())
        yield ""
    yield "## What is left out\n\n| config | reason | steps |\n|---|---|--:|"
    for config in USES:
        for reason, count in manifest.left_out(config).items():
            yield f"| {config} | {reason} | {count} |"
    yield from (f"| all | line: {why} | {n} |" for why, n in manifest.rejected().items())
    yield f"\n`{manifest_name}` has hashes, filters, versions and every run."


def _plain(text: str) -> str:
    """A text on one line, without what Markdown or HTML would take for its own."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")
