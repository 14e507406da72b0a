"""LeRobotDataset v3.0: what `LeRobotDataset(id, root=FOLDER)` reads (lerobot 0.4.4).

    meta/info.json, meta/stats.json, meta/tasks.parquet
    meta/episodes/chunk-000/file-000.parquet     one row an episode, with its own figures
    data/chunk-000/file-000.parquet              one row a frame, one row group an episode
    quality.parquet                              each frame's weight for RA-BC; null is unknown

A frame is a decision: an action of the library takes as long as it takes, so frames are counted at
FPS, not timed. `observation.state` is the robot's own, `observation.environment_state` what it
knows of the mission (ACT and Diffusion refuse state-only data without it). `action` is the action
of the library, one-hot, and its parameters: an id alone would be a number to interpolate. A frame's
task is what was asked for in its phase.

With `language` frames also have the columns that lerobot has from 0.6 on (datasets/language.py), of
which 0.4.4 does not know the type: language_persistent holds the mission's plan from an episode's
beginning and each subtask from where it was asked for, language_events nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from handlers.dataset.formats.source import Sources
from handlers.dataset.formats.statistics import figures
from handlers.dataset.formats.trajectories import Trajectory
from handlers.dataset.schema import PARAMS, STATE

FPS = 1
FILE_MB = 100
CHUNK = 1000
VERSION = "v3.0"
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"

_BODY = tuple(name for name in STATE if name != "nearest_m")
_AROUND = ("nearest_m", "phase_idx")
_UNMEASURED = ("subtask", "plan", "language_persistent", "language_events")
_KINDS = {"float32": pa.float32(), "int64": pa.int64(), "bool": pa.bool_(), "string": pa.string()}


def _said(more: Sequence[tuple[str, pa.DataType]]) -> pa.StructType:
    """What is said of an episode: the fields that lerobot's two language columns have."""
    fields = [("role", pa.string()), ("content", pa.string()), ("style", pa.string()), *more,
              ("camera", pa.string()), ("tool_calls", pa.list_(pa.string()))]  # fmt: skip
    needed = ("role", "timestamp")
    return pa.struct([pa.field(name, kind, name not in needed) for name, kind in fields])


LANGUAGE = {
    "language_persistent": pa.list_(_said([("timestamp", pa.float32())])),
    "language_events": pa.list_(_said([])),
}
"""The type of each language column. Of `tool_calls`, which are JSON and which nothing here has, the
strings that lerobot itself writes where pyarrow has no JSON."""


def write(sources: Sources, folder: Path, *, language: bool = False) -> int:
    """A dataset folder of all trajectories; returns the number of frames."""
    features = _features(list(sources.mission.actions))
    if language:
        features |= {name: {"dtype": "language", "shape": [1], "names": None} for name in LANGUAGE}
    quality: list[pa.Table] = []
    tasks: dict[str, int] = {}
    episodes: list[dict[str, Any]] = []
    numbers: list[dict[str, Any]] = []
    with _Data(folder, _schema(features)) as data:
        total = 0
        for index, trajectory in enumerate(sources.trajectories()):
            columns = _columns(trajectory, index, total, tasks, len(sources.mission.actions))
            if language:
                columns |= _language(trajectory)
            place = data.add(columns)
            quality.append(_quality(trajectory, columns))
            measured = {name: columns[name] for name in features if name not in _UNMEASURED}
            episodes.append(_episode(trajectory, index, total, place, measured))
            numbers.append(measured)
            total += len(trajectory)
    if total:
        pq.write_table(pa.concat_tables(quality), folder / "quality.parquet", compression="zstd")
        _write_meta(folder, sources, features, tasks, episodes, numbers, total)
    return total


def _quality(run: Trajectory, columns: Mapping[str, Any]) -> pa.Table:
    """How good an example each frame is, in a table of its own: no frame may hold an unknown."""
    keys = {name: columns[name] for name in ("index", "episode_index", "frame_index")}
    return pa.table({**keys, "weight": pa.array(run.weights, mask=np.isnan(run.weights))})


def _language(run: Trajectory) -> dict[str, list[list[dict[str, Any]]]]:
    """The language columns of a trajectory: what holds in an episode is on each of its frames."""

    def told(style: str, content: str, at: int) -> dict[str, Any]:
        return {"role": "assistant", "content": content, "style": style, "timestamp": at / FPS,
                "camera": None, "tool_calls": None}  # fmt: skip

    begins = [at for at, goal in enumerate(run.goals) if not at or goal != run.goals[at - 1]]
    holds = [told("plan", run.plan, 0), *(told("subtask", run.goals[at], at) for at in begins)]
    return {"language_persistent": [holds] * len(run), "language_events": [[]] * len(run)}


class _Data:
    """Frames in files of about FILE_MB: the next one begins when one is full."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder, self._schema = folder, schema
        self._file = -1
        self._writer: Any = None
        self._path = folder

    def __enter__(self) -> _Data:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def add(self, columns: Mapping[str, Any]) -> tuple[int, int]:
        """Write an episode; the (chunk, file) that it is in."""
        if self._writer is None or self._path.stat().st_size > FILE_MB << 20:
            self._close()
            self._file += 1
            chunk, file = divmod(self._file, CHUNK)
            self._path = self._folder / DATA_PATH.format(chunk_index=chunk, file_index=file)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._path, self._schema, compression="zstd")
        arrays = [_array(columns[field.name], field.type) for field in self._schema]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        return divmod(self._file, CHUNK)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _features(actions: Sequence[str]) -> dict[str, dict[str, Any]]:
    """info.json's `features`: each column of a frame, its type, shape and the names in it."""

    def one(kind: str) -> dict[str, Any]:
        return {"dtype": kind, "shape": [1], "names": None}

    def vector(names: Sequence[str]) -> dict[str, Any]:
        return {"dtype": "float32", "shape": [len(names)], "names": list(names)}

    return {
        "observation.state": vector(_BODY),
        "observation.environment_state": vector(_AROUND),
        "action": vector([*actions, *PARAMS]),
        "next.reward": one("float32"),
        "next.done": one("bool"),
        "next.success": one("bool"),
        "next.truncated": one("bool"),
        "subtask": one("string"),
        "plan": one("string"),
        "timestamp": one("float32"),
        "frame_index": one("int64"),
        "episode_index": one("int64"),
        "index": one("int64"),
        "task_index": one("int64"),
    }


