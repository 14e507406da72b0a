"""LeRobot v3.0 folders: one frame a row, one episode an `episode_index`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.project.library import PARAMETERS
from handlers.takein.frames import Episode, Frame, Recording, check_all_there, outcome_of, reading
from handlers.takein.mapping import OBSERVED
from handlers.takein.recognise import INFO
from store.errors import InputError

TASKS = "meta/tasks.parquet"
VERSION = "v3.0"

CHOSEN = "action.name"
"""The action that a one-hot vector means, where its names are those of actions."""
TASK = "task"


class LeRobotReader:
    """A LeRobot dataset. Its own names say how it maps, where they are names of a tick's values."""

    def __init__(self, path: Path, actions: Sequence[str]) -> None:
        info = _read_info(path)
        self._features: Mapping[str, Any] = info["features"]
        self._actions = frozenset(actions)
        self._total = info.get("total_frames")
        self._names = {
            name: list(feature.get("names") or ()) if isinstance(feature, dict) else []
            for name, feature in self._features.items()
        }
        self._fps = float(info.get("fps") or 1)
        self.recording = Recording(path, fields=self._own_fields())

    def episodes(self) -> Iterator[Episode]:
        tasks = _tasks(self.recording.path)
        known = _known_episodes(self.recording.path)
        total = 0
        for number, rows in _by_episode(self.recording.path):
            total += len(rows)
            told = known.get(number, {})
            frames = [self._frame(row, tasks, timed=not told) for row in rows]
            frames += self._last_seen(told.get("last_observation"))
            yield Episode(iter(frames), outcome=outcome_of(told.get("outcome")))
        check_all_there(self.recording.path, total, self._total, "frames")

    def _own_fields(self) -> list[str]:
        fields = []
        for column in ("observation.state", "observation.environment_state"):
            for at, name in enumerate(self._names.get(column, ())):
                if name in OBSERVED:
                    fields.append(f"obs.{name} = {column}[{at}]")
                elif name == "phase_idx":
                    fields.append(f"phase_idx = {column}[{at}]")
        for at, name in enumerate(self._names.get("action", ())):
            if name in PARAMETERS:
                fields.append(f"action_params.{name} = action[{at}]")
        if self._actions & set(self._names.get("action", ())):
            fields.append(f"action = {CHOSEN}")
        if "next.reward" in self._features:
            fields.append("reward = next.reward")
        if "next.success" in self._features:
            fields.append("mission_success = next.success")
        if "next.truncated" in self._features:
            fields.append("truncated = next.truncated")
        if "next.done" in self._features:
            fields.append("terminated = next.done")
        return [*fields, f"goal_prompt = {TASK}"]

    def _frame(self, row: dict[str, Any], tasks: Mapping[int, str], *, timed: bool) -> Frame:
        vector = row.get("action")
        names = self._names.get("action", ())
        if isinstance(vector, list) and len(vector) == len(names):
            weights = [(v, n) for v, n in zip(vector, names, strict=True) if n in self._actions]
            if weights and max(weights)[0] > 0:
                row[CHOSEN] = max(weights)[1]
        row[TASK] = row.get("subtask") or tasks.get(row.get("task_index", -1))
        return Frame(float(row.get("timestamp") or 0.0) if timed else None, row)

    def _last_seen(self, seen: object) -> list[Frame]:
        """A frame without an action, of what was observed after an episode's last one."""
        if not isinstance(seen, dict):
            return []
        columns = ("observation.state", "observation.environment_state")
        vectors = {
            column: [seen.get(name) for name in self._names.get(column, ())] for column in columns
        }
        return [Frame(None, vectors)]


def _by_episode(path: Path) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The rows of each episode, by its number, as they follow one another. Raises InputError."""
    import pyarrow.parquet as pq

    files = sorted((path / "data").glob("chunk-*/file-*.parquet"))
    if not files:
        raise InputError(f"{path}: holds no data/chunk-*/file-*.parquet")
    rows: list[dict[str, Any]] = []
    for file in files:
        with reading(file, "LeRobot's Parquet"):
            for batch in pq.ParquetFile(file).iter_batches():
                for row in batch.to_pylist():
                    if rows and row["episode_index"] != rows[-1]["episode_index"]:
                        yield rows[-1]["episode_index"], rows
                        rows = []
                    rows.append(row)
    if rows:
        yield rows[-1]["episode_index"], rows


def _read_info(path: Path) -> Mapping[str, Any]:
    try:
        info = json.loads((path / INFO).read_bytes())
    except ValueError as error:
        raise InputError(f"{path / INFO}: is not JSON: {error}") from None
    version = info.get("codebase_version") if isinstance(info, dict) else None
    if version != VERSION or not isinstance(info.get("features"), dict):
        raise InputError(
            f"{path}: is LeRobot {version}, and {VERSION} is read",
            hint="lerobot converts it: python -m lerobot.datasets.v30.convert_dataset_v21_to_v30",
        )
    return dict(info)


def _known_episodes(path: Path) -> dict[int, Mapping[str, Any]]:
    """What `cadenza env finetune` says of each episode besides LeRobot's own columns, by number."""
    import pyarrow.parquet as pq

    wanted = ["episode_index", "outcome", "last_observation"]
    known: dict[int, Mapping[str, Any]] = {}
    for file in sorted((path / "meta/episodes").glob("chunk-*/file-*.parquet")):
        with reading(file, "LeRobot's Parquet"):
            columns = [name for name in wanted if name in pq.read_schema(file).names]
            if "outcome" not in columns:
                return {}
            for row in pq.read_table(file, columns=columns).to_pylist():
                known[row["episode_index"]] = row
    return known


def _tasks(path: Path) -> dict[int, str]:
    import pyarrow.parquet as pq

    if not (path / TASKS).exists():
        return {}
    with reading(path / TASKS, "LeRobot's Parquet"):
        table = pq.read_table(path / TASKS)
    names = [name for name in table.column_names if name != "task_index"]
    if "task_index" not in table.column_names or not names:
        return {}
    texts = table[names[0]].to_pylist()
    return dict(zip(table["task_index"].to_pylist(), texts, strict=True))
