"""An event log of before opens, verifies and folds to the view that it had then.

`data/log-of-2026-11.db.gz` is an events.db as the code of commit 05767e7 wrote it: three projects
discovered, then every event type 9 to 14 times in random order, each field filled by its type.
Names, paths, versions, jobs and hashes were drawn from a few values each, so that events meet in
the same rows of the view; texts have line breaks, quotes and other alphabets; a third of what is
optional was left out; some envelopes have a cause, a dedup key, a meta, a time of their own. What
the view's constraints refused is not there. Then came a cursor, a progress value and a seen file,
and `VACUUM INTO`. STORED_VIEW is what that code computed. Since version 5 of the projection the row
of an episode has a stamp, since version 6 that of a project what its check found; both are null or
empty in all of these. Since version 7 a project's row counts trials and says since when env.json is
as it is, and a prompt's row when it was turned down; since version 8 interrupted runs are counted;
since version 10 the row of an export has no hashes of its source and its template; since version 11
there is a table of datasets, and since version 12 one of offers, both empty here. The other two
hashes are of that.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from store.events.types import EVENT_TYPES
from store.log import EventLog
from store.opening import open_writer
from store.reads.status import project_statuses
from store.schema import DATABASE, connect_reader, memory_view
from store.views import fold, replay

STORED = Path(__file__).parent / "data" / "log-of-2026-11.db.gz"
EVENTS = 650
STORED_VIEW = "8d7657ee1b3738b1dbb33ac93cf5432c1ebeb8ee176aabd08c59265bd315a5bb"
VIEW = "4480a0def7a771e8eee511ec26e9fc32e4cf1f6ef8954ba052d3ef63845a2f07"
"""Of the whole history. It may change with `store.schema.CODE_VERSION` and never without."""
VIEWS = "d15a7427307132d5c624bf96542d311c30a0c2b7ecb19e5008a7000b8ce05e61"
"""Over the hashes of the views as of every 25th event."""


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    (tmp_path / DATABASE).write_bytes(gzip.decompress(STORED.read_bytes()))
    return tmp_path


@pytest.fixture
def reader(state_dir: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect_reader(state_dir)) as connection:
        yield connection


def test_it_is_whole_and_holds_every_event_type_of_then(reader) -> None:
    assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    versions: dict[str, int] = {}
    for position, record in enumerate(EventLog(reader).read(), start=1):
        versions[record.stream] = versions.get(record.stream, 0) + 1
        assert (record.position, record.version) == (position, versions[record.stream])
    assert EventLog(reader).head() == EVENTS
    types = {name for (name,) in reader.execute("SELECT DISTINCT type FROM events")}
    assert types <= set(EVENT_TYPES)
    assert len(types) == 47


def test_every_event_reads_and_is_written_as_it_was(reader) -> None:
    stored = dict(reader.execute("SELECT position, data FROM events"))
    for record in EventLog(reader).read():
        written = record.event.as_json().decode()
        assert written == stored[record.position], record.type
        assert json.loads(written) == record.event.as_shape()


def test_the_view_it_had_is_the_view_it_folds_to(reader) -> None:
    assert replay.view_hash(reader) == STORED_VIEW

    def view_hash_at(position: int) -> str:
        with closing(replay.view_as_of(reader, position)) as view:
            return replay.view_hash(view)

    assert view_hash_at(EVENTS) == VIEW
    steps = hashlib.sha256()
    for position in range(25, EVENTS + 1, 25):
        steps.update(view_hash_at(position).encode())
    assert steps.hexdigest() == VIEWS


@pytest.mark.parametrize("size", [1, 7, EVENTS])
def test_the_view_does_not_depend_on_how_many_events_are_folded_at_once(reader, size) -> None:
    with closing(memory_view()) as view:
        events = list(EventLog(reader).read())
        for begin in range(0, EVENTS, size):
            fold(view, events[begin : begin + size])
        assert replay.view_hash(view) == VIEW


def test_its_index_of_bytes_is_made_anew(state_dir) -> None:
    query = "SELECT sql FROM sqlite_master WHERE name = 'view_files_by_bytes'"
    with closing(open_writer(state_dir)) as writer:
        (sql,) = writer.run(lambda unit: unit.connection.execute(query).fetchone())
    assert "substr(sha256, 1, 13)" in sql


def test_it_opens_for_writing_and_can_be_rebuilt(state_dir) -> None:
    with closing(open_writer(state_dir)) as writer:
        assert writer.run(lambda unit: replay.view_hash(unit.connection)) == VIEW
        assert writer.run(lambda unit: replay.rebuild(unit.connection)) == EVENTS
        assert writer.run(lambda unit: replay.view_hash(unit.connection)) == VIEW
        assert writer.run(lambda unit: len(project_statuses(unit.connection))) == 3
