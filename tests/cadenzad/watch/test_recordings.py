"""Recordings dropped into `.cadenza-env/` become runs as if they had been logged."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import dying
import forking
import pytest
import runlogs
from houses import Home

pytest.importorskip("mcap", reason="the formats extra is not installed")
pytest.importorskip("pyarrow", reason="the dataset extra is not installed")

from cadenzad.watch.recordings import Recordings
from handlers.dataset.formats.export import export
from handlers.dataset.formats.names import Format
from handlers.dataset.formats.source import Sources
from handlers.dataset.mission import Mission
from handlers.jobs import JobContext, TryLater
from handlers.project.project import Project
from handlers.settings import Settings
from handlers.takein import recognise
from handlers.takein.job import take_in_dropped
from handlers.takein.settings import TakeInSettings
from store.events.envelope import NewEvent, project_stream
from store.events.files import RecordingDropped
from store.events.process import JobFailed
from store.opening import open_writer
from store.schema import connect_reader

JOB = "handlers.takein.job:take_in_dropped"


@pytest.fixture
def project(home: Home) -> Path:
    return home.project()


def recording(project: Path, kind: Format, runs: int = 1) -> Path:
    """A recording of some runs that lies outside of the project."""
    logs = []
    for number in range(runs):
        log = project.parent.parent / f"r{number}.log.jsonl"
        log.write_bytes(runlogs.as_log(runlogs.judged(6, seed=number)))
        logs.append(log)
    made = project.parent.parent / ("night.mcap" if kind == "mcap" else "night")
    export(kind, Sources(Mission.of(Project.open(project)), logs), made, force=False)
    return made


def drop(made: Path, project: Path) -> Path:
    target = project / ".cadenza-env" / made.name
    copy: Any = shutil.copytree if made.is_dir() else shutil.copyfile
    copy(made, target)
    return target


def stamped(home: Home) -> list[tuple[str, int, str | None]]:
    """(run, episodes, the recording that it is of) of every run that was recorded."""
    facts = [record.event for record in home.events("RunRecorded", "RunReplaced")]
    return [(f.run_id, len(f.episodes), f.episodes[0].stamp.source) for f in facts]


@pytest.mark.parametrize("kind", ["mcap", pytest.param("lerobot", marks=pytest.mark.long)])
def test_one_that_is_dropped_becomes_runs_once(home: Home, project: Path, kind: Format) -> None:
    made = drop(recording(project, kind, runs=2), project)
    home.once()
    assert stamped(home) == [("night", 2, made.name)]
    assert len(home.events("RunExported")) == 1
    home.once()
    assert len(home.events("RecordingDropped")) == 1
    assert len(home.events("JobQueued")) == 1
    assert len(stamped(home)) == 1


def test_one_that_is_still_being_written_is_not_taken_half(
    home: Home, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a recorder amid its work: the file does not end as one does
    whole = recording(project, "mcap").read_bytes()
    there = project / ".cadenza-env" / "night.mcap"
    there.write_bytes(whole[: len(whole) - 20])
    home.once()
    assert home.events("RecordingDropped") == []
    # when it has ended
    there.write_bytes(whole)
    home.once()
    # then it is taken in
    assert stamped(home) == [("night", 1, "night.mcap")]
    # and one that nobody has been writing for long is read as far as it is whole
    (project / ".cadenza-env" / "crash.mcap").write_bytes(whole[: len(whole) - 20])
    first = home.events()[-1].position + 1
    dropped = NewEvent(
        project_stream(str(project)), RecordingDropped(path=".cadenza-env/crash.mcap", size=1)
    )
    with closing(open_writer(home.state)) as writer:
        writer.append(dropped)
    context = JobContext({"first": first}, project, home.state, lambda _: None)
    with pytest.raises(TryLater, match="is still being written"):
        take_in_dropped(context)
    monkeypatch.setattr(recognise, "PATIENCE_S", 0.0)
    assert "6 ticks of 1 episode, written" in take_in_dropped(context).summary


def test_what_is_wrong_with_it_is_said_once_and_a_mapping_mends_it(
    home: Home, project: Path
) -> None:
    # given messages of which nobody said what they mean
    from mcap.writer import Writer

    with (project / ".cadenza-env" / "odd.mcap").open("wb") as stream:
        writer = Writer(stream)
        writer.start()
        cmd = writer.register_channel("/cmd", "json", 0)
        writer.add_message(cmd, 0, b'{"name": "walk_forward"}', 0)
        writer.finish()
    # when / then
    home.once()
    (failed,) = [record.event for record in home.events("JobFailed")]
    assert isinstance(failed, JobFailed)
    assert "odd.mcap: has no topic /cadenza/tick: there are /cmd" in failed.error
    assert "[takein] fields" in failed.error
    assert failed.retry_at_us is None
    home.once()
    home.once()
    assert len(home.events("JobFailed")) == 1
    (degraded,) = [record.event for record in home.events("WatchDegraded")]
    assert degraded.detail == failed.error
    # and the project's own word on it is news
    (project / "cadenzad.toml").write_text('[takein]\nfields = ["action = /cmd:name"]\n')
    home.once()
    assert stamped(home) == [("odd", 1, "odd.mcap")]


def test_a_log_of_that_name_that_is_no_recordings_stays(home: Home, project: Path) -> None:
    mine = home.log(project, "night")
    before = mine.read_bytes()
    drop(recording(project, "mcap"), project)
    home.once()
    assert "is another run's log, and stays as it is" in home.events("JobFailed")[0].event.error
    assert mine.read_bytes() == before


def test_several_at_once_hold_up_none_of_the_others(home: Home, project: Path) -> None:
    made = recording(project, "mcap")
    for name in ("a", "b", "c"):
        shutil.copyfile(made, project / ".cadenza-env" / f"{name}.mcap")
    bad = project / ".cadenza-env" / "bad.mcap"
    bad.write_bytes(b"no recording at all".ljust(40) + made.read_bytes()[-8:])
    home.once()
    assert sorted(run for run, _, _ in stamped(home)) == ["a", "b", "c"]
    (failed,) = [record.event for record in home.events("JobFailed")]
    assert "bad.mcap: is no MCAP file" in failed.error
    assert home.events("ReactionFailed") == []
    # what is gone is no reason any more
    home.once()
    assert len(home.events("WatchDegraded")) == 1
    bad.unlink()
    assert refused(home, project) == []


def refused(home: Home, project: Path) -> list[tuple[str, str]]:
    with closing(open_writer(home.state)) as writer, closing(connect_reader(home.state)) as reader:
        return Recordings(reader, writer).refused([project])


def test_one_that_leads_out_of_its_project_is_refused_by_its_name(
    home: Home, project: Path
) -> None:
    made = recording(project, "mcap")
    (project / ".cadenza-env" / "night.mcap").symlink_to(made)
    home.once()
    (degraded,) = [record.event for record in home.events("WatchDegraded")]
    assert "night.mcap: leads out of the project" in degraded.detail
    assert home.events("RecordingDropped") == []


@pytest.mark.long
@pytest.mark.parametrize("point", ["Draft.write", "Draft.sync", "Draft.replace", "sync"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_while_it_is_taken_in_loses_nothing_and_takes_nothing_twice(
    home: Home, project: Path, point: str, when: str
) -> None:
    # given a job that dies at one of the calls that write
    home.once()
    drop(recording(project, "mcap"), project)
    path = ".cadenza-env/night.mcap"
    with closing(open_writer(home.state)) as writer:
        writer.append(NewEvent(project_stream(str(project)), RecordingDropped(path=path, size=1)))
    context = ({"first": 1}, project, home.state, Settings(TakeInSettings()))
    at = f"store.durable:{point}:{when}:1"
    done = forking.call(dying.job, at, JOB, *context, environ=dict(os.environ))
    assert done.returncode == -signal.SIGKILL, done.stderr
    # when it is done again
    home.once()
    # then the run is there, whole, and once
    assert stamped(home) == [("night", 1, "night.mcap")]
    assert len(home.events("RunRecorded")) == 1
    assert not list((project / ".cadenza-env").glob(".*.partial"))
