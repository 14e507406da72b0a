"""Folders: every file of every project to intake, however it lies, and never silence."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import runlogs
from waiting import eventually
from watchdog.observers import inotify_c

from cadenzad.config.files import Config
from cadenzad.config.settings import Watch
from cadenzad.watch.changes import ChangeQueue, Overflowed
from cadenzad.watch.exports import Exports
from cadenzad.watch.folders import Folders
from cadenzad.watch.inotify import FolderWatches
from cadenzad.watch.record import Recorder
from cadenzad.watch.recordings import Recordings
from handlers.intake.observe import observe
from store.events.envelope import NewEvent
from store.opening import open_writer
from store.reads.state import State
from store.reads.status import project_statuses
from store.schema import connect_reader

LOG_THREE = ".cadenza-env/three.log.jsonl"


def given_out() -> dict[str, int]:
    """The rows of the files that a new project has."""
    sample = files("handlers.project") / "sample" / "mission" / "lora"
    names = {"train": "patterns.jsonl", "exam": "eval.jsonl"}
    return {split: len((sample / name).read_text().splitlines()) for split, name in names.items()}


class Watched:
    """Folders with real watches on a home's workspace, turned by hand."""

    def __init__(self, home, workspaces: tuple[Path, ...] = ()) -> None:
        self.home = home
        home.begin_log()
        self.writer = open_writer(home.state)
        self.reader = connect_reader(home.state)
        self.state = State(self.reader)
        self.changes = ChangeQueue()
        self.watches = FolderWatches(self.changes)
        self.watches.start()
        self.recorder = Recorder(self.reader, self.writer, lambda path: None)
        config = Config(
            workspaces=workspaces or (home.workspace,),
            watch=Watch(settle=0.01, settle_open=0.05, max_wait=2.0),
        )
        self.folders = Folders(
            config,
            self.state,
            self.writer,
            self.recorder,
            Exports(self.reader, self.writer),
            Recordings(self.reader, self.writer),
            self.changes,
            self.watches,
        )

    def scan(self, *, periodic: bool = True) -> None:
        """A reconcile, and everything it found taken in."""
        self.folders.reconcile(periodic=periodic)
        self.folders.finish_scan()
        self.folders.record_removals()

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Turn the loop until a condition holds."""

        def turned() -> object:
            if met := condition():
                return met
            change = self.changes.get(0.01)
            if change is not None:
                self.folders.handle(change, time.monotonic())
            self.folders.turn(time.monotonic())
            self.recorder.flush()
            return None

        eventually(turned, what, 10, every=0)

    def status(self, name: str = "rescue") -> dict:
        found = [row for row in project_statuses(self.reader) if row["project"] == name]
        assert found, f"no project {name}"
        return found[0]

    def runs(self, name: str = "rescue") -> int:
        rows = [row for row in project_statuses(self.reader) if row["project"] == name]
        return sum(row["runs"]["total"] for row in rows)

    def close(self) -> None:
        self.watches.stop()
        self.reader.close()
        self.writer.close()


@pytest.fixture
def watch(home) -> Iterator[Callable[..., Watched]]:
    made: list[Watched] = []

    def start(*workspaces: Path) -> Watched:
        made.append(Watched(home, workspaces))
        made[-1].scan()
        return made[-1]

    yield start
    for one in made:
        one.close()


# -- what is found ---------------------------------------------------------------------------------


def test_an_old_log_in_a_new_project_counts(home) -> None:
    # given a log whose file is older than env.json, so that it settles first
    log = home.log(home.project())
    os.utime(log, (1, 1))

    # when
    home.once()

    # then the project comes first in the log, and its totals are right
    assert home.types()[0] == "ProjectDiscovered"
    reader = connect_reader(home.state)
    (row,) = project_statuses(reader)
    reader.close()
    assert row["runs"]["total"] == row["runs"]["succeeded"] == 1
    assert row["examples"] == given_out()


def test_what_comes_to_a_project_is_taken_in(home, watch) -> None:
    project = home.project()
    watched = watch()
    home.log(project)
    watched.until(lambda: watched.runs() == 1, "the run")


def test_a_workspace_that_is_a_project_itself_is_both(home, watch) -> None:
    # given projects beside the workspace's own .cadenza-env/ and lora/
    home.project(str(home.workspace))
    inner = home.project("inner")
    home.log(home.workspace, "outer")
    home.log(inner, "inner")
    watched = watch()
    outer_name = home.workspace.name
    assert watched.runs(outer_name) == watched.runs("inner") == 1
    assert watched.status(outer_name)["examples"] == given_out()

    # when more comes to each of them, and a new project beside them
    patterns = home.workspace / "lora" / "patterns.jsonl"
    row = json.loads(patterns.read_text().splitlines()[0])
    with patterns.open("a") as stream:
        stream.write(json.dumps(row) + "\n")
    home.log(home.workspace, "outer-2")
    home.log(inner, "inner-2")
    home.log(home.project("later"), "later")

    # then
    watched.until(lambda: watched.runs(outer_name) == 2, "the outer run")
    watched.until(lambda: watched.runs("inner") == 2, "the inner run")
    watched.until(lambda: watched.runs("later") == 1, "the new project's run")
    watched.until(
        lambda: watched.status(outer_name)["examples"]["train"] == given_out()["train"] + 1,
        "the example",
    )


def test_a_project_reached_by_a_symlink_is_known_by_its_real_path(home, watch) -> None:
    # given
    real = home.root / "elsewhere" / "rescue"
    home.project(str(real))
    home.log(real)
    (home.workspace / "one").symlink_to(real)
    (home.workspace / "two").symlink_to(real)

    # when / then
    watched = watch()
    assert watched.runs() == 1
    assert watched.status()["path"] == str(real)
    home.log(real, "two")
    watched.until(lambda: watched.runs() == 2, "the second run")


def test_a_linked_folder_becomes_a_project_when_env_json_arrives(home, watch) -> None:
    real = home.root / "elsewhere" / "rescue"
    real.mkdir(parents=True)
    (home.workspace / "rescue").symlink_to(real)
    watched = watch()
    home.project(str(real))
    watched.until(lambda: watched.state.project(str(real)) is not None, "the project")


def test_two_workspaces_with_one_name_are_two_projects(home, watch) -> None:
    first, second = home.project(), home.root / "more" / "rescue"
    home.project(str(second))
    home.log(first, "one")
    home.log(second, "two")
    watched = watch(home.workspace, second.parent)
    assert watched.runs() == 2
    assert {row.path for row in watched.state.projects()} == {str(first), str(second)}


@pytest.mark.parametrize("name", ["my rescue", "räscue ✓", "a\nb", "'$(x)'", "x" * 250])
def test_odd_names_of_projects_and_logs_are_no_obstacle(home, watch, name) -> None:
    home.log(home.project(name), name[:200])
    watched = watch()
    assert watched.runs(name) == 1


def test_a_project_whose_name_is_not_utf8_is_told_and_the_others_go_on(home, watch) -> None:
    # given
    odd = home.project(os.fsdecode(b"res\xff"))
    home.log(odd)
    plain = home.project()
    watched = watch()

    # when more comes to both
    home.log(odd, "two")
    home.log(plain, "one")
    watched.until(lambda: watched.runs() == 1, "the run of the other project")

    # then
    assert [row.name for row in watched.state.projects()] == ["rescue"]
    (reason,) = watched.state.degraded()
    assert "res\\xff: its name is not UTF-8" in reason["detail"]


def test_files_whose_names_are_not_utf8_are_rejected_by_name(home, watch) -> None:
    project = home.project()
    log = home.log(project, os.fsdecode(b"one\xff"))
    watched = watch()
    (rejected,) = watched.status()["runs"]["rejected_files"]
    assert rejected["path"] == ".cadenza-env/one\\xff.log.jsonl"
    assert "not UTF-8" in rejected["reason"]

    # and again: nothing new
    before = home.types()
    watched.scan()
    assert home.types() == before

    # until it is renamed
    log.rename(log.with_name("one.log.jsonl"))
    watched.scan()
    assert watched.runs() == 1
    assert watched.status()["runs"]["rejected"] == 0


# -- what goes and comes back ----------------------------------------------------------------------


def test_a_project_that_is_moved_away_and_back_is_ready_again(home, watch) -> None:
    project = home.project()
    home.log(project)
    watched = watch()
    project.rename(home.root / "away")
    watched.scan()
    assert watched.status()["state"] == "removed"
    (home.root / "away").rename(project)
    watched.scan()
    assert watched.status()["state"] == "ready"
    assert watched.runs() == 1
    home.log(project, "two")
    watched.until(lambda: watched.runs() == 2, "a run after its return")


def test_a_folder_that_is_moved_away_and_back_counts_again(home, watch) -> None:
    # given examples and a run
    project = home.project()
    home.log(project)
    watched = watch()
    lora, cadenza = project / "lora", project / ".cadenza-env"

    # when both folders go
    lora.rename(home.root / "lora")
    cadenza.rename(home.root / "cadenza")
    watched.scan()
    assert watched.status()["examples"] == {"train": 0, "exam": 0}
    assert watched.state.runs(str(project)) == []

    # and come back as they were
    (home.root / "lora").rename(lora)
    (home.root / "cadenza").rename(cadenza)
    watched.scan()

    # then
    assert watched.status()["examples"] == given_out()
    assert [run.run_id for run in watched.state.runs(str(project))] == ["one"]
    assert watched.runs() == 1


def test_env_json_that_is_deleted_and_made_anew_is_the_same_project(home, watch) -> None:
    project = home.project()
    env = (project / "env.json").read_bytes()
    watched = watch()
    (project / "env.json").unlink()
    watched.scan()
    assert watched.status()["state"] == "removed"
    (project / "env.json").write_bytes(env)
    watched.until(lambda: watched.status()["state"] == "ready", "its return")
    assert home.types().count("ProjectDiscovered") == 2


def test_a_folder_without_leave_to_look_into_it_proves_nothing(
    home, watch, without_privilege
) -> None:
    # given a project with a run, and folders closed one after the other
    project = home.project()
    home.log(project)
    watched = watch()
    before = home.types()
    for closed in (project / ".cadenza-env", project, home.workspace):
        closed.chmod(0)
        try:
            with without_privilege():
                watched.scan()
        finally:
            closed.chmod(0o755)

        # then nothing is recorded as gone, and the reason is told
        assert not {"FileRemoved", "ProjectRemoved", "FileRejected"} & set(home.types())
        assert any(str(closed) in item["detail"] for item in watched.state.degraded()), closed

        # and is forgotten again after two scans
        watched.scan()
        watched.scan()
        assert watched.state.degraded() == []
    assert [name for name in home.types() if not name.startswith("Watch")] == before


def test_a_link_in_place_of_a_folder_is_refused(home, watch) -> None:
    project = home.project()
    outside = home.root / "outside"
    outside.mkdir()
    (outside / "one.log.jsonl").write_bytes(home.log(project, "x").read_bytes())
    shutil.rmtree(project / ".cadenza-env")
    (project / ".cadenza-env").symlink_to(outside)
    watched = watch()
    assert watched.runs() == 0
    assert any("leaves its project" in item["detail"] for item in watched.state.degraded())


@pytest.mark.parametrize("link", [os.link, os.symlink])
@pytest.mark.parametrize("written", ["one", "two"])
def test_a_write_through_another_name_is_seen_without_a_scan(home, watch, link, written) -> None:
    # given one file under two names
    project = home.project()
    log = home.log(project, "one", success=False)
    link(log, log.with_name("two.log.jsonl"))
    watched = watch()
    assert watched.runs() == 2

    # when it grows, which the kernel reports for one of them
    with log.with_name(f"{written}.log.jsonl").open("ab") as stream:
        stream.write(runlogs.run(2, success=False))

    # then both have grown
    watched.until(lambda: watched.runs() == 4, "the other name's run")


def test_a_link_that_leads_nowhere_any_more_is_a_removal(home, watch) -> None:
    project = home.project()
    log = home.log(project)
    target = project / "data.bin"
    log.rename(target)
    log.symlink_to(target)
    watched = watch()
    target.unlink()
    watched.scan()
    assert home.types()[-1] == "FileRemoved"
    home.log(project, "spare").rename(target)
    watched.scan()
    assert home.types()[-1] == "RunRecorded"


def test_a_link_that_leaves_the_project_is_looked_at_once(home, watch) -> None:
    project = home.project()
    log = home.log(project)
    log.rename(home.root / "outside")
    log.symlink_to(home.root / "outside")
    watched = watch()
    assert home.types().count("FileRejected") == 1
    assert watched.recorder.is_unchanged(str(log), log.stat())


@pytest.mark.parametrize("name", [".cadenza-env", "lora"])
def test_a_file_in_place_of_a_folder_is_no_obstacle(home, watch, name) -> None:
    project = home.project()
    shutil.rmtree(project / name)
    (project / name).touch()
    watched = watch()
    assert watched.status()["state"] == "ready"


def test_folders_and_pipes_where_files_are_expected_are_passed_over(home, watch) -> None:
    project = home.project()
    cadenza = project / ".cadenza-env"
    (cadenza / "folder.log.jsonl").mkdir()
    os.mkfifo(cadenza / "pipe.log.jsonl")
    (cadenza / "dangling.log.jsonl").symlink_to("nowhere")
    (cadenza / "loop.log.jsonl").symlink_to("loop.log.jsonl")
    home.log(project)
    watched = watch()
    assert watched.runs() == 1
    (rejected,) = watched.status()["runs"]["rejected_files"]
    assert rejected["path"] == ".cadenza-env/loop.log.jsonl"
    before = home.types()
    watched.scan()
    assert home.types() == before


def test_what_is_nothing_is_no_find_and_is_read_once(home, watch, monkeypatch) -> None:
    # given files of which there is nothing to record, and one that is rejected
    project = home.project()
    folder = project / ".cadenza-env"
    folder.mkdir(exist_ok=True)
    (folder / "empty.log.jsonl").touch()
    (folder / "begun.log.jsonl").write_text('{"tick": 1, "act')
    (folder / "packed.log.jsonl.gz").write_bytes(b"\x1f\x8b")
    (folder / "folder.log.jsonl").mkdir()
    (project / "notes.jsonl").write_text('{"my": "data"}\n')
    os.mkfifo(folder / "pipe.log.jsonl")
    watched = watch()
    watched.scan()
    before, found = home.types(), watched.folders.reconcile_finds
    read: list[str] = []
    real = observe

    def noting(project, path, prior):
        read.append(path)
        return real(project, path, prior)

    monkeypatch.setattr("cadenzad.watch.record.observe", noting)

    # when it is scanned again and again, then none is read again, and none was found
    for _ in range(3):
        watched.scan()
    assert read == []
    assert home.types() == before
    assert watched.folders.reconcile_finds == found

    # when one of them grows and a run comes, and nobody is told, then that is what is found
    (folder / "empty.log.jsonl").write_bytes(runlogs.run(2))
    (project / "notes.jsonl").write_text('{"my": "other data"}\n')
    home.log(project, "missed")
    while watched.changes.get(0.1) is not None:
        pass  # lost
    watched.scan()
    assert set(read) == {
        ".cadenza-env/empty.log.jsonl",
        ".cadenza-env/missed.log.jsonl",
        "notes.jsonl",
    }
    assert watched.folders.reconcile_finds == found + 2


def test_an_exam_that_an_earlier_version_took_for_examples_is_taken_anew(home, watch) -> None:
    # given a copy of an exam that the log knows as examples
    project = home.project()
    copy = project / ".cadenza-env" / "x.exam (1).jsonl"
    copy.parent.mkdir(exist_ok=True)
    copy.write_text('{"goal": "g", "actions": [{"action": "stand"}]}\n')
    watched = watch()
    watched.scan()
    counted = watched.status()["examples"]
    (record,) = [
        r for r in home.events("ExamplesRecorded") if r.event.file.path.endswith(copy.name)
    ]
    as_before = record.event.changed(split="train")
    watched.writer.append(NewEvent(record.stream, as_before))
    assert watched.status()["examples"] != counted

    # when it is scanned as at a start, then it is an exam again
    watched.scan(periodic=False)
    assert watched.status()["examples"] == counted


def test_a_missing_workspace_is_told_and_found_when_it_comes(home, watch) -> None:
    later = home.root / "later"
    watched = watch(later)
    assert any(str(later) in item["detail"] for item in watched.state.degraded())
    home.log(home.project(str(later / "rescue")))
    watched.until(lambda: watched.runs() == 1, "the run")


def test_once_does_not_pass_over_a_missing_workspace_in_silence(home, caplog) -> None:
    shutil.rmtree(home.workspace)
    with caplog.at_level(logging.WARNING):
        home.once()
    assert any(str(home.workspace) in line for line in caplog.messages)


def test_a_workspace_that_is_renamed_away_and_back_is_watched_again(home, watch) -> None:
    # given a workspace that is away
    project = home.project()
    home.log(project)
    watched = watch()
    away = home.root / "away"
    home.workspace.rename(away)
    watched.until(lambda: watched.state.degraded(), "a degraded reason")
    watched.scan()
    assert watched.status()["state"] == "removed"

    # when it comes back, and later another takes its place
    away.rename(home.workspace)
    watched.until(lambda: watched.status()["state"] == "ready", "the project")
    home.log(project, "two")
    watched.until(lambda: watched.runs() == 2, "the second run")
    home.workspace.rename(away)
    home.log(home.project(), "three")  # at the same path: the project of before is there no more
    watched.until(lambda: watched.state.file(str(project), LOG_THREE), "the third run")

    # then its logs are those that count
    watched.scan()
    there = [row.path for row in watched.state.runs(str(project))]
    assert there == [LOG_THREE]
    assert watched.runs() == 3


@pytest.mark.parametrize("moved", [".", ".cadenza-env", ".cadenza-env/examples"])
def test_what_was_away_for_a_moment_and_is_as_it_was_is_watched_again(home, watch, moved) -> None:
    # given a project that scans pass by
    project = home.project()
    home.log(project)
    examples = project / ".cadenza-env" / "examples"
    examples.mkdir(parents=True, exist_ok=True)
    watched = watch()
    watched.scan()
    watched.scan()
    assert watched.folders.is_quiet(project)

    # when one of its folders is moved out of the workspace and back, and a scan comes by
    folder = project / moved
    away = home.root / "away"
    folder.rename(away)
    away.rename(folder)
    for change in iter(lambda: watched.changes.get(0.2), None):
        watched.folders.handle(change, time.monotonic())
    watched.scan()

    # then it is watched
    row = {"goal": "g", "actions": [{"action": "stand"}]}
    (examples / "x.examples.jsonl").write_text(json.dumps(row) + "\n")
    more = given_out()["train"] + 1
    watched.until(lambda: watched.status()["examples"]["train"] == more, "the example")


def test_sixty_folders_with_room_for_thirty_watches_are_all_seen(home, watch, monkeypatch) -> None:
    # given a kernel that has room for thirty watches
    projects = [home.project(f"robot-{number}") for number in range(15)]
    add, given_out = inotify_c.inotify_add_watch, set()

    def limited(fd: int, path: bytes, mask: int) -> int:
        if path not in given_out and len(given_out) == 30:
            raise OSError(errno.ENOSPC, "No space left on device")
        given_out.add(path)
        return add(fd, path, mask)

    with monkeypatch.context() as patched:
        patched.setattr(inotify_c, "inotify_add_watch", limited)
        for project in projects:
            (project / ".cadenza-env" / "examples").mkdir(parents=True)
        watched = watch()
        assert watched.folders.directories == 30
        assert [item["code"] for item in watched.state.degraded()] == ["watch-limit"]

        # when logs come to all of them, then a scan finds those that nobody reported
        for project in projects:
            home.log(project)
        watched.scan()
        assert all(watched.runs(project.name) == 1 for project in projects)

    # and with room again, two rounds later nothing is missing any more
    watched.scan()
    watched.scan()
    assert watched.folders.directories == 61
    assert watched.state.degraded() == []


def test_six_hundred_files_over_an_overflow_are_recorded_once_each(home, watch) -> None:
    # given a queue with no room for what comes while nobody looks
    project = home.project()
    watched = watch()
    watched.changes._limit = 150
    log = home.log(project)
    data = log.read_bytes()
    for number in range(599):
        (log.parent / f"{number}.log.jsonl").write_bytes(data)

    # when the daemon looks again, then each was recorded, and once
    watched.until(lambda: watched.runs() == 600, "all runs")
    assert watched.folders.overflows >= 1
    assert home.types().count("RunRecorded") == 600
    watched.scan()
    assert home.types().count("RunRecorded") == 600


def test_an_overflow_is_scanned_away_and_told(home, watch) -> None:
    project = home.project()
    watched = watch()
    home.log(project)
    while watched.changes.get(0.2) is not None:
        pass  # lost
    watched.folders.handle(Overflowed(), time.monotonic())
    watched.until(lambda: watched.runs() == 1, "the run")
    assert [item["code"] for item in watched.state.degraded()] == ["overflow"]


def test_a_full_disk_is_told_and_the_file_taken_later(home, watch, caplog) -> None:
    # given a log that has no room
    project = home.project()
    watched = watch()

    def pages(pragma: str) -> int:
        return watched.writer.run(lambda t: t.connection.execute(pragma).fetchone()[0])

    pages(f"PRAGMA max_page_count = {pages('PRAGMA page_count')}")
    for number in range(200):
        home.log(project, f"run-{number}")
    (project / "lora" / "eval.jsonl").unlink()

    # when / then nothing ends, and with room again everything comes
    watched.scan()
    assert any("nothing was written" in line for line in caplog.messages)
    pages("PRAGMA max_page_count = 1000000")
    watched.scan()
    assert watched.runs() == 200
    assert watched.status()["examples"]["exam"] == 0
