"""A log's lines: read once, in bounded memory, hashed on the way, a torn tail left pending.

A log is read while something else writes it. What counts as read ends with a newline: `size` and
`digest` cover the bytes up to and including the last one, so that the next, longer read can be told
from a replacement by hashing the same number of bytes again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from handlers.project.jsontext import kind_of
from store.identity import Digest, Prefix, is_todays

BLOCK = 256 * 1024
"""Bytes read at a time: small enough that a block and its lines stay in the processor's cache."""

MAX_LINE = 64 * 1024 * 1024
SNIFFED = 1024 * 1024


class BadLine(Exception):
    """A line that is no JSON object; the text says why. Caught by every reader, met by no user."""


# -- bytes -> lines --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Head:
    """The part of a file that was read: `digest` is what its first `size` bytes are known by.

    `prior_digest` covers the prefix that the caller asked about, hashed as that is known; None when
    it did not ask or the file is shorter. `torn_tail`: after `size` there are bytes of an
    unfinished line.
    """

    size: int
    digest: str
    prior_digest: str | None
    torn_tail: bool


class _Hasher:
    """Hashes what goes in, and notes what a prefix of it is known by when that much has gone in.

    A prefix that is known by an older algorithm is hashed by that as well, up to its end.
    """

    def __init__(self, prior: Prefix | None) -> None:
        self._all = Digest()
        self._prior = prior
        older = prior is not None and prior.known and not is_todays(prior.known)
        self._older = Digest(prior.known) if prior is not None and older else None
        self.size = 0
        self.at_mark: str | None = None
        self.update(b"")

    def update(self, data: bytes | memoryview) -> None:
        if self._prior is not None and self.at_mark is None:
            self._approach(self._prior.size, data)
        self._all.update(data)
        self.size += len(data)

    def _approach(self, mark: int, data: bytes | memoryview) -> None:
        if mark <= self.size + len(data):
            upto = (self._older or self._all).copy()
            upto.update(data[: mark - self.size])
            self.at_mark = upto.value()
        elif self._older is not None:
            self._older.update(data)

    def copy(self) -> _Hasher:
        twin = _Hasher(None)
        twin._prior, twin.size, twin.at_mark = self._prior, self.size, self.at_mark
        twin._all, twin._older = self._all.copy(), self._older and self._older.copy()
        return twin

    def value(self) -> str:
        return self._all.value()


class _Counter(_Hasher):
    """Counts bytes alone, for whoever only wants the lines: hashing takes as long as parsing."""

    def __init__(self) -> None:
        super().__init__(None)

    def update(self, data: bytes | memoryview) -> None:
        self.size += len(data)


class LineReader:
    """Iterates over (1-based number, line without its newline); None for a line over MAX_LINE.

    Only lines that end with a newline are iterated over. Afterwards `tail` holds what follows the
    last newline; call `take_tail` to count it as read. `head` then says what was read; without
    `hashing` its hashes say nothing.
    """

    def __init__(
        self, stream: BinaryIO, *, prior: Prefix | None = None, hashing: bool = True
    ) -> None:
        self._stream = stream
        self._read = _Hasher(prior) if hashing else _Counter()
        self._ahead: _Hasher | None = None  # runs ahead of _read in a line too long to hold
        self._held: list[bytes] = []
        self._held_size = 0
        self.number = 0

    def __iter__(self) -> Iterator[tuple[int, bytes | None]]:
        for lines in self.blocks():
            for line in lines:
                self.number += 1
                yield self.number, line

    def blocks(self) -> Iterator[list[bytes | None]]:
        """The same lines by the block that each ended in, for whoever numbers them; never none."""
        while block := self._stream.read(BLOCK):
            first, *others = block.split(b"\n")
            if not others:
                self._hold(block)
                continue
            rest = others.pop()
            line = self._complete(first)
            self._read.update(memoryview(block)[len(first) + 1 : len(block) - len(rest)])
            yield [line, *others]
            if rest:
                self._hold(rest)

    def _complete(self, end_of_line: bytes) -> bytes | None:
        """The line that was held, now that its last piece is known."""
        self._hold(end_of_line)
        line = None if self._ahead else self.tail
        if self._ahead:
            self._read, self._ahead = self._ahead, None
        self._release()
        self._read.update(b"\n")
        return line

    def _release(self) -> None:
        """Count what is held as read."""
        for piece in self._held:
            self._read.update(piece)
        self._held, self._held_size = [], 0

    @property
    def tail(self) -> bytes:
        """The unfinished last line, complete or torn; empty when it is too long to hold."""
        return b"".join(self._held)

    @property
    def too_long(self) -> bool:
        """Whether the unfinished last line is over MAX_LINE already."""
        return self._ahead is not None

    def take_tail(self) -> int:
        """Count the unfinished last line as read; its number."""
        if self._ahead is not None:
            self._read, self._ahead = self._ahead, None
        self._release()
        self.number += 1
        return self.number

    def head(self) -> Head:
        """What has been read. The prior hash looks into an unfinished line where it must."""
        beyond = (self._ahead or self._read).copy()
        for piece in self._held:
            beyond.update(piece)
        return Head(
            size=self._read.size,
            digest=self._read.value(),
            prior_digest=beyond.at_mark,
            torn_tail=self._ahead is not None or bool(self.tail.strip()),
        )

    def _hold(self, piece: bytes) -> None:
        """Keep a piece of an unfinished line, unless the line is already too long to keep."""
        if self._ahead is not None:
            self._ahead.update(piece)
            return
        self._held.append(piece)
        self._held_size += len(piece)
        if self._held_size > MAX_LINE:
            self._ahead = self._read.copy()
            for held in self._held:
                self._ahead.update(held)
            self._held, self._held_size = [], 0


