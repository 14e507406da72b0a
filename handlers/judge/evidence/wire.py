"""The fields of a run log's line that the judge wants, as types: the rest is never decoded.

A line that does not fit is no error: it is read again, leniently.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from handlers.project.formats.fields import Amounts, Judgment, Line
from handlers.project.formats.lines import BadLine, parse_line


class Observed(msgspec.Struct, gc=False):
    """`obs`: m and degrees."""

    body_height: float | None = None
    roll_deg: float | None = None
    pitch_deg: float | None = None
    nearest_m: float | None = None
    pos_x: float | None = None
    pos_y: float | None = None
    yaw_deg: float | None = None


class Target(msgspec.Struct, gc=False):
    """`target`: m and degrees, left positive."""

    distance_m: float | None = None
    bearing_deg: float | None = None


class Clear(msgspec.Struct, gc=False):
    """`clear_m`: m, -1 for nothing near."""

    left: float | None = None
    ahead: float | None = None
    right: float | None = None


class Judged(Judgment, gc=False):
    """`judgment`."""

    canonical_params: Amounts = msgspec.field(default_factory=Amounts)


class Record(Line, gc=False):
    """A line of a run log."""

    tick: float | None = None
    phase_idx: float | None = None
    action_params: Amounts = msgspec.field(default_factory=Amounts)
    obs: Observed = msgspec.field(default_factory=Observed)
    judgment: Judged = msgspec.field(default_factory=Judged)
    visible_tags: dict[str, float | None] | None = None
    outcome: str | None = None
    scraped: list[str] | None = None
    touched_person: float | None = None
    stamp: msgspec.Raw | None = None
    phase_tick: float | None = None
    target: Target | None = None
    clear_m: Clear | None = None
    tag_bearings: dict[str, float | None] | None = None


_decoder = msgspec.json.Decoder(Record)


class Lines:
    """A block of whole lines, each with its end, none of which is cut out before it is asked for.

    Where they end is found in a sixth of the time that it takes to split or to count them.
    """

    def __init__(self, block: bytes) -> None:
        self.block = block
        self._ends = [-1]
        at, find = -1, block.find
        while (at := find(b"\n", at + 1)) >= 0:
            self._ends.append(at)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> bytes:
        """A line without its end."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.block[self._ends[index] + 1 : self._ends[index + 1]]


def typed(lines: Lines) -> Sequence[Record | None]:
    """The fields of each line; None for one whose every field has to be looked at by itself.

    They are decoded at once where all of them fit.
    """
    if lines.block.isascii():
        try:
            records = _decoder.decode_lines(lines.block)
        except (msgspec.DecodeError, RecursionError):
            records = []
        if len(records) == len(lines):
            return records
    each = (lines[index] for index in range(len(lines)))
    return [_typed(line) if line.isascii() else None for line in each]


def _typed(line: bytes) -> Record | None:
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None


def lenient(line: bytes) -> dict[str, Any] | None:
    """The object on a line; None for a line that is no object."""
    try:
        return parse_line(line)
    except BadLine:
        return None
