"""Inputs that nobody meant: valid ones with damage, and JSON as bad writers write it.

Everything follows from a number, which a failing test names: the same number gives the same input.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

INSERTED = (
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\r",
    b"\n",
    b'"',
    b"\\",
    b"\\ud800",
    b"\xed\xa0\x80",
    b"{",
    b"}",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"9" * 400,
    b"9" * 5000,
    b"-0",
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"{x",
    b"%s",
    b"{{",
    b"'''",
    b"#",
    "\u2028\u202e\u200b".encode(),
    b"\x1b[2J",
)
"""What breaks readers: found in files, or at the edge of what a type holds."""

VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    -(2**63) - 1,
    10**400,
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x" * 300,
    "\0",
    "\ud800",
    "\u2028",
    "a\nb",
    "../../etc/passwd",
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"a": {"b": [1, "2", {}]}},
)


def numbers(count: int, begin: int = 0) -> Iterator[tuple[int, random.Random]]:
    """So many numbers, each with the chance that follows from it."""
    for number in range(begin, begin + count):
        yield number, random.Random(number)


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Bytes with a few of them changed, lost, doubled, or with something put between them."""
    for _ in range(rng.choice((1, 1, 2, 4, 12))):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((1, 1, 4, 30, 400)))
        what = rng.randrange(6)
        if what == 0 and data:
            at = min(at, len(data) - 1)
            changed = data[at] ^ 1 << rng.randrange(8)
            data = data[:at] + bytes([changed]) + data[at + 1 :]
        elif what == 1:
            data = data[:at] + data[end:]
        elif what == 2:
            data = data[:end] + data[at:]
        elif what == 3:
            data = data[:at]
        else:
            data = data[:at] + rng.choice(INSERTED) + data[end if what == 4 else at :]
    return data


def changed(rng: random.Random, value: Any) -> Any:
    """A JSON value with one place in it set to something else, renamed or left out."""
    places = list(_places(value))
    if not places or rng.random() < 0.05:
        return deepcopy(rng.choice(VALUES))
    put = rng.choice(places)
    put(rng)
    return value


def _places(value: Any) -> Iterator[Callable[[random.Random], None]]:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield _change_at(value, key)
            yield from _places(value[key])


def _change_at(holder: Any, key: Any) -> Callable[[random.Random], None]:
    def put(rng: random.Random) -> None:
        what = rng.randrange(8)
        if what == 0:
            del holder[key]
        elif what == 1 and isinstance(holder, dict):
            holder[rng.choice(("", "x", "\ud800", key.upper()))] = holder.pop(key)
        elif what == 2 and isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
        else:
            holder[key] = deepcopy(rng.choice(VALUES))

    return put


def json_text(rng: random.Random, depth: int = 4) -> bytes:
    """JSON as a grammar has it, and as writers that know no better have it."""
    what = rng.randrange(12 if depth else 8)
    if what < 3:
        return rng.choice(_NUMBERS)
    if what < 8:
        return rng.choice(_TEXTS)
    between = rng.choice((b",", b", ", b" ,\r\n", b",,")) if rng.random() < 0.1 else b", "
    values = [json_text(rng, depth - 1) for _ in range(rng.randrange(4))]
    if what < 10:
        return b"[" + between.join(values) + b"]"
    keys = [rng.choice(_TEXTS) for _ in values]  # now and then the same one twice
    return b"{" + between.join(map(b": ".join, zip(keys, values, strict=True))) + b"}"


_NUMBERS = (
    b"0",
    b"-0",
    b"1",
    b"-7.25",
    b"1e5",
    b"1e999",
    b"-1e-999",
    b"NaN",
    b"Infinity",
    b"01",
    b"9223372036854775808",
    b"1" * 310,
    b"1" * 4400,
    b"true",
    b"false",
    b"null",
)
_TEXTS = (
    b'""',
    b'"tick"',
    b'"action"',
    b'"phase"',
    b'"obs"',
    b'"reward"',
    b'"goal"',
    b'"actions"',
    b'"walk_forward"',
    b'"pos_x"',
    b'"\\u0000"',
    b'"\\ud83d"',
    b'"\\ud83d\\ude00"',
    b'"\xff"',
    b'"a\tb"',
    b'"\\x"',
    b"'tick'",
    b"tick",
    "\u202eabc".join(('"', '"')).encode(),
)
