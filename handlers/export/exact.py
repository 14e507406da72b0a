"""One line of a log, checked to the last digit: a record, or the reason why it is none.

This is the slow and certain reading, about 30 us a line. The fast path of records.py hands over
every line it has the slightest doubt about, so what is accepted, and what a rejected line is told,
is decided here alone.

What makes a line unusable: text that is not UTF-8 or not JSON (NaN and Infinity are not), a number
no float or no JSON reader can hold, half a surrogate pair, nesting deeper than a reader's stack, a
value that is no object, an exported key of the wrong type, no action. A missing key or a null is
unknown, which is fine; so are a BOM, CRLF and keys nobody has heard of.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from handlers.export.tally import Why

MAX_DIGITS = 4300
"""The longest integer Python's own JSON reader accepts."""

BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r"

_KINDS: dict[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number with a fraction",
    str: "a string",
    list: "a list",
    dict: "an object",
}
_Wanted = dict[str, tuple[tuple[type, ...], str]]
_WANTED: _Wanted = {
    "tick": ((int,), "an integer"),
    "phase": ((str,), "a string"),
    "phase_idx": ((int,), "an integer"),
    "goal_prompt": ((str,), "a string"),
    "action": ((str,), "a string"),
    "action_params": ((dict,), "an object"),
    "obs": ((dict,), "an object"),
    "reward": ((float, int), "a number"),
    "mission_success": ((bool,), "a boolean"),
    "motion": ((dict,), "an object"),
    "judgment": ((dict,), "an object"),
}
_JUDGED: _Wanted = {"phase_failed": ((bool,), "a boolean"), "terminated": ((bool,), "a boolean")}
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class Refused(Exception):
    """A line that is no usable record; the text says why. Counted, met by no user."""

    def __init__(self, why: Why, reason: str) -> None:
        super().__init__(reason)
        self.why = why


def parse_record(line: bytes, *, judged: bool) -> dict[str, Any]:
    """The tick on a line (without its newline), every key that is used of its type or None.

    `judged`: it matters whether it is a failure. Raises Refused.
    """
    record = _parse_object(line)
    if "obs" not in record and "ts" in record and "event" in record:
        raise Refused(Why.ORCHESTRATOR, "an orchestrator's event, not a tick of a run")
    for key, (types, wanted) in (_WANTED | _JUDGED if judged else _WANTED).items():
        value = record.get(key)
        if value is not None and type(value) not in types:
            raise Refused(Why.WRONG_TYPE, f"{key} is {_KINDS[type(value)]}, not {wanted}")
    return record


def is_reset(record: dict[str, Any]) -> bool:
    """Whether a record is what the robot saw before it first acted: tick 0, no action."""
    return record.get("tick") == 0 and record.get("action") is None


def _parse_object(line: bytes) -> dict[str, Any]:
    try:
        text = line.removeprefix(BOM).decode()
        value = json.loads(
            text, parse_float=_float, parse_int=_integer, parse_constant=_not_a_number
        )
        if _HALF_PAIR.search(text):
            json.dumps(value, ensure_ascii=False).encode()
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
        kind = "null" if value is None else _KINDS[type(value)]
        raise Refused(Why.NOT_OBJECT, f"the line is {kind}, not an object")
    return value


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        shown = text if len(text) <= 24 else f"{text[:20]}..."
        raise Refused(Why.NOT_FINITE, f"the number {shown} is too large to be finite")
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        digits = len(text.removeprefix("-"))
        if digits > MAX_DIGITS:
            raise Refused(Why.LONG_NUMBER, f"an integer of {digits:,} digits")
    return int(text)


def _not_a_number(name: str) -> NoReturn:
    raise Refused(Why.NOT_FINITE, f"{name} is not a JSON number")
