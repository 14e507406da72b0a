"""What a job's child says on its stdout, a JSON object a line; both sides read and write it here.

{"beat": 3}                            still alive
{"progress": {...}}                    live values
{"done": {"events": [...], "summary": "", "once": false}}
{"failed": {"error": "...", "permanent": false, "after": null, "events": []}}
{"began": "a node"}                    what waited for a place has one: its time counts from here
{"put_back": "..."}                    nothing was done, through no fault of the job's
{"ask": {"function": "...", "parts": [...], "files": [...], "own": [[...], ...]}}
        answered on its stdin, a line for each part and in their order:
        {"value": ...}, {"error": "..."} or {"declined": "..."}, which is the last one
{"enough": true}                       no more of these: answered by a last {"declined": "..."}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from store.events.base import Event
from store.events.types import EVENT_TYPES


@dataclass(frozen=True)
class Beat:
    """The child is alive and has nothing else to say."""

    count: int


@dataclass(frozen=True)
class Progress:
    """Live values for whoever watches: epoch, loss, tick ..."""

    values: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """The job is done. `once`: its summary is logged a single time in a daemon's life."""

    summary: str
    events: tuple[Event, ...] = ()
    once: bool = False


@dataclass(frozen=True)
class Failed:
    """The attempt failed. `permanent`: another would too; `after_s`: try again in so many seconds.

    `events`: what was found all the same.
    """

    error: str
    permanent: bool = False
    after_s: float | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class Began:
    """A job that waited for a place on a cluster has one: its time counts from here."""

    node: str


@dataclass(frozen=True)
class PutBack:
    """The attempt ended before it began, through no fault of its own: it does not count."""

    reason: str


@dataclass(frozen=True)
class Ask:
    """Parts that somebody else may compute (handlers.spread): for the parent, not the daemon.

    `files` are for all parts, `own` for one each; empty: none has any.
    """

    function: str
    parts: tuple[Mapping[str, Any], ...]
    files: tuple[str, ...]
    own: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Enough:
    """What was asked and is not answered yet is not wanted any more: for the parent, too."""


Message: TypeAlias = Beat | Progress | Done | Failed | Began | PutBack | Ask | Enough


def encode(message: Message) -> str:
    """A message as one line, without its end."""
    match message:
        case Beat(count):
            return json.dumps({"beat": count})
        case Progress(values):
            return json.dumps({"progress": dict(values)})
        case Done(summary, events, once):
            done = {"events": _as_json(events), "summary": summary, "once": once}
            return json.dumps({"done": done})
        case Failed(error, permanent, after_s, events):
            failed = {"error": error, "permanent": permanent, "after": after_s}
            return json.dumps({"failed": failed | {"events": _as_json(events)}})
        case Began(node):
            return json.dumps({"began": node})
        case PutBack(reason):
            return json.dumps({"put_back": reason})
        case Ask(function, parts, files, own):
            asked = {"function": function, "parts": list(parts), "files": list(files), "own": own}
            return json.dumps({"ask": asked})
        case Enough():
            return json.dumps({"enough": True})


def decode(line: bytes) -> Message | None:
    """The message in a line; None for one of a kind that this version does not know.

    Raises ProtocolError for what is none: a job's own code may have written to the stream.
    """
    try:
        return _message(json.loads(line))
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise ProtocolError(error) from error


class ProtocolError(Exception):
    """A line that is no message; `cause` says what was wrong with it."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _message(fields: Any) -> Message | None:
    if not isinstance(fields, dict):
        raise TypeError("it is no object")
    if "progress" in fields:
        return Progress(dict(fields["progress"]))
    if "done" in fields:
        done = fields["done"]
        events = _events(done["events"])
        return Done(str(done["summary"]), events, bool(done.get("once")))
    if "failed" in fields:
        failed = fields["failed"]
        after = failed.get("after")
        events = _events(failed.get("events", ()))
        return Failed(
            str(failed["error"]),
            bool(failed["permanent"]),
            None if after is None else float(after),
            events,
        )
    if "began" in fields:
        return Began(str(fields["began"]))
    if "put_back" in fields:
        return PutBack(str(fields["put_back"]))
    if "ask" in fields:
        asked = fields["ask"]
        parts = tuple(dict(part) for part in asked["parts"])
        own = tuple(tuple(map(str, names)) for names in asked.get("own", ()))
        if own and len(own) != len(parts):
            raise ValueError("files of other parts than those that are asked for")
        return Ask(str(asked["function"]), parts, tuple(map(str, asked["files"])), own)
    if "enough" in fields:
        return Enough()
    return Beat(int(fields["beat"])) if "beat" in fields else None


def _events(facts: Iterable[Mapping[str, Any]]) -> tuple[Event, ...]:
    return tuple(EVENT_TYPES[fact["type"]].of_shape(fact["data"]) for fact in facts)


def _as_json(events: Iterable[Event]) -> list[dict[str, Any]]:
    return [{"type": event.type_name(), "data": event.as_shape()} for event in events]
