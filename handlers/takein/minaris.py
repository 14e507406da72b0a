"""Minari folders, in HDF5 or Arrow files: T+1 observations, T actions, read as they are stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from handlers.takein.frames import Episode, Frame, Recording, check_all_there, outcome_of, reading
from handlers.takein.mapping import OBSERVED
from handlers.takein.recognise import METADATA
from store.errors import InputError
from store.events.files import Outcome

HDF5 = "data/main_data.hdf5"

_OF_STEP = ("actions", "rewards", "terminations", "truncations")
_OF_INFOS = ("params", "phase_idx", "goal")
"""What `cadenza env finetune` has in `infos`, each of the action that led to an observation."""


class MinariReader:
    """A Minari dataset; its metadata says how it maps where `cadenza env finetune` wrote it."""

    def __init__(self, path: Path) -> None:
        self._told = _json(path / METADATA)
        self.recording = Recording(path, fields=self._own_fields())

    def episodes(self) -> Iterator[Episode]:
        root = self.recording.path
        stored = _hdf5(root / HDF5) if (root / HDF5).exists() else _arrow(root / "data")
        names = self._told.get("action_names")
        total = 0
        for episode in stored:
            total += 1
            frames = _frames(episode, names if isinstance(names, list) else [])
            yield Episode(frames, outcome=_outcome(episode.told))
        check_all_there(root, total, self._told.get("total_episodes"), "episodes")

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
                "truncated = truncations", "phase_idx = phase_idx",
                "goal_prompt = goal"]  # fmt: skip
        return [*fields, *rest] if fields else []


class _Stored(NamedTuple):
    """An episode as a storage holds it. `infos`: those of _OF_INFOS that it has, [T+1] each.

    `told`: its metadata.
    """

    observations: Any
    of_step: Mapping[str, Any]
    infos: Mapping[str, Any]
    told: Mapping[str, Any]


def _outcome(told: Mapping[str, Any]) -> Outcome | None:
    """How an episode went, by its metadata; None where that does not say."""
    if (known := outcome_of(told.get("outcome"))) is not None:
        return known
    success = told.get("mission_success")
    if success is None or success not in (True, False):
        return None
    return "succeeded" if success else "failed"


def _frames(episode: _Stored, names: list[str]) -> Iterator[Frame]:
    """A frame a step, and one for the last observation, which has no action."""
    steps = len(episode.of_step["rewards"])
    goals = _goals(episode.told.get("goals"))
    for at in range(steps + 1):
        values: dict[str, Any] = {"observations": _item(episode.observations, at)}
        if at < steps:
            values |= {name: _item(episode.of_step[name], at) for name in _OF_STEP}
            action = values["actions"]
            if isinstance(action, int) and 0 <= action < len(names):
                values["actions"] = names[action]
            values |= {name: _item(info, at + 1) for name, info in episode.infos.items()}
            # Before there were numbers of goals in `infos`, an episode of one goal alone told its.
            number = values.get("goal", 0 if len(goals) == 1 else -1)
            values["goal"] = goals[number] if 0 <= number < len(goals) else None
        yield Frame(None, values)


def _item(values: Any, at: int) -> Any:
    """The value of a step; of a space of several parts, each part's."""
    if isinstance(values, Mapping):
        return {name: _item(part, at) for name, part in values.items()}
    value = values[at]
    return value.tolist() if hasattr(value, "tolist") else value


def _hdf5(file: Path) -> Iterator[_Stored]:
    import h5py

    def read(item: Any) -> Any:
        if isinstance(item, h5py.Group):
            return {name: read(part) for name, part in item.items()}
        return item[()]

    with reading(file, "Minari's HDF5"), h5py.File(file, "r") as stored:
        for number in range(len(stored)):
            group = stored.get(f"episode_{number}")
            if group is None:
                raise InputError(f"{file}: has no episode_{number}, although it has later ones")
            infos = group.get("infos", {})
            yield _Stored(
                read(group["observations"]),
                {name: read(group[name]) for name in _OF_STEP},
                {name: read(infos[name]) for name in _OF_INFOS if name in infos},
                {name: _item([value], 0) for name, value in group.attrs.items()},
            )


def _arrow(folder: Path) -> Iterator[_Stored]:
    """Actions and rewards are as long as observations there, the last of them padding."""
    import pyarrow.dataset as ds

    with reading(folder, "Minari's Arrow"):
        for number in sorted(int(item.name) for item in folder.iterdir() if item.name.isdigit()):
            place = folder / str(number)
            files = sorted(str(file) for file in place.iterdir() if file.name.startswith("part-"))
            kind = "parquet" if files and files[0].endswith(".parquet") else "arrow"
            table = ds.dataset(files, format=kind).to_table()
            columns = {name: table[name].to_pylist() for name in ("observations", *_OF_STEP)}
            steps = len(columns["rewards"]) - 1
            infos = table["infos"].to_pylist() if "infos" in table.column_names else []
            first = infos[0] if infos and isinstance(infos[0], dict) else {}
            yield _Stored(
                columns["observations"],
                {name: columns[name][:steps] for name in _OF_STEP},
                {name: [info[name] for info in infos] for name in _OF_INFOS if name in first},
                _json(place / "metadata.json") if (place / "metadata.json").exists() else {},
            )


def _json(file: Path) -> Mapping[str, Any]:
    """What a metadata file holds; nothing where that is no object. Raises InputError, OSError."""
    try:
        told = json.loads(file.read_bytes())
    except ValueError as error:
        raise InputError(f"{file}: is not JSON: {error}") from None
    return told if isinstance(told, dict) else {}


def _goals(told: Any) -> list[Any]:
    """The goals of an episode, to be looked up by their number."""
    try:
        known = json.loads(told) if isinstance(told, str) else []
    except ValueError:
        return []
    return known if isinstance(known, list) else []