# -- line -> object --------------------------------------------------------------------------------


def parse_line(line: bytes) -> dict[str, Any]:
    """The JSON object on a line. Raises BadLine.

    NaN and Infinity come through as such (loggers write them); what no number or text can hold
    does not: 1e999, integers of hundreds of digits, half a surrogate pair, invalid UTF-8.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as refused:
        value = _parse_leniently(line, refused)
    if type(value) is not dict:
        raise BadLine(f"expected an object {{ ... }}, not {kind_of(value)}")
    return value


def _parse_leniently(line: bytes, refused: orjson.JSONDecodeError) -> Any:
    """A second opinion, for lines with NaN or a BOM; else why the line was refused."""
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadLine("UTF-16 text: save it as UTF-8")
    try:
        value = json.loads(line.decode("utf-8-sig"), parse_int=_integer, parse_float=_float)
        orjson.dumps(value)  # refuses half a surrogate pair
    except UnicodeDecodeError as error:
        raise BadLine(f"not UTF-8 text at column {error.start + 1}") from None
    except json.JSONDecodeError:
        if b"\0" in line:
            raise BadLine("holds zero bytes, as files cut by a crash do") from None
        raise BadLine(f"not JSON at column {refused.pos + 1}: {refused.msg}") from None
    except RecursionError:
        raise BadLine("nested too deeply") from None
    except orjson.JSONEncodeError as error:
        deep = "ecursion" in str(error)
        raise BadLine(
            "nested too deeply" if deep else "holds half a character (a lone surrogate)"
        ) from None
    return value


def _integer(digits: str) -> int | float:
    if len(digits) < 19:
        return int(digits)
    return _float(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise BadLine("holds a number too large to represent")
    return value


def why_no_record(tail: bytes) -> str | None:
    """Why an unfinished first line can never become a record; None while it can.

    So a file that says nothing yet is told from one that never will.
    """
    start = tail.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        return None
    if not start.startswith(b"{") and tail not in (b"\xef", b"\xef\xbb"):
        try:
            parse_line(tail)
        except BadLine as bad:
            return str(bad)
    pieces = start.split(b"\r", 1)
    if len(pieces) > 1 and pieces[1].strip():
        with suppress(BadLine):
            parse_line(pieces[0])
            return "its lines end in CR alone: make them end in LF (tr '\\r' '\\n')"
    return None


def first_objects(stream: BinaryIO, limit: int = 16) -> Iterator[dict[str, Any]]:
    """Up to `limit` objects from the lines at the start of a file, for sniffing: as they are asked
    for, as the first one mostly tells what the file is.

    Of its first MiB, or of its first line if that is longer (but not over MAX_LINE).
    """
    start = stream.read(SNIFFED)
    if b"\n" not in start:
        start += stream.readline(MAX_LINE)
    for line in start.split(b"\n"):
        try:
            found = parse_line(line)
        except BadLine:
            continue
        yield found
        limit -= 1
        if not limit:
            return
