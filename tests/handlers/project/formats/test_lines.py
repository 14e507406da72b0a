"""Reading a log's lines: all of them, in bounded memory, with a hash that grows with the file."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.project.formats import lines
from handlers.project.formats.lines import BadLine, LineReader, first_objects, parse_line
from store import identity
from store.identity import Prefix


def read(data: bytes, **options: Any) -> tuple[list[tuple[int, bytes | None]], LineReader]:
    reader = LineReader(io.BytesIO(data), **options)
    return list(reader), reader


@given(
    data=st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n", b" ", b"\x00"])).map(b"".join),
    block=st.integers(1, 9),
    mark=st.integers(0, 40),
    older=st.booleans(),
)
@example(data=b"ab\ncd", block=1, mark=4, older=True)
def test_lines_and_hashes_do_not_depend_on_how_the_bytes_arrive(
    data: bytes, block: int, mark: int, older: bool
) -> None:
    # given any bytes, read in blocks of any size
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", block)

        # when they are read
        found, reader = read(data, prior=Prefix(mark, "0" * 64 if older else ""))

    # then the lines are those that end with a newline, and the hash covers exactly them
    *whole, tail = data.split(b"\n")
    assert found == list(enumerate(whole, 1))
    assert reader.tail == tail
    head = reader.head()
    assert head.size == len(data) - len(tail)
    assert head.digest == identity.of(data[: head.size])
    prefix = hashlib.sha256(data[:mark]).hexdigest() if older else identity.of(data[:mark])
    assert head.prior_digest == (prefix if mark <= len(data) else None)
    assert head.torn_tail == bool(tail.strip())

    # and when the tail is taken too, it covers everything
    assert reader.take_tail() == len(whole) + 1
    assert reader.head().digest == identity.of(data)
    assert reader.head().prior_digest == head.prior_digest


@given(
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=6),
    ended=st.booleans(),
    mark=st.integers(0, 60),
)
def test_a_line_too_long_is_passed_over_but_hashed(
    sizes: list[int], ended: bool, mark: int
) -> None:
    # given lines around a limit of 16 bytes, read four bytes at a time
    data = b"\n".join(b"x" * size for size in sizes) + (b"\n" if ended else b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", 4)
        patch.setattr(lines, "MAX_LINE", 16)

        # when they are read
        found, reader = read(data, prior=Prefix(mark))

    # then long ones are None under their number, and hashes cover their bytes all the same
    complete = sizes if ended else sizes[:-1]
    assert [(number, None if line is None else len(line)) for number, line in found] == [
        (number, size if size <= 16 else None) for number, size in enumerate(complete, 1)
    ]
    head = reader.head()
    assert head.digest == identity.of(data[: head.size])
    assert head.size == sum(size + 1 for size in complete)
    assert head.prior_digest == (identity.of(data[:mark]) if mark <= len(data) else None)
    assert head.torn_tail == (not ended and sizes[-1] > 0)


class Endless(io.RawIOBase):
    """One line of `size` bytes, made as it is read."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        size = min(size, self.left)
        self.left -= size
        return b"x" * size


def test_a_huge_line_is_not_held_in_memory() -> None:
    # given a line of 300 MiB without an end
    reader = LineReader(Endless(300 * 2**20))  # type: ignore[arg-type]
    tracemalloc.start()
    try:
        # when it is read
        assert list(reader) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # then at no time more than the longest permitted line was in memory
    assert peak < lines.MAX_LINE + 4 * 2**20
    assert reader.head().torn_tail


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b'{"a": 1}\r', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": "\\ud83d\\ude00", "b": NaN}', {"a": "\U0001f600"}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": 123456789012345678901, "b": Infinity}', {"a": 123456789012345678901.0}),
    ],
)
def test_what_loggers_write_is_an_object(line: bytes, value: dict[str, Any]) -> None:
    parsed = parse_line(line)
    assert {key: parsed[key] for key in value} == value


def test_nan_and_infinity_come_through() -> None:
    parsed = parse_line(b'{"a": NaN, "b": [-Infinity, Infinity]}')
    assert parsed["a"] != parsed["a"]
    assert parsed["b"] == [float("-inf"), float("inf")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1]", "expected an object { ... }, not a list"),
        (b"null", "expected an object { ... }, not null"),
        (b"NaN", "expected an object { ... }, not nan"),
        (b'{"a": "\xff"}', "not UTF-8 text at column 8"),
        (b'{"a": 1', "not JSON at column 8"),
        (b'{"a": 1} {"b": 2}', "not JSON at column 10"),
        (b'{"a": 1e999}', "holds a number too large to represent"),
        (b'{"a": NaN, "b": -1e999}', "holds a number too large to represent"),
        (b'{"a": ' + b"9" * 5000 + b"}", "holds a number too large to represent"),
        (b'{"a": "\\ud800"}', "holds half a character (a lone surrogate)"),
        (b'{"a": NaN, "\\udfff": 1}', "holds half a character (a lone surrogate)"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 500 + b"NaN" + b"}" * 500, "nested too deeply"),
        (b'{"a": 1}\0\0\0', "holds zero bytes, as files cut by a crash do"),
    ],
)
def test_what_is_no_object_is_refused_with_its_reason(line: bytes, reason: str) -> None:
    with pytest.raises(BadLine) as caught:
        parse_line(line)
    assert str(caught.value).startswith(reason)


@given(st.binary(max_size=60))
def test_no_bytes_make_a_line_fail_otherwise(data: bytes) -> None:
    try:
        value = parse_line(data)
    except BadLine:
        value = {}
    assert isinstance(value, dict)


def test_sniffing_looks_at_the_first_objects_only() -> None:
    # given a file with junk between its objects
    data = b'\xef\xbb\xbf{"a": 1}\n\nnonsense\n[2]\n{"b": 2}\n{"c": 3}\n'

    # when its first two objects are asked for, then it is those two
    assert list(first_objects(io.BytesIO(data), limit=2)) == [{"a": 1}, {"b": 2}]
