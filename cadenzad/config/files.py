"""Configuration: `cadenzad.toml` plus `cadenzad.toml.d/*.toml`, checked, with the flags on top.

What can be set is in cadenzad.config.settings; what a single project may set for itself, in
cadenzad.config.project.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cadenzad.config.paths import default_path as default_path
from cadenzad.config.paths import expand
from cadenzad.config.settings import KEYS
from cadenzad.config.settings import Config as Config
from handlers.project.paths import printable
from handlers.settings import Refusal
from store.errors import ConfigError

DEFAULT, FLAG = "default", "--workspace"
"""Origins that are no file."""


@dataclass(frozen=True)
class Loaded:
    """A configuration and where it is from.

    `files` in the order they were laid over each other; `origins`: key -> file, DEFAULT or FLAG.
    """

    config: Config
    files: tuple[Path, ...]
    origins: Mapping[str, str]


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
    origins: dict[str, str] = {}
    files = []
    for file in [chosen, *_drop_ins(chosen)]:
        values = parse(file)
        if values is None:
            if file == path:
                raise ConfigError(f"{path}: no such configuration file")
            continue
        for problem in mistakes(values, file):
            raise problem
        lay_over(merged, values)
        origins |= dict.fromkeys(leaves(values), str(file))
        files.append(file)
    if workspaces:
        merged["workspaces"] = list(workspaces)
        origins["workspaces"] = FLAG
    origins = {name: origins.get(name, DEFAULT) for name in KEYS}
    config = _resolved(Config.model_validate(merged), merged, origins)
    for problem in _conflicts(config, origins):
        raise problem
    return Loaded(config, tuple(files), origins)


def problems(path: Path | None) -> list[ConfigError]:
    """Everything that is wrong with a file and its drop-ins, each as one line."""
    chosen = path if path is not None else default_path()
    found: list[ConfigError] = []
    try:
        for file in [chosen, *_drop_ins(chosen)]:
            try:
                found += mistakes(parse(file) or {}, file)
            except ConfigError as error:
                found.append(error)
        if not found:
            found += _absent(read_config(path))
    except ConfigError as error:
        found.append(error)
    return found


# -- one file --------------------------------------------------------------------------------------


def parse(file: Path, data: bytes | None = None) -> dict[str, Any] | None:
    """What a file says, unchecked; None when there is none. Raises ConfigError for no TOML."""
    try:
        return tomllib.loads((file.read_bytes() if data is None else data).decode())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}: not UTF-8 text on line {line}") from None
    except RecursionError:
        raise ConfigError(f"{file}: nested too deeply") from None
    except ValueError as error:  # a syntax error, or a number with thousands of digits
        raise ConfigError(f"{file}: {error}") from None


def mistakes(values: Mapping[str, Any], file: Path) -> list[ConfigError]:
    """Unknown keys and wrong values of one file, which is checked alone so that it can be named."""
    try:
        Config.model_validate(values)
    except ValidationError as error:
        return [_explain(detail, file) for detail in error.errors()]
    return []


def leaves(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The dotted names of all that is set, tables left out."""
    names = []
    for key, value in values.items():
        name = prefix + key
        names += leaves(value, f"{name}.") if isinstance(value, dict) else [name]
    return names


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


def _explain(detail: ErrorDetails, file: Path) -> ConfigError:
    """One of pydantic's errors as a line."""
    keys = [str(part) for part in detail["loc"]]
    name = ".".join(_toml_key(part) for part in detail["loc"]).replace(".[", "[")
    if detail["type"] == "extra_forbidden":
        return ConfigError(f"{file}: unknown key {name}", hint=_suggest(keys))
    if detail["type"] == "model_type":
        return ConfigError(f"{file}: {name}: is a table: write [{name}]")
    if detail["type"] == "value_error":
        refusal = detail["ctx"]["error"]
        hint = refusal.hint if isinstance(refusal, Refusal) else ""
        return ConfigError(f"{file}: {name}: {refusal}", hint=hint)
    given = repr(detail["input"])
    shown = given if len(given) <= 40 else f"{given[:37]}..."
    what = _PLAIN.get(detail["type"], detail["msg"])
    return ConfigError(f"{file}: {name}: {what}, not {shown}")