def _schema(features: Mapping[str, Mapping[str, Any]]) -> pa.Schema:
    def kind(name: str, feature: Mapping[str, Any]) -> pa.DataType:
        if name in LANGUAGE:
            return LANGUAGE[name]
        single = _KINDS[feature["dtype"]]
        return single if feature["shape"] == [1] else pa.list_(single, feature["shape"][0])

    return pa.schema([(name, kind(name, feature)) for name, feature in features.items()])


def _columns(
    run: Trajectory, index: int, first: int, tasks: dict[str, int], n_actions: int
) -> dict[str, Any]:
    """A trajectory's frames by feature. What it asks for joins `tasks`."""
    length = len(run)
    seen = dict(zip(STATE, run.observations[:-1].T, strict=True))
    frames = np.arange(length)
    hot = np.eye(n_actions, dtype=np.float32)[run.actions]
    done = run.ended | run.cut_off
    return {
        "observation.state": np.column_stack([seen[name] for name in _BODY]),
        "observation.environment_state": np.column_stack([seen["nearest_m"], run.phases]),
        "action": np.hstack([hot, run.params]),
        "next.reward": run.rewards,
        "next.done": done,
        "next.success": done & (run.success is True),
        "next.truncated": run.cut_off,
        "subtask": list(run.goals),
        "plan": [run.plan] * length,
        "timestamp": frames / FPS,
        "frame_index": frames,
        "episode_index": np.full(length, index),
        "index": first + frames,
        "task_index": np.array([tasks.setdefault(goal, len(tasks)) for goal in run.goals]),
    }


def _episode(
    run: Trajectory, index: int, first: int, place: tuple[int, int], measured: Mapping[str, Any]
) -> dict[str, Any]:
    """A row of the episodes' table. From `run_id` on it is ours; readers pass over it.

    `last_observation`: what was seen after the last action, which no frame holds.
    """
    row: dict[str, Any] = {
        "episode_index": index,
        "tasks": list(dict.fromkeys(run.goals)),
        "length": len(run),
        "data/chunk_index": place[0],
        "data/file_index": place[1],
        "dataset_from_index": first,
        "dataset_to_index": first + len(run),
        "meta/episodes/chunk_index": 0,
        "meta/episodes/file_index": 0,
        "run_id": run.run_id,
        "outcome": run.outcome,
        "cause": run.cause,
        "last_observation": dict(zip(STATE, run.observations[-1].tolist(), strict=True)),
    }
    for name, values in measured.items():
        row |= {f"stats/{name}/{key}": found for key, found in figures(values).items()}
    return row


def _write_meta(
    folder: Path,
    sources: Sources,
    features: Mapping[str, Any],
    tasks: Mapping[str, int],
    episodes: Sequence[Mapping[str, Any]],
    numbers: Sequence[Mapping[str, Any]],
    total: int,
) -> None:
    meta = folder / "meta"
    (meta / "episodes/chunk-000").mkdir(parents=True)
    info = {
        "codebase_version": VERSION,
        "robot_type": sources.mission.robot,
        "total_episodes": len(episodes),
        "total_frames": total,
        "total_tasks": len(tasks),
        "chunks_size": CHUNK,
        "data_files_size_in_mb": FILE_MB,
        "video_files_size_in_mb": 200,
        "fps": FPS,
        "splits": {"train": f"0:{len(episodes)}"},
        "data_path": DATA_PATH,
        "video_path": None,
        "features": features,
    }
    whole = {
        name: figures(np.concatenate([part[name] for part in numbers]))
        for name in (numbers[0] if numbers else ())
    }
    (meta / "info.json").write_text(json.dumps(info, indent=4) + "\n")
    (meta / "stats.json").write_text(json.dumps(whole, indent=4) + "\n")
    pq.write_table(_tasks(tasks), meta / "tasks.parquet")
    table = pa.Table.from_pylist([dict(row) for row in episodes])
    pq.write_table(table, meta / "episodes/chunk-000/file-000.parquet")


def _tasks(tasks: Mapping[str, int]) -> pa.Table:
    """The tasks as pandas writes them with the text as index, by which readers look one up."""
    columns = [
        {"name": "task_index", "field_name": "task_index", "pandas_type": "int64",
         "numpy_type": "int64", "metadata": None},
        {"name": "task", "field_name": "task", "pandas_type": "unicode",
         "numpy_type": "object", "metadata": None},
    ]  # fmt: skip
    told = {"index_columns": ["task"], "column_indexes": [], "columns": columns,
            "pandas_version": "2.2.0"}  # fmt: skip
    schema = pa.schema(
        [("task_index", pa.int64()), ("task", pa.string())], {"pandas": json.dumps(told)}
    )
    return pa.table([list(tasks.values()), list(tasks)], schema=schema)


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_list(kind):
        flat = np.asarray(values, dtype=np.float32).reshape(-1)
        return pa.FixedSizeListArray.from_arrays(pa.array(flat), kind.list_size)
    if isinstance(values, np.ndarray):
        return pa.array(values).cast(kind, safe=False)
    return pa.array(values, kind)
