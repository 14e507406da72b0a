"""Every reader of a dataset, in a process of its own: `datasets` alone takes a second to import.

    with Readers(cache) as readers:
        readers.read(folder)     # {reader: {config: sorted run ids}}
    readers.read(folder, ("pandas",), ("dpo",))

Each goes by README.md's list, as `datasets` does by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

NAMES = ("datasets", "streaming", "pandas", "polars", "duckdb", "pyarrow")
CONFIGS = ("steps", "sft", "dpo", "kto", "rl")


class Readers:
    """The process. Raises AssertionError with what a reader said when it could not read."""

    def __init__(self, cache: Path) -> None:
        environ = {"PATH": os.environ["PATH"], "HOME": str(cache), "HF_HUB_OFFLINE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environ,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def read(
        self, folder: Path, names: tuple[str, ...] = NAMES, configs: tuple[str, ...] = CONFIGS
    ) -> dict[str, dict[str, list[str]]]:
        """What each reader finds in a folder, in these configs."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(folder), names, configs]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the reader ended"}')
        assert "error" not in answer, answer["error"]
        return answer


def _configs(folder: str) -> dict[str, dict[str, list[str]]]:
    import yaml

    head = (Path(folder) / "README.md").read_text().split("\n---\n")[0]
    return {
        config["config_name"]: {
            part["split"]: [str(Path(folder) / path) for path in part["path"]]
            for part in config["data_files"]
        }
        for config in yaml.safe_load(head)["configs"]
    }


def _found(folder: str, name: str, configs: list[str]) -> dict[str, list[str]]:
    found = {}
    for config, splits in _configs(folder).items():
        if config not in configs:
            continue
        ids: set[Any] = set()
        for split, files in splits.items():
            ids.update(_ids(name, folder, config, split, files))
        found[config] = sorted(ids)
    return found


def _ids(name: str, folder: str, config: str, split: str, files: list[str]) -> list[Any]:
    import datasets
    import duckdb
    import pandas
    import polars
    import pyarrow.dataset

    match name:
        case "datasets":
            loaded = datasets.load_dataset(folder, config, split=split)
            return list(loaded["run_id"])
        case "streaming":
            loaded = datasets.load_dataset(folder, config, split=split, streaming=True)
            return [row["run_id"] for row in loaded]
        case "pandas":
            return [i for path in files for i in pandas.read_parquet(path)["run_id"]]
        case "polars":
            return polars.read_parquet(files)["run_id"].to_list()
        case "duckdb":
            table = duckdb.read_parquet(files)
            return [i for (i,) in table.select("run_id").fetchall()]
        case _:
            return pyarrow.dataset.dataset(files).to_table()["run_id"].to_pylist()


def main() -> None:
    import datasets

    datasets.disable_progress_bars()
    for line in sys.stdin:
        folder, names, configs = json.loads(line)
        try:
            answer: Any = {name: _found(folder, name, configs) for name in names}
        except Exception as error:  # noqa: BLE001 - whatever a reader raises is its answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
