"""Consecutive records of a log as columns: each made when it is first asked for, and then kept.

Values are fetched a field at a time, by loops in C: what a line costs is hardly the decoding, it is
what is done in Python to each of its sixty values.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from handlers.dataset.schema import OBSERVED, PARAMS
from handlers.dataset.wire import Record
from handlers.project.formats.runlog import FAR_M, TALL_M

_LIMITS = {"pos_x": FAR_M, "pos_y": FAR_M, "body_height": TALL_M}
_fetch = cache(attrgetter)


class Chunk:
    """Records in the order of the log. Columns have a value for each of them."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self._parts: dict[str, list[Any]] = {}
        self._reals: dict[tuple[str, str], pa.Array] = {}

    def __len__(self) -> int:
        return len(self.records)

    def values(self, name: str) -> list[Any]:
        """A field of each record."""
        return list(map(_fetch(name), self.records))

    def part(self, name: str) -> list[Any]:
        """A part of each record that has fields of its own: obs, motion, judgment ..."""
        if name not in self._parts:
            self._parts[name] = self.values(name)
        return self._parts[name]

    def of_part(self, part: str, name: str) -> list[Any]:
        """A field of a part of each record."""
        return list(map(_fetch(name), self.part(part)))

    def reals(self, part: str, name: str) -> pa.Array:
        """The same as a column of floats."""
        if (part, name) not in self._reals:
            self._reals[part, name] = array_of(self.of_part(part, name), pa.float64())
        return self._reals[part, name]

    @cached_property
    def ticks(self) -> NDArray[np.int64]:
        return np.array(self.values("tick"), dtype=np.int64)

    @cached_property
    def observed(self) -> pa.StructArray:
        """What was observed after each record's action."""
        fields = {name: self.reals("obs", name) for name in OBSERVED}
        if fields["yaw_deg"].null_count:  # our own logs have it beside `obs`
            beside = array_of(self.values("yaw_deg"), pa.float64())
            fields["yaw_deg"] = pc.coalesce(fields["yaw_deg"], beside)
        return pa.StructArray.from_arrays(list(fields.values()), names=list(fields))

    @cached_property
    def params(self) -> pa.StructArray:
        columns = [self.reals("action_params", name) for name in PARAMS]
        return pa.StructArray.from_arrays(columns, names=list(PARAMS))

    @cached_property
    def diverged(self) -> NDArray[np.bool_]:
        """Whether the pose is one that physics does not allow (see the run log's reader)."""
        far = np.array([finite is False for finite in self.values("finite")], dtype=np.bool_)
        for name, limit in _LIMITS.items():
            far |= np.abs(numbers(self.reals("obs", name))) >= limit  # unknown is not above
        return far


def numbers(column: pa.Array) -> NDArray[np.float64]:
    """A column of floats as such: what is unknown is NaN."""
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def true(column: pa.Array) -> NDArray[np.bool_]:
    """Where a column of flags is true; unknown is not."""
    known = pc.fill_null(column, False)
    return np.asarray(known.to_numpy(zero_copy_only=False), dtype=np.bool_)


def array_of(values: Any, kind: pa.DataType) -> pa.Array:
    """Values as a column; of an array, what is not finite is unknown, and becomes null."""
    if isinstance(values, pa.Array):
        return values
    if isinstance(values, np.ndarray):
        mask = ~np.isfinite(values) if values.dtype.kind == "f" else None
        return pa.array(values, kind, mask=mask)
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, OverflowError):
        if kind != pa.float64():
            raise
        return pa.array([None if v is None else float(v) for v in values], kind)
