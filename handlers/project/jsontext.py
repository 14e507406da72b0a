"""Turn the bytes of a hand-written JSON file into plain values, or into one clear line.

Comments (keys that start with `_`) are dropped here, so nothing behind this module sees them. What
JSON has no word for (NaN, Infinity) and what no text can hold (half a surrogate pair) is refused
here too, with its place, so that every number and string further on is an ordinary one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from store.errors import ProjectError

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
MAX_INTEGER = 2**63

Place = tuple[str | int, ...]
"""Where inside a JSON value: keys and 0-based indices from the top."""


def read_text_file(path: Path, error: type[ProjectError]) -> bytes:
    """The bytes of a small hand-written file. Raises `error` naming the path when it cannot."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as reason:
        raise error(f"{path}: cannot be read: {reason.strerror or reason}") from None
    return data


def parse_object(
    data: bytes, where: str, error: type[ProjectError]
) -> tuple[dict[str, Any], list[str]]:
    """The object a JSON file holds, without comments, and warnings about keys given twice.

    Raises `error`: one line that starts with `where`, with line and column for broken syntax and
    with the place (`phases[2].max_ticks`) for a value that cannot be used.
    """
    if len(data) > MAX_BYTES:
        raise error(f"{where}: larger than {MAX_BYTES // 2**20} MiB; is this the right file?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        line = data.count(b"\n", 0, reason.start) + 1
        raise error(f"{where}: line {line}: not UTF-8 text; save it as UTF-8") from None
    if not text.strip():
        raise error(f"{where}: empty; expected a JSON object {{ ... }}")
    twice: list[str] = []
    try:
        value = json.loads(text, object_pairs_hook=lambda pairs: _object(pairs, twice))
    except json.JSONDecodeError as reason:
        place = f"line {reason.lineno} column {reason.colno}"
        raise error(f"{where}: {place}: {_in_words(text, reason)}") from None
    except RecursionError:
        raise error(f"{where}: nested more than {MAX_DEPTH} levels deep") from None
    except ValueError:  # Python refuses to convert integers of more than 4,300 digits
        raise error(f"{where}: holds a number with thousands of digits") from None
    if not isinstance(value, dict):
        raise error(f"{where}: must be a JSON object {{ ... }}, not {kind_of(value)}")
    return _Cleaner(value, where, error).clean(value), twice


_PYTHON = {"True": "true", "False": "false", "None": "null"}


def _in_words(text: str, reason: json.JSONDecodeError) -> str:
    """What is wrong with the syntax, and what would be right: slips of who writes by hand."""
    rest, before = text[reason.pos :], text[: reason.pos].rstrip()
    word = re.match(r"\w+", rest)
    if rest.startswith(("//", "/*", "#")):
        return 'JSON has no comments; a key that starts with _ is one: "_note": "..."'
    if rest[:1] in ("}", "]") and before.endswith(","):
        return f"a comma too many before this {rest[0]}"
    if rest[:1] in ("'", "‘", "“", "”"):
        return 'keys and texts stand in plain double quotes: "name"'
    if word is not None and word[0] in _PYTHON:
        return f"{word[0]} is spelled {_PYTHON[word[0]]} in JSON"
    if re.match(r"[+.]\d", rest) or (word is not None and word[0].isdecimal()):
        return "a number is written like 1.5, 0.5 or -2"
    if word is not None and "property name" in reason.msg:
        return f'a key stands in double quotes: "{word[0][:40]}"'
    for sign, said in _SLIPS.items():
        if reason.msg.startswith(sign):
            return said
    return reason.msg


_SLIPS = {
    "Expecting ',' delimiter": "a comma is missing before this, or a bracket above is not closed",
    "Expecting ':' delimiter": 'a key is followed by a colon: "name": "hall"',
    "Extra data": "more follows where the object has ended; a file holds one { ... }",
    "Unterminated string": 'the text that begins here has no closing "',
    "Invalid control character": "a text stands on one line; \\n in it is a line end",
    "Invalid \\escape": "a backslash in a text is written twice: \\\\",
    "Illegal trailing comma": "a comma too many",
    "Expecting value": "a value is expected here: a text in double quotes, a number, true, false,"
    " null, [ ... ] or { ... }",
    "Expecting property name": "a key is expected here, in double quotes",
}


def _object(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen and not key.startswith("_"):
                twice.append(f"key {key!r} is given twice in one object; the last one counts")
            seen.add(key)
    return result


class _Cleaner:
    """Copies a value without its comments; every number finite, every string real text."""

    def __init__(self, root: Any, where: str, error: type[ProjectError]) -> None:
        self.root, self.where, self.error = root, where, error

    def clean(self, value: Any, place: Place = ()) -> Any:
        if len(place) > MAX_DEPTH:
            raise self.error(f"{self.where}: nested more than {MAX_DEPTH} levels deep")
        match value:
            case dict():
                return {
                    self._text(key, place): self.clean(item, (*place, key))
                    for key, item in value.items()
                    if not key.startswith("_")
                }
            case list():
                return [self.clean(item, (*place, at)) for at, item in enumerate(value)]
            case str():
                return self._text(value, place)
            case float() if not math.isfinite(value):
                raise self._refused(place, f"must be a finite number, not {value}")
            case int() if abs(value) > MAX_INTEGER:
                raise self._refused(place, "the number is too large")
            case _:
                return value

    def _text(self, value: str, place: Place) -> str:
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise self._refused(place, "holds half a character (a lone surrogate)") from None
        return value

    def _refused(self, place: Place, reason: str) -> ProjectError:
        named = place_in(self.root, place) or "the top level"
        return self.error(f"{self.where}: {named}: {reason}")


def place_in(value: Any, place: Sequence[str | int]) -> str:
    """A place as users say it: `phases[2] 'find_victim': reward.step_cost`.

    Things in a list are named beside their number when they have a name (or a tag).
    """
    text, node = "", value
    for part in place:
        node = node[part] if has(node, part) else None
        if isinstance(part, int):
            text += f"[{part}]"
            if isinstance(node, dict):
                name = node.get("name", node.get("tag"))
                text += f" {name!r}: " if isinstance(name, str) else ": "
        else:
            text += part if not text or text.endswith(": ") else f".{part}"
    return text.removesuffix(": ")


def has(node: Any, part: str | int) -> bool:
    """Whether `node` is an object with that key, or a list with that index."""
    if isinstance(part, int):
        return isinstance(node, list) and part < len(node)
    return isinstance(node, dict) and part in node


def kind_of(value: object) -> str:
    """What a JSON value is, in words: `a list`, `true`, `'some text'`, `3.5`."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "an object"
        case list() | tuple():
            return "a list"
        case str():
            return repr(value if len(value) <= 40 else value[:37] + "...")
        case _:
            return str(value)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` when a known word is close, else nothing."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
