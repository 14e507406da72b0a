"""The formats by name, and what each needs installed. Light: nothing is imported for the names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Literal, NamedTuple, get_args

from store.errors import InputError

Format = Literal[
    "parquet", "trl", "npz", "lerobot", "lerobot-language", "minari", "minari-arrow", "mcap"
]
FORMATS: tuple[Format, ...] = get_args(Format)


class Writer(NamedTuple):
    """How a format is written: by which module here, to a folder or a file, with what installed."""

    module: str
    is_folder: bool
    needs: tuple[str, ...]
    extra: str


WRITERS: Mapping[Format, Writer] = {
    "parquet": Writer("parquet", False, ("pyarrow", "numpy"), "dataset"),
    "trl": Writer("trl", True, ("pyarrow", "numpy"), "dataset"),
    "npz": Writer("npz", False, ("pyarrow", "numpy"), "dataset"),
    "lerobot": Writer("lerobot", True, ("pyarrow", "numpy"), "dataset"),
    "lerobot-language": Writer("lerobot", True, ("pyarrow", "numpy"), "dataset"),
    "minari": Writer("minaris", True, ("pyarrow", "numpy", "minari", "h5py"), "formats"),
    "minari-arrow": Writer("minaris", True, ("pyarrow", "numpy", "minari"), "formats"),
    "mcap": Writer("mcaps", False, ("pyarrow", "numpy", "mcap"), "formats"),
}


def check_installed(kind: Format) -> None:
    """Raises InputError where a library that a format needs is missing."""
    writer = WRITERS[kind]
    missing = [name for name in writer.needs if find_spec(name) is None]
    if missing:
        hint = f"pip install 'cadenzad[{writer.extra}]'"
        raise InputError(f"--format {kind} needs {', '.join(missing)}", hint=hint)
