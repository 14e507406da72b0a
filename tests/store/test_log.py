"""The event log: append-only, gap-free, idempotent, causal, readable while it grows."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import ClassVar

import pytest

from store.errors import SchemaError, StoreError, VersionConflict
from store.events.base import Event
from store.events.envelope import NewEvent
from store.events.process import WatchRestored
from store.events.types import EVENT_TYPES, decode
from store.log import EventLog
from store.schema import connect_reader, connect_writer
from store.writer import Writer


def test_positions_and_versions_count_from_one_without_gaps(writer, make):
    # given / when
    writer.append(make.discovered(), make.run("a"))
    writer.append(NewEvent("daemon", WatchRestored(code="x")), make.run("b"))

    # then
    stored = list(writer.run(lambda t: list(t.log.read())))
    assert [event.position for event in stored] == [1, 2, 3, 4]
    assert [(event.stream, event.version) for event in stored] == [
        (make.stream, 1),
        (make.stream, 2),
        ("daemon", 1),
        (make.stream, 3),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET type = 'Other'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE position = 1",
        "INSERT INTO events SELECT 9, stream, 9, type, schema_version, data, meta, NULL, causation,"
        " correlation, recorded_at_us, occurred_at_us FROM events WHERE position = 1",
    ],
)
def test_history_cannot_be_changed_even_by_sql(writer, make, statement):
    # given
    writer.append(make.discovered())
    before = writer.run(lambda t: t.connection.execute("SELECT * FROM events").fetchall())

    # when / then
    with pytest.raises(sqlite3.IntegrityError):
        writer.run(lambda t: t.connection.execute(statement))
    assert writer.run(lambda t: t.connection.execute("SELECT * FROM events").fetchall()) == before


def test_the_same_dedup_key_is_stored_once(writer, make):
    first = writer.append(make.run("a", dedup_key="k"))
    again = writer.append(make.run("a", dedup_key="k"), make.run("b", dedup_key="j"))
    twice = writer.append(make.run("c", dedup_key="i"), make.run("c", dedup_key="i"))
    assert (len(first), len(again), len(twice)) == (1, 1, 1)
    assert writer.run(lambda t: t.log.head()) == 3


def test_a_caused_event_shares_the_correlation_of_its_cause(writer, make):
    root = writer.append(make.run("a"))[0]
    child = writer.append(make.run("b", causation=root.position))[0]
    grandchild = writer.append(make.run("c", causation=child.position))[0]
    other = writer.append(make.run("d"))[0]
    assert {root.correlation, child.correlation, grandchild.correlation} == {root.position}
    assert other.correlation == other.position


def test_an_expected_version_that_no_longer_holds_is_a_conflict(writer, make):
    writer.append(make.discovered())
    with pytest.raises(VersionConflict):
        writer.append(make.run("a", expected_version=0))
    assert writer.append(make.run("a", expected_version=1))[0].version == 2


def test_an_unknown_cause_is_refused(writer, make):
    with pytest.raises(sqlite3.IntegrityError):
        writer.append(make.run("a", causation=99))


def test_reading_filters_by_stream_type_and_range(writer, make):
    writer.append(make.discovered(), *(make.run(str(index)) for index in range(5)))
    writer.append(NewEvent("daemon", WatchRestored(code="x")))

    def positions(**filters: object) -> list[int]:
        return writer.run(lambda t: [event.position for event in t.log.read(**filters)])

    assert positions(types=["WatchRestored"]) == [7]
    assert positions(stream="daemon") == [7]
    assert positions(after=2, until=4) == [3, 4]
    assert positions(limit=2) == [1, 2]
    assert positions(stream=make.stream, after=4) == [5, 6]


def test_reading_pages_through_more_than_one_page(writer, make):
    writer.append(*(make.run(str(index)) for index in range(2500)))
    assert writer.run(lambda t: [e.position for e in t.log.read()]) == list(range(1, 2501))


def test_recorded_times_never_go_back_and_name_a_position(tmp_path, make):
    # given a clock that is set back
    times = iter([1000, 2000, 1500, 3000])
    writer = Writer(connect_writer(tmp_path), clock=lambda: next(times))
    for name in "abcd":
        writer.append(make.run(name))

    # when / then
    recorded = writer.run(lambda t: [event.recorded_at_us for event in t.log.read()])
    assert recorded == [1000, 2000, 2000, 3000]
    at = writer.run(lambda t: [t.log.position_at(us) for us in (999, 1000, 2000, 2999, 9999)])
    assert at == [0, 1, 3, 3, 4]
    writer.close()


def test_following_sees_what_another_connection_appends(tmp_path, writer, make):
    # given
    writer.append(make.discovered())
    reader = connect_reader(tmp_path)
    follower = EventLog(reader).follow(0, sleep=lambda _s: writer.append(make.run("late")) and None)

    # when / then
    assert next(follower).type == "ProjectDiscovered"
    assert next(follower).type == "RunRecorded"
    follower.close()
    reader.close()


def test_a_reader_can_neither_write_nor_block_the_writer(tmp_path, writer, make):
    writer.append(make.discovered())
    reader = connect_reader(tmp_path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchone()
    assert writer.append(make.run("a"))
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM progress")
    reader.close()


def test_opening_a_log_that_is_not_there_or_not_a_database_is_one_clear_line(tmp_path):
    with pytest.raises(StoreError, match="no event log yet"):
        connect_reader(tmp_path)
    (tmp_path / "events.db").write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(StoreError, match=r"events\.db"):
        connect_writer(tmp_path)


def test_a_database_of_a_newer_program_is_refused(tmp_path: Path):
    connect_writer(tmp_path).close()
    database = sqlite3.connect(tmp_path / "events.db")
    database.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('cadenzad', 'm999_future', 'x')"
    )
    database.commit()
    database.close()
    with pytest.raises(SchemaError, match="m999_future"):
        connect_writer(tmp_path)


# -- decoding --------------------------------------------------------------------------------------


def test_every_event_survives_the_way_through_the_log(writer, make):
    new = make.run("a")
    assert writer.append(new)[0].event == new.event
    assert writer.run(lambda t: t.log.get(1)).event == new.event


def test_old_shapes_are_upcast_step_by_step():
    class Moved(Event):
        schema_version: ClassVar[int] = 3
        metres: float

    upcasts = {
        ("Moved", 1): lambda data: {"cm": data["mm"] / 10},
        ("Moved", 2): lambda data: {"metres": data["cm"] / 100},
    }
    event = decode("Moved", 1, '{"mm": 1500}', upcasts, {"Moved": Moved})
    assert event == Moved(metres=1.5)


@pytest.mark.parametrize(
    ("type_name", "version", "data", "says"),
    [
        ("Unheard", 1, "{}", "unknown type 'Unheard'"),
        ("WatchRestored", 99, "{}", "newer than"),
        ("WatchRestored", 1, "{}", "not readable: .*`code`"),
    ],
)
def test_what_cannot_be_decoded_says_so(type_name, version, data, says):
    with pytest.raises(SchemaError, match=says):
        decode(type_name, version, data)


def test_event_types_are_named_as_facts():
    for name, cls in EVENT_TYPES.items():
        assert cls.__doc__, f"{name} says nothing of itself"
        past = ("ed", "Rebuilt", "Rewritten", "Kept", "Found", "Back", "Withdrawn", "Lost")
        assert name.endswith(past), f"{name} is not in the past tense"
        assert cls.__struct_config__.frozen


def test_following_from_beyond_the_end_shows_only_what_lies_beyond(tmp_path, writer, make):
    # given somebody who asks for events after 3 while there is one
    writer.append(make.run("a"))
    reader = connect_reader(tmp_path)
    names = iter("bcd")
    follower = EventLog(reader).follow(3, sleep=lambda _s: writer.append(make.run(next(names))))

    # when / then
    assert next(follower).position == 4
    follower.close()
    reader.close()
