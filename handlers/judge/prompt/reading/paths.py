"""The paths that a project's code makes, and the files that it reads from them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path

from handlers.judge.prompt.writing.documents import BOM, Files, decoded
from handlers.judge.prompt.writing.errors import RefusedSource, setting
from handlers.judge.prompt.writing.text import Text
from handlers.judge.prompt.writing.values import (
    Keys,
    json_text,
    toml_text,
    whole,
    yaml_text,
)

FORMATS = {"json": json_text, "toml": toml_text, "yaml": yaml_text}
SUFFIXES = {".json": "json", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml"}


@dataclass(frozen=True, slots=True)
class Place:
    """A path in code. `folder` is the one it starts from: a module's own, None: where it runs."""

    path: str
    folder: Path | None = None

    def __truediv__(self, part: str) -> Place:
        return Place(posixpath.join(self.path, part), self.folder)

    @property
    def parent(self) -> Place:
        return Place(posixpath.join(self.path, ".."), self.folder)


@dataclass(frozen=True, slots=True)
class Handle:
    """An open file, or one that could be opened."""

    place: Place
    encoding: str = "utf-8"
    is_binary: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was parsed of a file, down to some keys."""

    format: str
    handle: Handle
    keys: Keys = ()


def found(files: Files, place: Place, folder: Path) -> Path:
    """The file that a path means. `folder`: that of the module which says it.

    Code is run in the project's folder, or in its own; where both have such a file and neither is
    said, that is refused.
    """
    starts = [place.folder] if place.folder is not None else [files.real, folder]
    paths = {files.resolve(start / posixpath.normpath(place.path)) for start in starts}
    there = sorted(path for path in paths if files.has(path))
    if len(there) > 1:
        raise RefusedSource(
            f"{files.root}: {' and '.join(map(str, there))} are both meant by {place.path!r}",
            hint=setting(str(there[0].relative_to(files.real))),
        )
    if not there:
        raise RefusedSource(f"{files.root / place.path}: is read for the prompt, and is not there")
    return there[0]


def read_text(files: Files, handle: Handle, folder: Path) -> Text:
    """All that a file holds, as text mode gives it."""
    path = found(files, handle.place, folder)
    document = decoded(path, files.read(path), handle.encoding)
    if handle.is_binary and "\r" in document.text:
        raise RefusedSource(
            f"{path}:1: is read with its line ends as they are, which are not plain"
        )
    text = whole(document)
    keeps_mark = document.bom and not handle.encoding.lower().endswith("sig")
    return Text.fixed(BOM) + text if keeps_mark else text


def read_value(files: Files, loaded: Loaded, folder: Path) -> Text:
    """A string in a file of JSON, TOML or YAML."""
    path = found(files, loaded.handle.place, folder)
    document = decoded(path, files.read(path), "utf-8")
    return FORMATS[loaded.format](document, loaded.keys)
