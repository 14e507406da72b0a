"""The storage protocol: what the log and the views need, asked of SQLite and of the hub alike."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from store.database.backend import ABSENT
from store.database.view import DEGRADED, EPISODES, FILES, JOBS
from store.events.envelope import DAEMON_STREAM, NewEvent
from store.events.process import DaemonStopped, JobQueued, WatchDegraded
from store.log import History
from store.opening import open_writer
from store.reads.improvements import adapter_status, episodes, prompt_status
from store.reads.live import degraded, progress
from store.reads.state import State
from store.reads.status import check_view, first_projects, job_statuses, project_statuses
from store.schema import DATABASE, connect_reader
from store.views.replay import hash_of_tables, view_as_of

OLD = Path(__file__).parent.parent / "data" / "log-of-2026-11.db.gz"


class Side:
    """A database that holds what the writer appends. `seen`: calls something in a transaction."""

    def __init__(self, append: Callable, seen: Callable):
        self.append, self.seen = append, seen


@pytest.fixture(params=["sqlite", "hub"])
def side(request, writer) -> Side:
    if request.param == "sqlite":
        return Side(writer.append, lambda call: writer.run(lambda t: call(t.connection)))
    robot = request.getfixturevalue("robot")

    def append(*events: NewEvent) -> None:
        writer.append(*events)
        robot.ship()
        robot.fold()

    def seen(call):
        with robot.owner.transaction():
            robot.owner.scope(robot.id)
            return call(robot.owner)

    return Side(append, seen)


def positions(side, **wanted):
    return side.seen(lambda view: [record.position for record in History(view).read(**wanted)])


def test_a_log_is_read_after_a_position_until_one_and_by_what_is_wanted(side, make):
    side.append(make.discovered(), make.run("a"), make.run("b"))
    side.append(NewEvent(DAEMON_STREAM, DaemonStopped(pid=1, reason="x")), make.run("c"))
    assert positions(side) == [1, 2, 3, 4, 5]
    assert positions(side, after=1, until=4) == [2, 3, 4]
    assert positions(side, limit=2) == [1, 2]
    assert positions(side, types=["RunRecorded"], after=2) == [3, 5]
    assert positions(side, stream=make.stream, limit=3) == [1, 2, 3]
    assert positions(side, stream=DAEMON_STREAM) == [4]
    assert side.seen(lambda view: History(view).head()) == 5


def test_an_envelope_comes_back_as_it_went_in(side, make):
    side.append(make.discovered())
    side.append(make.run("a", dedup_key="k", causation=1, occurred_at_us=7, meta={"x": "ü\u0000"}))
    record = side.seen(lambda view: History(view).get(2))
    assert (record.dedup_key, record.causation, record.correlation) == ("k", 1, 1)
    assert (record.occurred_at_us, record.meta, record.stream) == (7, {"x": "ü\u0000"}, make.stream)
    assert record.event == make.run("a").event
    assert side.seen(lambda view: History(view).with_key("k")) == record
    assert side.seen(lambda view: History(view).with_key("none")) is None


def test_a_time_names_a_position(side, make):
    side.append(make.discovered(), make.run("a"))
    at = side.seen(lambda view: History(view).get(2)).recorded_at_us
    assert side.seen(lambda view: History(view).position_at(at)) == 2
    assert side.seen(lambda view: History(view).position_at(at - 10_000_000)) == 0


def put(view, table, columns, *rows):
    view.put(table, tuple(columns.split()), rows)


def test_a_row_takes_the_place_of_the_one_with_its_key_and_nothing_of_that_stays(side):
    def call(view):
        put(view, DEGRADED, "code detail position", ("a", "old", 1), ("b", "b", 2))
        put(view, DEGRADED, "code detail position", ("a", "new", 3))
        names = "id project kind state spec reason queued_us"
        put(view, JOBS, f"{names} result", (1, "p", "k", "failed", "{}", "", 0, "said"))
        put(view, JOBS, names, (1, "p", "k", "queued", "{}", "", 0))
        return degraded(view), State(view).job(1)

    reasons, job = side.seen(call)
    assert reasons == [{"code": "b", "detail": "b"}, {"code": "a", "detail": "new"}]
    assert (job.state, job.result, job.attempt) == ("queued", "", 0)


def test_absent_is_null_but_a_reward_of_a_half_is_one(side):
    columns = "project path idx outcome reason ticks reward phases_done last_phase first_line"
    row = ("p", "a", 0, "failed", "", 1, 0.5, 0, ABSENT, 1, 1, 1, None)

    def call(view):
        put(view, EPISODES, f"{columns} position first stamp", row)
        return view.execute("SELECT reward, last_phase, stamp FROM view_episodes").fetchall()

    assert side.seen(call) == [(0.5, None, None)]


def test_truth_is_one_and_can_be_asked_for(side):
    columns = "project path kind revision dev ino size mtime_ns sha256 accepted position"

    def call(view):
        rows = [("p", name, "run", 1, 1, 1, 1, 1, "x", accepted, 1) for name, accepted in
                (("a", 1), ("b", 0))]  # fmt: skip
        put(view, FILES, columns, *rows)
        return view.execute("SELECT path, present FROM view_files WHERE NOT accepted").fetchall()

    assert side.seen(call) == [("b", 1)]


def test_a_statement_says_how_many_rows_it_changed(side):
    def call(view):
        put(view, DEGRADED, "code detail position", ("a", "", 1), ("b", "", 2))
        return view.execute("UPDATE view_degraded SET detail = ?", ("100 % ?",)).rowcount

    assert side.seen(call) == 2


def test_what_raises_leaves_nothing(side):
    def call(view):
        put(view, DEGRADED, "code detail position", ("a", "", 1))
        raise LookupError

    with pytest.raises(LookupError):
        side.seen(call)
    assert side.seen(degraded) == []


def test_the_reads_give_what_they_give_of_the_robots_own_log(side, writer, make):
    job = JobQueued(project=make.project, kind="judge", spec={"a": 1}, reason="r")
    side.append(make.discovered(), make.run("a"), make.run("b", "failed"), make.examples(3))
    side.append(
        NewEvent(make.stream, job), NewEvent(DAEMON_STREAM, WatchDegraded(code="c", detail="d"))
    )

    def reads(view):
        check_view(view)
        return (
            project_statuses(view),
            job_statuses(view, make.project),
            prompt_status(view, make.project),
            adapter_status(view, make.project, view),
            episodes(view, make.project),
            State(view).projects_named("rescue"),
            first_projects(view, 1).paths,
            degraded(view),
            progress(view, "daemon"),
        )

    assert side.seen(reads) == writer.run(lambda t: reads(t.connection))


@pytest.fixture
def old(tmp_path, owner, fleet) -> Iterator[tuple]:
    """The log of November with every event type of then, and a robot that has it."""
    from hubs import Robot  # needs psycopg

    folder = tmp_path / "old"
    folder.mkdir()
    (folder / DATABASE).write_bytes(gzip.decompress(OLD.read_bytes()))
    with closing(open_writer(folder)) as writer, closing(connect_reader(folder)) as reader:
        yield Robot(owner, fleet, writer), reader


def test_every_event_type_folds_to_the_same_view_in_both(old):
    robot, reader = old
    assert robot.ship() == 650
    robot.fold()
    with robot.owner.transaction():
        robot.owner.scope(robot.id)
        with closing(view_as_of(reader, 650)) as view:
            assert hash_of_tables(robot.owner) == hash_of_tables(view)