_PLAIN = {
    "path_type": "Input should be a path",
    "tuple_type": "Input should be a list, in [ ]",
    "model_attributes_type": "Input should be a table",
}
"""Where pydantic says what Python has and TOML has not."""


def _toml_key(key: str | int) -> str:
    """A key as it is written in TOML, quoted where it must be; an item's place in a list."""
    if isinstance(key, int):
        return f"[{key}]"
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _suggest(keys: Sequence[str]) -> str:
    """The known key nearest to an unknown one."""
    prefix = "".join(f"{key}." for key in keys[:-1])
    known = (name.removeprefix(prefix) for name in KEYS if name.startswith(prefix))
    here = list(dict.fromkeys(name.split(".")[0] for name in known))
    near = difflib.get_close_matches(keys[-1], here, n=1)
    if near:
        return f"did you mean {near[0]}?"
    elsewhere = [name for name in KEYS if name.rpartition(".")[2] == keys[-1]]
    if elsewhere:
        return f"did you mean {' or '.join(elsewhere)}?"
    return f"known here: {', '.join(here)}"


# -- all files together ----------------------------------------------------------------------------


def _resolved(config: Config, merged: Mapping[str, Any], origins: Mapping[str, str]) -> Config:
    """The configuration with every path made real and each workspace named once."""
    origin = origins["workspaces"]
    if "" in merged.get("workspaces", ()):
        raise ConfigError(f"{origin}: workspaces: a folder's name is empty")
    folders = dict.fromkeys(_real(item, origin) for item in config.workspaces)
    textfile = config.metrics.textfile
    if textfile:
        where = origins["metrics.textfile"]
        try:
            textfile = str(expand(textfile).absolute())
        except ConfigError as error:
            raise ConfigError(f"{where}: metrics.textfile: {error.message}") from None
    metrics = config.metrics.model_copy(update={"textfile": textfile})
    return config.model_copy(update={"workspaces": tuple(folders), "metrics": metrics})


def _real(path: Path, origin: str) -> Path:
    """A workspace's real path, which must be one that an event can hold."""
    try:
        real = os.path.realpath(expand(str(path)))
    except ConfigError as error:
        raise ConfigError(f"{origin}: workspaces: {error.message}") from None
    except ValueError:
        raise ConfigError(f"{origin}: workspaces: {str(path)!r} holds a zero byte") from None
    if printable(real) != real:
        raise ConfigError(f"{printable(real)}: a workspace whose name is not UTF-8: rename it")
    return Path(real)


def _absent(loaded: Loaded) -> list[ConfigError]:
    """Files that are named and are not there. A daemon starts all the same: one may come later."""
    named = loaded.config.notify.url_file
    origin = f"{loaded.origins['notify.url_file']}: notify.url_file"
    try:
        if named and not expand(named).is_file():
            hint = "it holds one line, the address, for example http://127.0.0.1:8080/hook"
            return [ConfigError(f"{origin}: {named}: there is no such file", hint=hint)]
    except ConfigError as error:
        return [ConfigError(f"{origin}: {error.message}")]
    return []


def _conflicts(config: Config, origins: Mapping[str, str]) -> list[ConfigError]:
    """Values that are fine alone and not together: known only once all files are in."""
    jobs = config.jobs
    if jobs.lease > jobs.heartbeat:
        return []
    # Of the two, blame the one that somebody wrote.
    wrote = (origins[f"jobs.{key}"] for key in ("lease", "heartbeat"))
    origin = next(origin for origin in wrote if origin != DEFAULT)
    return [
        ConfigError(
            f"{origin}: jobs.lease: {jobs.lease:g} s is not longer than jobs.heartbeat"
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
