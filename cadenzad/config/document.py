"""One file of the configuration: what it says, and what is wrong with it, by line and key.

Each mistake is one line, `FILE:LINE: KEY: what`, with a hint that shows what would be right.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cadenzad.config.lines import lines_of
from cadenzad.config.settings import KEYS, Config
from handlers.settings import Refusal
from store.errors import ConfigError

_AT = re.compile(r" \(at line (\d+), column (\d+)\)$")
"""Where tomllib found what is no TOML, as its message ends."""


@dataclass(frozen=True)
class Document:
    """A file that is TOML, and what it says: `values` as tomllib has them, unchecked."""

    file: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""

    @cached_property
    def _lines(self) -> Mapping[tuple[str, ...], int]:
        return lines_of(self.text)

    def place(self, keys: Sequence[str | int]) -> str:
        """Where a key is set, or the table that it would be in: "FILE:LINE", else "FILE"."""
        names = tuple(str(key) for key in keys)
        parts = (names[:length] for length in range(len(names), 0, -1))
        line = next((self._lines[part] for part in parts if part in self._lines), None)
        return f"{self.file}:{line}" if line else str(self.file)

    def mistakes(self) -> list[ConfigError]:
        """Unknown keys and wrong values; the file is checked alone, so that it can be named."""
        try:
            Config.model_validate(self.values)
        except ValidationError as error:
            return [_explain(detail, self) for detail in error.errors()]
        return []


def read(file: Path, data: bytes | None = None) -> Document | None:
    """What a file says, or `data` in its place; None when there is none.

    Raises ConfigError for what cannot be read, and for no TOML.
    """
    try:
        text = (file.read_bytes() if data is None else data).decode("utf-8-sig")
        return Document(file, tomllib.loads(text), text)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: not UTF-8 text") from None
    except RecursionError:
        raise ConfigError(f"{file}: nested too deeply") from None
    except ValueError as error:  # a syntax error, or a number with thousands of digits
        raise _no_toml(file, str(error), text) from None


def _no_toml(file: Path, message: str, text: str) -> ConfigError:
    at = _AT.search(message)
    place = f"{file}:{at[1]}:{at[2]}" if at else str(file)
    hint = 'a file of TOML has lines like `workspaces = ["~/robots"]`, and tables like `[jobs]`'
    if message.startswith("Invalid value"):
        hint = 'a text stands in quotes: mode = "apply"; numbers, true and false do not'
    twice = _set_twice(text) if message.startswith("Cannot overwrite") else None
    if twice is not None:
        line, first, key = twice
        return ConfigError(f"{file}:{line}: {key} is set in line {first} as well", hint="keep one")
    return ConfigError(f"{place}: {_AT.sub('', message)}", hint=hint)


_SET = re.compile(r"\s*(?P<key>[\w.\-\"']+)\s*=|\s*\[(?P<table>[^\[\]]+)\]")


def _set_twice(text: str) -> tuple[int, int, str] | None:
    """The line that sets a key again, the line that did so first, and the key: tomllib tells
    neither."""
    table = ""
    seen: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        found = _SET.match(line)
        if found is None:
            continue
        if found["table"] is not None:
            table = f"{found['table'].strip()}."
            continue
        key = table + found["key"]
        if key in seen:
            return number, seen[key], key
        seen[key] = number
    return None


def leaves(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The dotted names of all that is set, tables left out."""
    names = []
    for key, value in values.items():
        name = prefix + key
        names += leaves(value, f"{name}.") if isinstance(value, dict) else [name]
    return names


def _explain(detail: ErrorDetails, document: Document) -> ConfigError:
    """One of pydantic's errors as a line."""
    keys = detail["loc"]
    name = ".".join(_toml_key(part) for part in keys).replace(".[", "[")
    place = document.place(keys)
    if detail["type"] == "extra_forbidden":
        return ConfigError(
            f"{place}: unknown key {name}", hint=_suggest([str(key) for key in keys])
        )
    if detail["type"] == "model_type":
        return ConfigError(f"{place}: {name}: is a table: write [{name}]")
    hint = example_of(name.partition("[")[0])
    if detail["type"] == "value_error":
        refusal = detail["ctx"]["error"]
        own = refusal.hint if isinstance(refusal, Refusal) else ""
        return ConfigError(f"{place}: {name}: {refusal}", hint=own or hint)
    given = repr(detail["input"])
    shown = given if len(given) <= 40 else f"{given[:37]}..."
    what = _PLAIN.get(detail["type"], detail["msg"])
    return ConfigError(f"{place}: {name}: {what}, not {shown}", hint=hint)


def example_of(name: str) -> str:
    """A line that sets a key to what it takes, as a hint; "" for what is no key."""
    key = KEYS.get(name)
    if key is None:
        return ""
    value = json.dumps(key.example, ensure_ascii=False)
    return f"for example {name.rpartition('.')[2]} = {value}"


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
