"""Files of a project as characters: read within bounds, spliced, written back in their encoding.

Positions are characters of the decoded text, byte order mark left out. Lines end where Python ends
them (`str.splitlines` breaks at form feeds and separators, too).
"""

from __future__ import annotations

import bisect
import io
import os
import re
import stat
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from handlers.judge.prompt.writing.errors import RefusedSource
from handlers.project.paths import inside
from store.errors import UnsafePathError

MAX_BYTES = 4 << 20
BOM = "\ufeff"
_LINE_END = re.compile(r"\r\n|\r|\n")


class Document(Protocol):
    """Characters of a file, which can be replaced."""

    @property
    def path(self) -> Path: ...

    @property
    def text(self) -> str: ...

    @property
    def newline(self) -> str: ...

    def line(self, at: int) -> int:
        """The number of the line that a character is on."""

    def spliced(self, start: int, end: int, new: str) -> bytes:
        """The file's bytes with some characters replaced. Raises RefusedSource."""

    def can_encode(self, text: str) -> bool: ...


@dataclass(frozen=True, eq=False)
class TextFile:
    """A file of text in an encoding. `bom`: what stands before the text in its bytes."""

    path: Path
    text: str
    encoding: str
    bom: bytes = b""

    @property
    def newline(self) -> str:
        """How the file ends its lines."""
        if "\r\n" in self.text:
            return "\r\n"
        return "\r" if "\r" in self.text and "\n" not in self.text else "\n"

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins."""
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def line(self, at: int) -> int:
        return bisect.bisect_right(self.starts, at)

    def spliced(self, start: int, end: int, new: str) -> bytes:
        text = self.text[:start] + new + self.text[end:]
        return self.bom + text.encode(self.encoding)

    def can_encode(self, text: str) -> bool:
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True


def decoded(path: Path, data: bytes, encoding: str) -> TextFile:
    """A file's text. A byte order mark is kept apart. Raises RefusedSource.

    `encoding` as Python's codecs name it; one that does not give the same bytes back is refused.
    """
    bom = BOM.encode() if data.startswith(BOM.encode()) else b""
    name = "utf-8" if encoding.lower().replace("_", "-") == "utf-8-sig" else encoding
    try:
        text = data[len(bom) :].decode(name)
        exact = text.encode(name) == data[len(bom) :]
    except (UnicodeError, LookupError, ValueError) as error:
        raise RefusedSource(
            f"{path}:1: is not text in {encoding}: {error}",
            hint='save it as UTF-8, or say its encoding where it is read: encoding="latin-1"',
        ) from None
    if not exact:
        raise RefusedSource(f"{path}:1: its encoding {encoding} does not round-trip")
    return TextFile(path, text, name, bom)


def python_file(path: Path, data: bytes) -> TextFile:
    """A Python file's text, in the encoding that it says. Raises RefusedSource."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        raise RefusedSource(f"{path}:{error.lineno or 1}: is not Python: {error.msg}") from None
    except (UnicodeError, LookupError, ValueError) as error:
        raise RefusedSource(f"{path}:1: cannot be parsed: {error}") from None
    try:
        return decoded(path, data, encoding)
    except RefusedSource as error:
        raise RefusedSource(error.message.replace("is not text", "cannot be parsed")) from None


@dataclass(frozen=True, eq=False)
class Files:
    """The files of a project, none outside it. `instead`: bytes that stand for some of them.

    `only`: there are no others.
    """

    root: Path
    instead: Mapping[Path, bytes] = field(default_factory=dict)
    only: bool = False

    @cached_property
    def real(self) -> Path:
        """The project's real folder."""
        return self.root.resolve()

    def resolve(self, path: Path) -> Path:
        """The real path of a file of the project. Raises RefusedSource where it leads out."""
        try:
            return inside(self.root, path)
        except UnsafePathError as error:
            raise RefusedSource(error.message, hint=error.hint) from None

    def name(self, path: Path) -> str:
        """A file's path inside the project."""
        roots = [root for root in (self.real, self.root) if path.is_relative_to(root)]
        return path.relative_to(roots[0]).as_posix() if roots else path.name

    def label(self, path: Path, inner: str) -> str:
        """What the setting `judge.prompt` calls a place in a file."""
        return f"{self.name(path)}:{inner}"

    def has(self, path: Path) -> bool:
        """Whether there is such a file in the project."""
        try:
            real = inside(self.root, path)
            return real in self.instead or (not self.only and real.is_file())
        except (OSError, UnsafePathError):
            return False

    def read(self, path: Path) -> bytes:
        """A file's bytes. Raises RefusedSource; a pipe hangs nobody."""
        real = self.resolve(path)
        if real in self.instead:
            return self.instead[real]
        try:
            handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as stream:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise RefusedSource(f"{path}: is no file")
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise RefusedSource(f"{path}: cannot be read: {error.strerror}") from None
        if len(data) > MAX_BYTES:
            raise RefusedSource(f"{path}: is larger than {MAX_BYTES >> 20} MiB")
        return data
