"""The live view as a screen: it fits its window, and says what somebody has to see."""

from __future__ import annotations

import sqlite3
from io import StringIO

import pytest

pytest.importorskip("rich")

from rich.console import Console

from cadenzad.cli.live import drawing
from cadenzad.cli.live.snapshot import Snapshot, take
from cadenzad.cli.live.view import View
from store.events.envelope import NewEvent, project_stream
from store.events.process import JobQueued, JobStarted, WatchDegraded
from store.opening import open_writer
from store.reads.live import job_key


@pytest.fixture
def busy(home):
    """Two projects of one name, a job that runs, one that waits, a reason to be degraded."""
    first, second = home.project(), home.project(str(home.root / "more" / "rescue"))
    home.log(first)
    home.once(home.workspace, second.parent)
    writer = open_writer(home.state)
    job = JobQueued(kind="retrain", project=str(first), reason="new examples")
    (queued,) = writer.append(NewEvent(project_stream(str(first)), job))
    started = JobStarted(job=queued.position, attempt=1, pid=1)
    waits = JobQueued(kind="judge", project=str(second), reason="new runs")
    reason = WatchDegraded(code="overflow", detail="changes were dropped\x1b[2J")
    writer.append(
        NewEvent(project_stream(str(first)), started, causation=queued.position),
        NewEvent(project_stream(str(second)), waits),
        NewEvent("daemon", reason),
    )
    progress = {"step": "training", "done": 3, "total": 12, "eta_s": 80.0}
    writer.run(lambda unit: unit.set_progress(job_key(queued.position), progress))
    writer.close()
    return home


def drawn(shot: Snapshot, view: View, width: int = 80, height: int = 24) -> list[str]:
    console = Console(file=StringIO(), width=width, height=height, highlight=False)
    console.print(drawing.screen(shot, view, console), end="")
    return console.file.getvalue().splitlines()


def seen(home, view: View | None = None) -> Snapshot:
    view = view or View()
    shown = [view.opened] if view.opened else None
    return take(str(home.state), lambda paths: shown or paths, view.opened)


def test_a_fleet_with_its_queue_and_what_is_wrong(busy) -> None:
    lines = drawn(seen(busy), View())
    text = "\n".join(lines)
    assert lines[0].startswith("cadenzad stopped, at position")
    assert "degraded: changes were dropped\\x1b[2J" in text
    rows = [line for line in lines if "/rescue" in line and "author's" in line]
    assert rows[0].startswith("> more/rescue"), "the first is selected, and told from the other"
    assert "retrain 25%" in rows[1]
    running = next(line for line in lines if "training 3/12, 1 min 20 s left" in line)
    assert "retrain robots/rescue" in running
    assert "━" in running, "a bar"
    assert [line for line in lines if "judge more/rescue" in line and "queued" in line]
    assert "q: quit" in lines[-1]


def test_a_project_with_its_counts_jobs_and_events(busy) -> None:
    view = View(opened=str(busy.workspace / "rescue"))
    text = "\n".join(drawn(seen(busy, view), view, 200, 40))
    assert f"robots/rescue  {view.opened}" in text
    for part in ("RUNS      1", "training 3/12", "JobStarted", "RunRecorded", "left: back"):
        assert part in text
    assert "judge" not in text, "another project's"


def test_scrolling_ends_at_the_last_line(busy) -> None:
    view = View(opened=str(busy.workspace / "rescue"), scroll=1000)
    lines = drawn(seen(busy, view), view, height=10)
    assert "ProjectDiscovered" in lines[-2]
    assert 0 < view.scroll < 1000


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (20, 5), (200, 60), (10, 2), (1, 1)])
def test_the_screen_is_as_large_as_the_window(busy, size) -> None:
    for view in (View(), View(opened=str(busy.workspace / "rescue"))):
        lines = drawn(seen(busy, view), view, *size)
        assert len(lines) == size[1]
        assert max(map(len, lines)) <= size[0]


def test_of_more_projects_than_fit_the_rest_is_counted(home) -> None:
    for number in range(12):
        home.project(f"robot-{number:02}")
    home.once()
    view = View()
    room = drawing.room_for_projects(10, 0, 0)
    shot = take(str(home.state), lambda paths: paths[view.window(paths, room)])
    lines = drawn(shot, view, height=10)
    assert sum("robot-" in line for line in lines) == room
    assert f"{12 - room} more projects" in "\n".join(lines)


@pytest.mark.parametrize("spoil", ["nothing", "garbage", "another version"])
def test_a_log_that_cannot_be_read_is_what_is_shown(home, spoil) -> None:
    if spoil == "garbage":
        (home.state / "events.db").write_bytes(b"garbage" * 1000)
    elif spoil == "another version":
        home.begin_log()
        with sqlite3.connect(home.state / "events.db") as connection:
            connection.execute("UPDATE projections SET code_version = 0")
        connection.close()
    text = "\n".join(drawn(seen(home), View(), width=200))
    told = {"nothing": "no event log yet", "garbage": "events.db", "another version": "another"}
    assert told[spoil] in text
