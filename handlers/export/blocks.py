"""A block of log lines, read fast: typed where a prompt needs it, verbatim where it does not.

A `Record` is both what is read from a line and what is written: values that are only copied stay
the log's own bytes (`Raw`), so nothing is rounded or re-escaped on the way.

msgspec checks the grammar, escapes and surrogate pairs of every byte it passes over, but for a Raw
value it takes two things on trust: that the text is UTF-8, and that its numbers can be held. Both
are checked here for a whole block at a time, at a fraction of the price of reading the values. A
line with any doubt about it is named, and exact.py decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

T = TypeVar("T")

NULL = Raw(b"null")


class Record(msgspec.Struct, kw_only=True, gc=False):
    """A training record in the making; on a log's line, a tick.

    Keys required here may be missing from a tick too: that is for exact.py to tolerate. `prompt` is
    set, `goal_prompt` and `end_reason` are taken out before a record is encoded.
    """

    prompt: Raw = NULL
    action: str
    action_params: Raw = NULL
    reward: float | None = None
    phase: str
    phase_idx: int
    tick: int
    obs: Raw
    motion: Raw = NULL
    mission_success: bool | None = None
    judgment: Raw = NULL
    goal_prompt: str | UnsetType
    end_reason: str | UnsetType | None = UNSET


class JudgedRecord(Record, kw_only=True, gc=False):
    """A record of which it matters whether it is a failure; both keys are taken out as well."""

    phase_failed: bool | UnsetType | None = UNSET
    terminated: bool | UnsetType | None = UNSET


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a log, and the record on each; at the positions in `doubts`, what it is like."""

    lines: list[memoryview]
    records: list[Record]
    doubts: set[int]


_PLACE_HOLDER = Record(action="", phase="", phase_idx=0, tick=0, obs=Raw(b"{}"), goal_prompt="")
"""Stands where a line gave no record; it is never written."""

# With an exponent below 100 it takes more than 200 digits to be too large for a float. So a number
# is suspect for a longer exponent, or for more digits than anybody writes. The pattern starts with
# a plain letter because such a pattern is searched for several times faster. A run of digits that
# long shows in a sample of every 16th byte, which is what is looked through first.
_LARGE_EXPONENT = rb"e[+0-9][0-9]{2}(?:(?<=[0-9]e[0-9]{3})|(?<=[0-9]e\+[0-9]{2})[0-9])"
_LARGE_E = {letter: re.compile(_LARGE_EXPONENT.replace(b"e", letter)) for letter in (b"e", b"E")}
_MANY_DIGITS = re.compile(rb"[0-9]{192}")
_STEP = 16
_DIGITS = bytes(ord("0") if char in b"0123456789" else ord(" ") for char in range(256))
_MANY_STEPS = b"0" * (192 // _STEP)


class BlockReader:
    """Reads blocks. `judged`: the records are JudgedRecords."""

    def __init__(self, *, judged: bool) -> None:
        kind: type[Record] = JudgedRecord if judged else Record
        self._decode = msgspec.json.Decoder(kind).decode

    def read(self, block: bytes) -> Block:
        """The records on the lines of a block, each ended by a newline."""
        lines = _split(block)
        doubts: set[int] = set()
        records = decode_each(self._decode, lines, _PLACE_HOLDER, doubts)
        if not _is_utf8(block):
            doubts.update(at for at, line in enumerate(lines) if not _is_utf8(bytes(line)))
        doubts.update(_suspects(block))
        doubts.update(_endings(records))
        return Block(lines, records, doubts)


def decode_each(
    decode: Callable[[Raw], T],
    items: Sequence[Raw | memoryview],
    otherwise: T,
    failed: set[int],
) -> list[T]:
    """`decode` of each item; `otherwise`, and its position into `failed`, where that raises."""
    decoded: list[T] = []
    rest = map(decode, items)  # type: ignore[arg-type]  # any buffer will do
    while len(decoded) < len(items):
        try:
            decoded.extend(rest)  # keeps what came before an item that raises
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            failed.add(len(decoded))
            decoded.append(otherwise)
    return decoded


def _split(block: bytes) -> list[memoryview]:
    view = memoryview(block)
    lines: list[memoryview] = []
    find, start = block.find, 0
    while (end := find(b"\n", start)) >= 0:
        lines.append(view[start:end])
        start = end + 1
    return lines


def _endings(records: list[Record]) -> Iterator[int]:
    """Positions of records that say why a run ended: one may tell of no step that was done.

    The key is null on the other lines of our logs, and is taken out there.
    """
    for at, record in enumerate(records):
        if record.end_reason is not UNSET:
            if record.end_reason is not None:
                yield at
            record.end_reason = UNSET


def _suspects(block: bytes) -> set[int]:
    """Positions of lines with what may be a number that is too large, wherever on the line."""
    patterns = [pattern for letter, pattern in _LARGE_E.items() if letter in block]
    if _MANY_STEPS in block[::_STEP].translate(_DIGITS):
        patterns.append(_MANY_DIGITS)
    return {line for pattern in patterns for line in _lines_with(pattern, block)}


def _lines_with(pattern: re.Pattern[bytes], text: bytes) -> Iterator[int]:
    """The 0-based number of the line each match is on."""
    line = counted = 0
    for match in pattern.finditer(text):
        line += text.count(b"\n", counted, match.start())
        counted = match.start()
        yield line


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
