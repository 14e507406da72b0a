"""A prompt template, compiled once: the text `str.format` would make, without its price.

A template sees ten kinds of value. Five are fixed for as long as a phase lasts (mission, phase,
goal); they are filled in by `str.format` itself, once per phase, so any format spec works there and
none has to be proved. What is left are the numbers of the observation. Those with a plain spec
(`{x}`, `{x:.2f}`, `{x:+.0f}`, `{x:08.3f}`) become conversions of one `%` format, which spells every
int and float the way `str.format` does and does it several times faster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter

Value = str | int | float | None

SCENE_KEYS = ("mission_name", "n_phases", "phase_idx", "phase_name", "goal_prompt")
"""What stays the same within a phase; `phase_idx` counts from 1 in a prompt."""

OBS_DEFAULTS: Mapping[str, int] = {
    "body_height": 0,
    "roll_deg": 0,
    "pitch_deg": 0,
    "feet_grounded": 0,
    "nearest_m": -1,
    "pos_x": 0,
    "pos_y": 0,
}
"""The observation's keys, and what a prompt says where the log does not: metres, degrees, count."""

FALLBACK = "[MISSION: {mission_name}] [PHASE: {phase_name}] [GOAL: {goal_prompt}] [ACTION]"
"""The prompt when the mission's own template cannot be rendered."""

MAX_FIELD = 4096
"""Widest field and finest precision rendered; `{pos_x:999999999}` would be a gigabyte of spaces."""

RENDER_ERRORS = (ValueError, TypeError, LookupError, OverflowError)
"""What rendering a checked template can still raise, for a value of a type it did not expect."""

_SAMPLE_SCENE: Mapping[str, Value] = {
    "mission_name": "m",
    "n_phases": 1,
    "phase_idx": 1,
    "phase_name": "p",
    "goal_prompt": "g",
}
_PLAIN_NUMBER = re.compile(r"([+ ]?0?[0-9]{0,4}(?:\.[0-9]{1,4})?[eEfFgG])")


class _Unrenderable(Exception):
    """The template cannot be rendered for any record; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Renderer:
    """A template ready for use.

    `source` is the template rendered: the mission's own, or FALLBACK when `problem` says why not.
    `numbers` names the observation's keys in the order `bind`'s result wants them; None when some
    spec has no `%` twin and only `render` is exact.
    """

    source: str
    problem: str | None
    numbers: tuple[str, ...] | None
    _parts: tuple[tuple[str, str], ...]

    def render(self, values: Mapping[str, Value]) -> str:
        """The prompt for one record: all of SCENE_KEYS and OBS_DEFAULTS -> text.

        Raises one of RENDER_ERRORS when a value's type does not suit its format spec.
        """
        text = self.source.format_map(values)
        text.encode()  # a spec like `:c` can make half a surrogate pair of a number
        return text

    def bind(self, scene: Mapping[str, Value]) -> str:
        """A `%` format with the scene filled in: `bind(scene) % numbers == render(all)`.

        Exact for finite ints and floats. Only when `numbers` is not None. Raises as `render` does.
        """
        bound: list[str] = []
        for text, conversion in self._parts:
            bound.append(text.format_map(scene).replace("%", "%%"))
            bound.append(conversion)
        return "".join(bound)


@lru_cache(maxsize=32)
def compile_template(template: str) -> Renderer:
    """The renderer of a template; of FALLBACK when the template can never be rendered."""
    try:
        return _compile(template, None)
    except _Unrenderable as reason:
        return _compile(FALLBACK, str(reason))


def _compile(template: str, problem: str | None) -> Renderer:
    parts: list[tuple[str, str]] = []
    numbers: list[str] = []
    compiled = True
    text = ""
    for literal, key, spec, conversion in _fields(template):
        text += literal.replace("{", "{{").replace("}", "}}")
        if key is None:
            continue
        if key in SCENE_KEYS:
            text += _field(key, spec, conversion)
            continue
        percent = _percent(spec, conversion)
        compiled = compiled and percent is not None
        parts.append((text, percent or ""))
        numbers.append(key)
        text = ""
    parts.append((text, ""))
    return Renderer(template, problem, tuple(numbers) if compiled else None, tuple(parts))


def _percent(spec: str, conversion: str | None) -> str | None:
    """The `%` conversion that spells every finite int and float as this field does, if any.

    `%a` is `ascii()`, which for a number is `repr()` and `str()`. The float conversions of `%` and
    of `str.format` are the same C function behind the same flags.
    """
    if not spec:
        return "%a"
    if conversion is None and (plain := _PLAIN_NUMBER.fullmatch(spec)):
        return f"%{plain[1]}"
    return None


def _fields(template: str) -> list[tuple[str, str | None, str, str | None]]:
    """(literal before it, key, spec, conversion) of each field. Raises _Unrenderable."""
    try:
        template.encode()
        fields = [
            (literal, key, spec or "", conversion)
            for literal, key, spec, conversion in Formatter().parse(template)
        ]
    except UnicodeEncodeError:
        raise _Unrenderable("it holds half a character (a lone surrogate)") from None
    except ValueError as reason:
        raise _Unrenderable(f"its braces do not match ({reason})") from None
    for _, key, spec, conversion in fields:
        if key is not None:
            _check(key, spec, conversion)
    return fields


def _check(key: str, spec: str, conversion: str | None) -> None:
    """Raises _Unrenderable unless the field renders for some value of its key."""
    shown = repr(_field(key, spec, conversion)[:80])
    if key == "" or key.isdigit():
        raise _Unrenderable(f"the field {shown} has no key")
    if "." in key or "[" in key:
        raise _Unrenderable(
            f"the field {shown} reaches inside a value; only plain keys are allowed"
        )
    if key not in SCENE_KEYS and key not in OBS_DEFAULTS:
        raise _Unrenderable(f"unknown key {key[:80]!r}")
    if "{" in spec or "}" in spec:
        raise _Unrenderable(f"the field {shown} has a field inside its format spec")
    if any(len(n.lstrip("0")) > 4 or int(n) > MAX_FIELD for n in re.findall(r"\d+", spec)):
        raise _Unrenderable(f"the field {shown} is wider than {MAX_FIELD} characters")
    if not any(_renders(_field(key, spec, conversion), key, number) for number in (0.5, 1)):
        raise _Unrenderable(f"the field {shown} has a format spec that does not suit {key!r}")


def _renders(field: str, key: str, number: float) -> bool:
    try:
        field.format_map({key: _SAMPLE_SCENE.get(key, number)})
    except RENDER_ERRORS:
        return False
    return True


def _field(key: str, spec: str, conversion: str | None) -> str:
    return "{" + key + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}"
