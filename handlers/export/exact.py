"""One line of a log, checked to the last digit: a tick, or the reason why it is none.

This is the slow and certain reading, about 30 us a line. The fast path hands over every line it has
the slightest doubt about, so what is accepted, and what is said of a rejected line, is decided here
alone.

A line is not usable when it is not UTF-8 or not JSON (NaN and Infinity are not), is no object, is
nested deeper than a reader's stack, holds half a surrogate pair, has no action, or when a key that
is used has a value of the wrong type or with a number in it that readers cannot hold. A missing key
or a null is unknown, which is fine; so are a BOM, CRLF and keys nobody has heard of.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from handlers.export.tally import Why
from handlers.project.formats.runlog import cut_off

MAX_DIGITS = 4300
"""The longest integer Python's own JSON reader accepts."""

BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r"

_ANY = (dict, list, str, int, float, bool)

COPIED: dict[str, tuple[type, ...]] = {
    "action": (str,),
    "action_params": _ANY,
    "reward": (float, int),
    "phase": (str,),
    "phase_idx": (int,),
    "tick": (int,),
    "obs": (dict,),
    "motion": _ANY,
    "mission_success": (bool,),
    "judgment": _ANY,
}
"""What a record holds after its prompt, in this order, and what it may be besides null.

What is only copied is copied whatever it is.
"""

_USED = {**COPIED, "goal_prompt": (str,)}
_JUDGED = {**_USED, "phase_failed": (bool,), "terminated": (bool,)}

_KINDS: dict[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class Refused(Exception):
    """A line that is no usable record; the text says why. Counted, met by no user."""

    def __init__(self, why: Why, reason: str) -> None:
        super().__init__(reason)
        self.why = why


@dataclass(frozen=True, slots=True)
class _Unholdable:
    """Stands for a number that is JSON but too much for its readers."""

    why: Why
    reason: str


def parse_tick(line: bytes, *, judged: bool) -> dict[str, Any]:
    """The tick on a line (without its newline), every key that is used of its type or None.

    `judged`: it matters whether it is a failure. Raises Refused.
    """
    tick = _parse_object(line)
    if "obs" not in tick and "ts" in tick and "event" in tick:
        raise Refused(Why.ORCHESTRATOR, "an orchestrator's event, not a tick of a run")
    for key, types in (_JUDGED if judged else _USED).items():
        value = tick.get(key)
        if value is None:
            continue
        if (number := _unholdable(value)) is not None:
            raise Refused(number.why, f"{key} holds {number.reason}")
        if key == "reward" and type(value) is int:
            tick[key] = value = _as_float(value)
        if type(value) not in types:
            wanted = _KINDS[types[0]]
            raise Refused(Why.WRONG_TYPE, f"{key} is {_KINDS[type(value)]}, not {wanted}")
    return tick


def holds_no_step(tick: dict[str, Any]) -> bool:
    """Whether a tick tells of nothing that was done, and cannot be trained on.

    It is what the robot saw before it first acted (number 0, no action), or closes a run that was
    cut off in an action.
    """
    return (tick.get("tick") == 0 and tick.get("action") is None) or cut_off(tick) is not None


def _parse_object(line: bytes) -> dict[str, Any]:
    try:
        text = line.removeprefix(BOM).decode()
        value = json.loads(
            text, parse_float=_float, parse_int=_integer, parse_constant=_not_a_number
        )
        if _HALF_PAIR.search(text):
            json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeDecodeError as error:
        raise Refused(Why.NOT_UTF8, f"not UTF-8 text at byte {error.start + 1}") from None
    except UnicodeEncodeError:
        raise Refused(Why.SURROGATE, "holds half a character (a lone surrogate)") from None
    except json.JSONDecodeError as error:
        if b"\0" in line:
            raise Refused(Why.NOT_JSON, "holds zero bytes, as files cut by a crash do") from None
        reason = f"not JSON at column {error.colno}: {error.msg}"
        raise Refused(Why.NOT_JSON, reason) from None
    except RecursionError:
        raise Refused(Why.TOO_DEEP, "nested too deeply") from None
    if type(value) is not dict:
        kind = "null" if value is None else _KINDS.get(type(value), "a number")
        raise Refused(Why.NOT_OBJECT, f"the line is {kind}, not an object")
    return value


def _unholdable(value: Any) -> _Unholdable | None:
    """A number inside a value that cannot be held, if there is one."""
    pending = [value]
    while pending:
        item = pending.pop()
        if type(item) is _Unholdable:
            return item
        if type(item) is dict:
            pending.extend(item.values())
        elif type(item) is list:
            pending.extend(item)
    return None


def _float(text: str) -> float | _Unholdable:
    value = float(text)
    if math.isfinite(value):
        return value
    shown = text if len(text) <= 24 else f"{text[:20]}..."
    return _Unholdable(Why.NOT_FINITE, f"{shown}, too large to be finite")


def _as_float(value: int) -> float:
    """A reward is a float, however it is spelled: a column has one type. Raises Refused."""
    try:
        return float(value)
    except OverflowError:
        raise Refused(Why.NOT_FINITE, "reward holds an integer too large for a float") from None


def _integer(text: str) -> int | _Unholdable:
    digits = len(text) - text.startswith("-")
    if digits > MAX_DIGITS:
        return _Unholdable(Why.LONG_NUMBER, f"an integer of {digits:,} digits")
    return int(text)


def _not_a_number(name: str) -> NoReturn:
    raise Refused(Why.NOT_FINITE, f"{name} is not a JSON number")
