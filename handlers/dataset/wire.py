"""The fields of a run log's line that become columns, as types; the rest is never decoded.

A line that does not fit is read again, value by value: what is of the wrong type is unknown, and
the line is counted as one that was read so.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from handlers.project.formats.fields import Judgment, Line, Moved
from handlers.project.formats.lines import BadLine, parse_line

NOTHING = Raw(b"")


class Params(msgspec.Struct, gc=False, frozen=True):
    """Parameters of an action: factors, a count, m, rad, s. Equal ones are one key of a dict."""

    speed: float | None = None
    extension: float | None = None
    repeat: float | None = None
    distance_m: float | None = None
    rotation_rad: float | None = None
    duration_s: float | None = None


class Observed(msgspec.Struct, gc=False):
    """`obs`: m, degrees, a count. An int stays one: a prompt spells it so."""

    body_height: float | int | None = None
    roll_deg: float | int | None = None
    pitch_deg: float | int | None = None
    feet_grounded: float | int | None = None
    nearest_m: float | int | None = None
    pos_x: float | int | None = None
    pos_y: float | int | None = None
    yaw_deg: float | int | None = None


class Judged(Judgment, gc=False):
    """`judgment`. In logs of ours it has `remaining_m`, null or not, and tells of what was known
    before the action; elsewhere of what was seen after it."""

    canonical_params: Params = msgspec.field(default_factory=Params)
    canonical_reason: str | None = None
    model_rationale: str | None = None
    remaining_m: float | UnsetType | None = UNSET
    progress_lost_m: float | None = None
    heading_lost_rad: float | None = None

    @property
    def is_of_before(self) -> bool:
        return self.remaining_m is not UNSET


class Record(Line, gc=False):
    """A line of a run log."""

    tick: int | None = None
    phase_idx: int | None = None
    goal_prompt: str | None = None
    action_params: Params = msgspec.field(default_factory=Params)
    obs: Observed = msgspec.field(default_factory=Observed)
    judgment: Judged = msgspec.field(default_factory=Judged)
    visible_tags: Raw = NOTHING
    sim_time_s: float | None = None
    stamp: Raw = NOTHING


_FIELDS = {kind: msgspec.structs.fields(kind) for kind in (Record, Params, Observed, Moved, Judged)}

decode = msgspec.json.Decoder(Record).decode
"""The record on a line. Raises msgspec.DecodeError or RecursionError where it does not fit."""


def lenient(line: bytes) -> Record:
    """The record on a line any field of which may hold anything.

    A number that is not finite is unknown; a pose with one has `finite` false. Raises BadLine.
    """
    found = parse_line(line)
    record: Record = _built(Record, found)
    pose = found.get("obs")
    values = pose.values() if isinstance(pose, dict) else ()
    if any(type(value) is float and not isfinite(value) for value in values):
        record.finite = False
    return record


def _built(kind: type[Any], given: Any) -> Any:
    """A struct of what is of its type in a value; all else is as if it were not there."""
    known: dict[str, Any] = {}
    for field in _FIELDS[kind] if isinstance(given, dict) else ():
        value = given.get(field.name)
        if value is None:
            if field.name == "remaining_m" and field.name in given:
                known["remaining_m"] = None
        elif field.type in _FIELDS:
            known[field.name] = _built(field.type, value)
        elif field.type is Raw:
            if isinstance(value, dict):
                known[field.name] = Raw(msgspec.json.encode(value))
        else:
            try:
                found = msgspec.convert(value, field.type)
            except msgspec.ValidationError:
                continue
            if not (isinstance(found, float) and not isfinite(found)):
                known[field.name] = found
    return kind(**known)


__all__ = ["BadLine", "Judged", "Observed", "Params", "Record", "decode", "lenient"]
