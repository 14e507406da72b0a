"""What TRL's trainers read (1.16): a folder with SFT, DPO and KTO examples, a Parquet file each.

    load_dataset(FOLDER, "sft")    prompt, completion           SFTTrainer
    load_dataset(FOLDER, "dpo")    prompt, chosen, rejected     DPOTrainer; `margin`: RewardTrainer
    load_dataset(FOLDER, "kto")    prompt, completion, label    KTOTrainer

The rows are those of the project's dataset (docs/dataset.md), of the logs that were named, in one
split.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pyarrow.parquet as pq

from handlers.dataset.configs import Configs, Filters
from handlers.dataset.formats.source import Sources
from handlers.dataset.schema import SCHEMAS

CONFIGS = ("sft", "dpo", "kto")


def write(sources: Sources, folder: Path) -> int:
    """The three configs of all logs; returns the number of SFT examples.

    A config without a row has no file and is not listed: readers refuse an empty one.
    """
    filters = Filters(include_failures=sources.include_failures, min_reward=sources.min_reward)
    configs = Configs(filters, list(sources.mission.actions))
    made = dict.fromkeys(CONFIGS, 0)
    with contextlib.ExitStack() as files:
        writers = {
            name: files.enter_context(
                pq.ParquetWriter(folder / f"{name}.parquet", SCHEMAS[name], compression="zstd")
            )
            for name in CONFIGS
        }
        for rows in sources.rows():
            for batch in rows.batches():
                for name, writer in writers.items():
                    kept, left = configs.of(name, batch)
                    made[name] += kept.num_rows
                    sources.left_out.update({f"{name}: {why}": n for why, n in left.items()})
                    if kept.num_rows:
                        writer.write_batch(kept)
                    if name == "sft":
                        sources.steps[rows.run_id] += kept.num_rows
    for name, count in made.items():
        if not count:
            (folder / f"{name}.parquet").unlink()
    listed = [name for name, count in made.items() if count]
    (folder / "README.md").write_text(_card(listed), encoding="utf-8")
    return made["sft"]


def _card(listed: list[str]) -> str:
    """The head that `load_dataset` finds the configs by."""
    lines = ["---", "configs:"]
    for name in listed:
        lines += [f"- config_name: {name}", "  data_files:", "  - split: train",
                  f"    path: {name}.parquet"]  # fmt: skip
    return "\n".join([*lines, "---", "", "Made by `cadenza env finetune --format trl`.", ""])
