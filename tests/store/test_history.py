"""The history as it is stored: the same facts as the typed history has, without its models."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from store.errors import SchemaError, StoreError
from store.events.names import SCHEMA_VERSIONS
from store.events.types import EVENT_TYPES, decode
from store.history import EVENT_COLUMNS, StoredHistory, stored
from store.log import History
from store.schema import DATABASE, connect_reader

NOVEMBER = Path(__file__).parent / "data" / "log-of-2026-11.db.gz"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    (tmp_path / DATABASE).write_bytes(gzip.decompress(NOVEMBER.read_bytes()))
    with closing(connect_reader(tmp_path)) as connection:
        yield connection


def a_row(reader: sqlite3.Connection, **other: object) -> tuple[object, ...]:
    """The first row of the log, with `other` values in its columns."""
    row = reader.execute(f"SELECT {EVENT_COLUMNS} FROM events WHERE position = 1").fetchone()
    return tuple((dict(zip(EVENT_COLUMNS.split(", "), row, strict=True)) | other).values())


def test_names_are_those_of_the_classes_with_their_versions():
    assert {name: cls.schema_version for name, cls in EVENT_TYPES.items()} == SCHEMA_VERSIONS


def test_what_is_stored_is_what_the_typed_history_reads(reader):
    typed, plain = list(History(reader).read()), list(StoredHistory(reader).read())
    assert len(typed) == len(plain) > 600
    for one, other in zip(typed, plain, strict=True):
        assert type(one.event).of_shape(other.data) == one.event
        assert (one.position, one.stream, one.type, one.project, one.causation) == (
            other.position,
            other.stream,
            other.type,
            other.project,
            other.causation,
        )
        assert (one.correlation, one.recorded_at_us) == (other.correlation, other.recorded_at_us)


def test_both_histories_find_one_event_alike(reader):
    last = History(reader).head()
    for position in (1, last, last + 1):
        one, other = History(reader).get(position), StoredHistory(reader).get(position)
        assert (one and one.type) == (other and other.type)


def test_an_event_of_a_newer_program_is_refused_as_everywhere(reader):
    with pytest.raises(SchemaError, match="unknown type 'RunDreamt'"):
        stored(a_row(reader, type="RunDreamt"))
    with pytest.raises(SchemaError, match="schema version 9"):
        stored(a_row(reader, schema_version=9))


def test_an_event_of_an_older_shape_is_shown_in_todays(reader, monkeypatch):
    # given that the shape of an event has changed since
    row = a_row(reader)
    was = decode(row[3], 1, row[5])

    class Later(type(was)):
        schema_version = 2

    monkeypatch.setitem(EVENT_TYPES, row[3], Later)
    monkeypatch.setitem(SCHEMA_VERSIONS, row[3], 2)
    monkeypatch.setitem(
        decode.__defaults__[0], (row[3], 1), lambda shape: shape | {"mission": "as it is now"}
    )
    # then it has the present one
    event = stored(row)
    assert (event.schema_version, event.data["mission"]) == (2, "as it is now")


def test_a_damaged_event_is_named(reader):
    with pytest.raises(StoreError, match="event 1 cannot be read"):
        stored(a_row(reader, data="{never closed"))
    with pytest.raises(StoreError, match="event 1 cannot be read"):
        stored(a_row(reader, data=b"\xff\xfe"))
