"""Templates filled in without running anything: `str.format`, `%` and string.Template.

A field whose value is known becomes its text; another is a hole. What stands twice for itself
(`{{`, `%%`, `$$`) is one character, and text put into the template later is doubled in turn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from handlers.judge.prompt.writing.text import HOLE, LONGEST, Doubled, Text, joined

Value = object
"""What an expression comes to: see evaluate.py."""
_FORMAT = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PERCENT = re.compile(r"%%|%(?:\((\w+)\))?([-#0 +]*\d*(?:\.\d+)?)([sdrifgeGEFaxXoc])|%")
_DOLLAR = re.compile(r"\$\$|\$\{(\w+)\}|\$([A-Za-z_]\w*)|\$")
_FIELD = re.compile(r"(\w*)(?:!([rsa]))?(?::([^{}]*))?$")
_SAFE = re.compile(r"\D*\d{0,3}(?:\D+\d{0,2})?\D*$")
"""Of a width in thousands a text would come that nobody wants."""


def shown(value: Value, source: str, conversion: str = "", specification: str = "") -> Text:
    """A value as a field shows it; a hole with its source where that is not known."""
    if isinstance(value, Text) and not conversion.strip("s") and not specification:
        return value
    plain = value.value if isinstance(value, Text) and value.is_exact else value
    if not isinstance(plain, str | int | float) or not _SAFE.match(specification):
        return Text.hole(source)
    if conversion in ("r", "a"):
        plain = repr(plain) if conversion == "r" else ascii(plain)
    elif conversion == "s":
        plain = str(plain)
    try:
        return Text.fixed(format(plain, specification))
    except ValueError:
        return Text.hole(source)


def formatted(template: Text, args: Sequence[Value], named: Mapping[str, Value] | None) -> Text:
    """`template.format(*args, **named)`; None for what is known only when it runs."""
    count = iter(range(len(args)))

    def field(match: re.Match[str]) -> Text | None:
        if match[0] in ("{{", "}}"):
            return None
        parts = _FIELD.match(match[1] or "")
        if parts is None:
            return Text.hole(match[1] or "")
        name = parts[1] or str(next(count, -1))
        value: Value = None
        if name.isdecimal() and int(name) < len(args):
            value = args[int(name)]
        elif named is not None:
            value = named.get(name)
        return shown(value, match[1] or name, parts[2] or "", parts[3] or "")

    return _filled(template, _FORMAT, field).under(Doubled("{}"))


def percent(template: Text, values: Value) -> Text:
    """`template % values`: a tuple, a dict by name, or a single one."""
    items = iter(values if isinstance(values, list) else [values])

    def field(match: re.Match[str]) -> Text | None:
        if match[0] == "%%":
            return None
        value = next(items, None) if match[1] is None else _named(values, match[1])
        if match[3] == "s" and not match[2]:
            return shown(value, match[0], "s" if not isinstance(value, Text) else "")
        plain = value.value if isinstance(value, Text) and value.is_exact else value
        if not isinstance(plain, str | int | float) or not _SAFE.match(match[2]):
            return Text.hole(match[0])
        try:
            return Text.fixed(f"%{match[2]}{match[3]}" % (plain,))
        except (TypeError, ValueError):
            return Text.hole(match[0])

    return _filled(template, _PERCENT, field).under(Doubled("%"))


def substituted(template: Text, named: Mapping[str, Value] | None) -> Text:
    """`string.Template(template).substitute(**named)`."""

    def field(match: re.Match[str]) -> Text | None:
        if match[0] == "$$":
            return None
        name = match[1] or match[2] or ""
        return shown(named.get(name) if named is not None else None, name)

    return _filled(template, _DOLLAR, field).under(Doubled("$"))


def _named(values: Value, name: str) -> Value:
    return values.get(name) if isinstance(values, Mapping) else None


def _filled(
    template: Text, pattern: re.Pattern[str], field: Callable[[re.Match[str]], Text | None]
) -> Text:
    """A template's text with its fields filled in. `field` gives None for a doubled character."""
    parts, at, size = [], 0, len(template.value)
    for match in pattern.finditer(template.value):
        if HOLE in template.ink[match.start() : match.end()]:
            continue  # the braces of a hole are ours
        parts.append(template.cut(at, match.start()))
        filled = field(match)
        if filled is None:
            first = template.cut(match.start(), match.start() + 1)
            last = template.last[match.end() - 1]
            parts.append(Text(first.value, first.first, [last], first.ink))
        else:
            size += len(filled.value)
            if size > LONGEST:
                return Text.hole("longer than any prompt")
            parts.append(filled.unwritten())
        at = match.end()
    parts.append(template.cut(at, len(template.value)))
    return joined(parts)
