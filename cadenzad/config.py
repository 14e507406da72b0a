"""Configuration: `cadenzad.toml` plus `cadenzad.toml.d/*.toml`, checked, with the flags on top."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cadenzad.paths import expand, printable
from store.errors import ConfigError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Watch(_Section):
    """How long a file must be quiet before it is read. Seconds."""

    settle: float = Field(0.05, gt=0, le=60, description="after a close or a move-in")
    settle_open: float = Field(2.0, gt=0, le=600, description="while nobody has closed it")
    max_wait: float = Field(30.0, gt=0, le=3600, description="a file that never rests is read then")


class Reconcile(_Section):
    """The periodic scan that finds what a watch missed. Seconds."""

    every: float = Field(60.0, ge=0.2, le=86400)


class Jobs(_Section):
    """Slow work in child processes. Seconds."""

    workers: int = Field(1, ge=1, le=64, description="children at once, over all projects")
    timeout: float = Field(3600.0, gt=0, description="an attempt that takes longer is ended")
    attempts: int = Field(3, ge=1, le=100, description="then the job waits for somebody to look")
    backoff: float = Field(30.0, ge=0, description="before the second attempt; doubles each time")
    heartbeat: float = Field(5.0, gt=0, description="how often a child says that it is alive")
    lease: float = Field(30.0, gt=0, description="a child that is silent for so long is ended")


class Log(_Section):
    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(_Section):
    """Everything that can be set. `workspaces` are folders that hold projects."""

    workspaces: tuple[Path, ...] = ()
    watch: Watch = Watch()
    reconcile: Reconcile = Reconcile()
    jobs: Jobs = Jobs()
    log: Log = Log()


def default_path(environ: Mapping[str, str] = os.environ) -> Path:
    """systemd's CONFIGURATION_DIRECTORY, else XDG's, `cadenzad.toml` in it."""
    if environ.get("CONFIGURATION_DIRECTORY"):
        return Path(environ["CONFIGURATION_DIRECTORY"].split(":")[0]) / "cadenzad.toml"
    home = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(home) / "cadenzad" / "cadenzad.toml"


def load_config(path: Path | None, workspaces: Sequence[str] = ()) -> Config:
    """The configuration of `path` (None: the default place, which may be absent).

    Drop-ins in `<path>.d/` are laid over it in name order, key by key; `workspaces` given as flags
    replace those of the files. Raises ConfigError with one line that names the file and the key.
    """
    chosen = path if path is not None else default_path()
    merged = _read(chosen)
    if merged is None:
        if path is not None:
            raise ConfigError(f"{path}: no such configuration file")
        merged = {}
    for file in _drop_ins(chosen):
        _merge(merged, _read(file) or {})
    if workspaces:
        merged["workspaces"] = workspaces
    config = _validate(merged, chosen)
    if "" in merged.get("workspaces", ()):
        raise ConfigError(f"{chosen}: workspaces: a folder's name is empty")
    resolved = tuple(dict.fromkeys(_resolve(item, chosen) for item in config.workspaces))
    return config.model_copy(update={"workspaces": resolved})


def _resolve(path: Path, file: Path) -> Path:
    """A workspace's real path, which must be one that an event can hold."""
    try:
        real = os.path.realpath(expand(str(path)))
    except ConfigError as error:
        raise ConfigError(f"{file}: workspaces: {error.message}") from None
    except ValueError:
        raise ConfigError(f"{file}: workspaces: {str(path)!r} holds a zero byte") from None
    if printable(real) != real:
        raise ConfigError(f"{printable(real)}: a workspace whose name is not UTF-8: rename it")
    return Path(real)


def _drop_ins(file: Path) -> list[Path]:
    """What is in `<file>.d/`, in name order."""
    folder = file.with_name(file.name + ".d")
    try:
        return sorted(folder / name for name in os.listdir(folder) if name.endswith(".toml"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read: {error.strerror}") from None


def _read(file: Path) -> dict[str, Any] | None:
    """One file, validated alone so that an error names the file it is in; None when absent."""
    try:
        text = file.read_bytes().decode()
        values = tomllib.loads(text)
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
    _validate(values, file)
    return values


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _validate(values: Mapping[str, Any], file: Path) -> Config:
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        keys = [str(part) for part in first["loc"]]
        if first["type"] == "extra_forbidden":
            hint = _suggest(keys)
            raise ConfigError(f"{file}: unknown key {'.'.join(keys)}", hint=hint) from None
        raise ConfigError(f"{file}: {'.'.join(keys)}: {first['msg']}") from None


def _suggest(keys: Sequence[str]) -> str:
    """The known key nearest to an unknown one."""
    known: dict[str, Any] = Config.model_json_schema()
    fields = list(known["properties"])
    for key in keys[:-1]:
        fields = list(known["$defs"].get(key.capitalize(), {}).get("properties", {}))
    near = difflib.get_close_matches(keys[-1], fields, n=1)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(fields)}"
