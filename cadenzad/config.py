"""Configuration: `cadenzad.toml` plus `cadenzad.toml.d/*.toml`, checked, with the flags on top."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from store.errors import ConfigError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Watch(_Section):
    """How long a file must be quiet before it is read. Seconds."""

    settle: float = Field(0.05, gt=0, le=60, description="after a close or a move-in")
    settle_open: float = Field(2.0, gt=0, le=600, description="while nobody has closed it")
    max_wait: float = Field(30.0, gt=0, le=3600, description="a file that never rests is read then")


class Reconcile(_Section):
    """The periodic scan that finds what a watch missed. Seconds."""

    every: float = Field(60.0, ge=0.2, le=86400)


class Log(_Section):
    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(_Section):
    """Everything that can be set. `workspaces` are folders that hold projects."""

    workspaces: tuple[Path, ...] = ()
    watch: Watch = Watch()
    reconcile: Reconcile = Reconcile()
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
    if path is not None and not path.is_file():
        raise ConfigError(f"{path}: no such configuration file")
    merged: dict[str, Any] = {}
    drop_ins = sorted(chosen.with_name(chosen.name + ".d").glob("*.toml"))
    for file in [chosen, *drop_ins]:
        if file.is_file():
            _merge(merged, _read(file))
    if workspaces:
        merged["workspaces"] = tuple(Path(item) for item in workspaces)
    config = _validate(merged, chosen)
    resolved = tuple(dict.fromkeys(_resolve(item) for item in config.workspaces))
    return config.model_copy(update={"workspaces": resolved})


def _resolve(path: Path) -> Path:
    return Path(os.path.realpath(path.expanduser()))


def _read(file: Path) -> dict[str, Any]:
    """One file, validated alone so that an error names the file it is in."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
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
