"""Minari folders, in HDF5 or Arrow files: T+1 observations, T actions, read as they are stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from handlers.takein.frames import Episode, Frame, Recording
from handlers.takein.mapping import OBSERVED
from store.errors import InputError

METADATA = "data/metadata.json"
HDF5 = "data/main_data.hdf5"

_OF_STEP = ("actions", "rewards", "terminations", "truncations")


class MinariReader:
    """A Minari dataset; its metadata says how it maps where `cadenza env finetune` wrote it."""

    def __init__(self, path: Path) -> None:
        try:
            told = json.loads((path / METADATA).read_bytes())
        except ValueError as error:
            raise InputError(f"{path / METADATA}: is not JSON: {error}") from None
        self._told: Mapping[str, Any] = told if isinstance(told, dict) else {}
        self.recording = Recording(path, fields=self._own_fields())

    def episodes(self) -> Iterator[Episode]:
        root = self.recording.path
        stored = _hdf5(root / HDF5) if (root / HDF5).exists() else _arrow(root / "data")
        names = self._told.get("action_names")
        for episode in stored:
            yield Episode(_frames(episode, names if isinstance(names, list) else []))

    def _own_fields(self) -> list[str]:
        names = self._told.get("observation_names")
        fields = [
            f"obs.{name} = observations[{at}]"
            for at, name in enumerate(names if isinstance(names, list) else [])
            if name in OBSERVED
        ]
        params = self._told.get("param_names")
        for at, name in enumerate(params if isinstance(params, list) else []):
            fields.append(f"action_params.{name} = params[{at}]")
        rest = ["action = actions", "reward = rewards", "terminated = terminations",
                "truncated = truncations", "goal_prompt = goal"]  # fmt: skip
        return [*fields, *rest] if fields else []


def _frames(episode: Mapping[str, Any], names: list[str]) -> Iterator[Frame]:
    """A frame a step, and one for the last observation, which has no action."""
    steps = len(episode["rewards"])
    for at in range(steps + 1):
        values: dict[str, Any] = {"observations": _item(episode["observations"], at)}
        if at < steps:
            values |= {name: _item(episode[name], at) for name in _OF_STEP}
            action = values["actions"]
            if isinstance(action, int) and 0 <= action < len(names):
                values["actions"] = names[action]
            if episode.get("params") is not None:
                values["params"] = _item(episode["params"], at + 1)
            values["goal"] = episode.get("goal")
        yield Frame(None, values)


def _item(values: Any, at: int) -> Any:
    """The value of a step; of a space of several parts, each part's."""
    if isinstance(values, Mapping):
        return {name: _item(part, at) for name, part in values.items()}
    value = values[at]
    return value.tolist() if hasattr(value, "tolist") else value


def _hdf5(file: Path) -> Iterator[dict[str, Any]]:
    import h5py

    def read(item: Any) -> Any:
        if isinstance(item, h5py.Group):
            return {name: read(part) for name, part in item.items()}
        return item[()]

    try:
        stored = h5py.File(file, "r")
    except OSError as error:
        raise InputError(f"{file}: cannot be read as HDF5: {error}") from None
    with stored:
        for number in range(len(stored)):
            group = stored.get(f"episode_{number}")
            if group is None:
                raise InputError(f"{file}: has no episode_{number}, although it has later ones")
            episode = {name: read(group[name]) for name in ("observations", *_OF_STEP)}
            episode["params"] = read(group["infos/params"]) if "infos/params" in group else None
            episode["goal"] = _first_goal(group.attrs.get("goals"))
            yield episode


def _arrow(folder: Path) -> Iterator[dict[str, Any]]:
    """Actions and rewards are as long as observations there, the last of them padding."""
    import pyarrow.dataset as ds

    numbers = sorted(int(item.name) for item in folder.iterdir() if item.name.isdigit())
    for number in numbers:
        place = folder / str(number)
        files = sorted(str(file) for file in place.iterdir() if file.name.startswith("part-"))
        kind = "parquet" if files and files[0].endswith(".parquet") else "arrow"
        table = ds.dataset(files, format=kind).to_table()
        episode: dict[str, Any] = {
            name: table[name].to_pylist() for name in ("observations", *_OF_STEP)
        }
        steps = len(episode["rewards"]) - 1
        for name in _OF_STEP:
            episode[name] = episode[name][:steps]
        infos = table["infos"].to_pylist() if "infos" in table.column_names else []
        held = infos and isinstance(infos[0], dict) and "params" in infos[0]
        episode["params"] = [info["params"] for info in infos] if held else None
        about = place / "metadata.json"
        told = json.loads(about.read_bytes()) if about.exists() else {}
        episode["goal"] = _first_goal(told.get("goals"))
        yield episode


def _first_goal(goals: Any) -> str | None:
    """The goal of an episode that has one: which of several a step is for is not stored."""
    try:
        known = json.loads(goals) if isinstance(goals, str) else []
    except ValueError:
        return None
    return known[0] if isinstance(known, list) and len(known) == 1 else None
