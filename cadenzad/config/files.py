"""Configuration: `cadenzad.toml` plus `cadenzad.toml.d/*.toml`, checked, with the flags on top.

What can be set is in cadenzad.config.settings; what a single project may set for itself, in
cadenzad.config.project.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cadenzad.config.document import Document, leaves, read
from cadenzad.config.paths import default_path as default_path
from cadenzad.config.paths import expand
from cadenzad.config.settings import KEYS
from cadenzad.config.settings import Config as Config
from handlers.project.paths import printable
from store.errors import ConfigError

DEFAULT, FLAG = "default", "--workspace"
"""Origins that are no file."""


@dataclass(frozen=True)
class Loaded:
    """A configuration and where it is from.

    `documents` in the order they were laid over each other; `origins`: key -> file, DEFAULT or
    FLAG.
    """

    config: Config
    documents: tuple[Document, ...]
    origins: Mapping[str, str]

    @property
    def files(self) -> tuple[Path, ...]:
        """The files, in that order."""
        return tuple(document.file for document in self.documents)

    def place(self, name: str) -> str:
        """Where a key is set, by file and line; its origin where that is no file."""
        origin = self.origins[name]
        of_file = {str(document.file): document for document in self.documents}
        return of_file[origin].place(name.split(".")) if origin in of_file else origin


def load_config(path: Path | None, workspaces: Sequence[str] = ()) -> Config:
    """The configuration of `path` (None: the default place, which may be absent).

    Drop-ins in `<path>.d/` are laid over it in name order, key by key; `workspaces` given as flags
    replace those of the files. Raises ConfigError with one line that names the file and the key.
    """
    return read_config(path, workspaces).config


def read_config(path: Path | None, workspaces: Sequence[str] = ()) -> Loaded:
    """`load_config`, and which file set what."""
    chosen = path if path is not None else default_path()
    merged: dict[str, Any] = {}
    origins = dict.fromkeys(KEYS, DEFAULT)
    documents = []
    for file in [chosen, *_drop_ins(chosen)]:
        document = read(file)
        if document is None:
            if file == path:
                raise ConfigError(f"{path}: no such configuration file")
            continue
        for problem in document.mistakes():
            raise problem
        lay_over(merged, document.values)
        origins |= dict.fromkeys(leaves(document.values), str(file))
        documents.append(document)
    if workspaces:
        merged["workspaces"] = list(workspaces)
        origins["workspaces"] = FLAG
    loaded = Loaded(Config.model_validate(merged), tuple(documents), origins)
    loaded = replace(loaded, config=_resolved(loaded, merged))
    for problem in _conflicts(loaded):
        raise problem
    return loaded


def problems(path: Path | None) -> list[ConfigError]:
    """Everything that is wrong with a file and its drop-ins, each as one line."""
    chosen = path if path is not None else default_path()
    found: list[ConfigError] = []
    try:
        for file in [chosen, *_drop_ins(chosen)]:
            try:
                document = read(file)
                found += document.mistakes() if document is not None else []
            except ConfigError as error:
                found.append(error)
        if not found:
            found += _absent(read_config(path))
    except ConfigError as error:
        found.append(error)
    return found


def lay_over(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Set every key of `values`; what it does not mention stays."""
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            lay_over(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, dict) else value


def _drop_ins(file: Path) -> list[Path]:
    """What is in `<file>.d/`, in name order."""
    folder = file.with_name(file.name + ".d")
    try:
        return sorted(folder / name for name in os.listdir(folder) if name.endswith(".toml"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read: {error.strerror}") from None


# -- all files together ----------------------------------------------------------------------------


def _resolved(loaded: Loaded, merged: Mapping[str, Any]) -> Config:
    """The configuration with every path made real and each workspace named once."""
    config, place = loaded.config, loaded.place("workspaces")
    if "" in merged.get("workspaces", ()):
        raise ConfigError(f"{place}: workspaces: a folder's name is empty")
    folders = dict.fromkeys(_real(item, place) for item in config.workspaces)
    textfile = config.metrics.textfile
    if textfile:
        try:
            textfile = str(expand(textfile).absolute())
        except ConfigError as error:
            place = loaded.place("metrics.textfile")
            raise ConfigError(f"{place}: metrics.textfile: {error.message}") from None
    metrics = config.metrics.model_copy(update={"textfile": textfile})
    return config.model_copy(update={"workspaces": tuple(folders), "metrics": metrics})


def _real(path: Path, place: str) -> Path:
    """A workspace's real path, which must be one that an event can hold."""
    try:
        real = os.path.realpath(expand(str(path)))
    except ConfigError as error:
        raise ConfigError(f"{place}: workspaces: {error.message}") from None
    except ValueError:
        raise ConfigError(f"{place}: workspaces: {str(path)!r} holds a zero byte") from None
    if printable(real) != real:
        raise ConfigError(f"{printable(real)}: a workspace whose name is not UTF-8: rename it")
    return Path(real)


def _absent(loaded: Loaded) -> list[ConfigError]:
    """Files that are named and are not there. A daemon starts all the same: one may come later."""
    named = loaded.config.notify.url_file
    place = f"{loaded.place('notify.url_file')}: notify.url_file"
    try:
        if named and not expand(named).is_file():
            hint = "it holds one line, the address, for example http://127.0.0.1:8080/hook"
            return [ConfigError(f"{place}: {named}: there is no such file", hint=hint)]
    except ConfigError as error:
        return [ConfigError(f"{place}: {error.message}")]
    return []


def _conflicts(loaded: Loaded) -> list[ConfigError]:
    """Values that are fine alone and not together: known only once all files are in."""
    jobs = loaded.config.jobs
    if jobs.lease > jobs.heartbeat:
        return []
    # Of the two, blame the one that somebody wrote.
    wrote = (loaded.place(f"jobs.{key}") for key in ("lease", "heartbeat"))
    place = next(place for place in wrote if place != DEFAULT)
    return [
        ConfigError(
            f"{place}: jobs.lease: {jobs.lease:g} s is not longer than jobs.heartbeat"
            f" ({jobs.heartbeat:g} s): every job would be ended as silent",
            hint="a lease of several heartbeats survives a late one",
        )
    ]


# -- what a reload changes -------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A key whose value differs between two configurations; the values as TOML has them."""

    key: str
    old: Any
    new: Any
    needs_restart: bool

    def __str__(self) -> str:
        later = " (after a restart)" if self.needs_restart else ""
        return f"{self.key}: {json.dumps(self.old)} -> {json.dumps(self.new)}{later}"


def diff(old: Config, new: Config) -> list[Change]:
    """What changed, key by key, and which changes a running daemon cannot take over."""
    return [
        Change(key.name, before, after, key.needs_restart)
        for key in KEYS.values()
        if (before := key.of(old)) != (after := key.of(new))
    ]
