"""A project that lies in no watched workspace: what is asked for is done, and nothing of itself."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from cadenzad.config.files import Config
from cadenzad.config.project import ProjectConfigs, reaction_policy
from cadenzad.config.settings import Check, Retention
from cadenzad.daemon import Daemon
from cadenzad.jobs.unwatched import drop_unwatched
from handlers.judge.settings import JudgeSettings
from handlers.lora.settings import LoraSettings
from handlers.reactions import ReactionPolicy
from store.events.envelope import NewEvent, project_stream
from store.events.process import JobQueued
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader


@pytest.fixture
def elsewhere(home) -> Path:
    """A project of an earlier workspace, with two exported runs."""
    project = home.project(str(home.root / "elsewhere" / "arm"))
    home.log(project, "one")
    home.log(project, "two", ticks=5)
    home.once(project.parent)
    return project


def watching(home, **tables: object) -> Config:
    quiet = {"judge": JudgeSettings(mode="off"), "lora": LoraSettings(retrain=False)}
    given = {"workspaces": (home.workspace,), "check": Check(enabled=False), **quiet, **tables}
    return Config(**given)


def test_only_its_own_jobs_are_dropped(home, elsewhere) -> None:
    # given jobs that the daemon queued and jobs that somebody asked for, here and elsewhere
    here = home.project()
    home.once()
    writer = open_writer(home.state)
    try:
        for project in (here, elsewhere):
            stream = project_stream(str(project))
            for kind, cause in (("check", 1), ("judge", None)):
                job = JobQueued(kind=kind, project=str(project), reason="a test")
                writer.append(NewEvent(stream, job, causation=cause))

        # when
        drop_unwatched(writer, watching(home))
    finally:
        writer.close()

    # then
    with closing(connect_reader(home.state)) as reader:
        jobs = {(Path(job.project), job.kind): job.state for job in State(reader).jobs()}
    assert jobs == {
        (here, "check"): "queued",
        (here, "judge"): "queued",
        (elsewhere, "check"): "cancelled",
        (elsewhere, "judge"): "queued",
    }


def test_nothing_is_begun_for_it_but_the_export_of_what_is_recorded(home, elsewhere) -> None:
    all_on = Config(workspaces=(home.workspace,))
    here = reaction_policy(str(home.project()), all_on, ProjectConfigs())
    assert here.judge
    assert here.check
    assert reaction_policy(str(elsewhere), all_on, ProjectConfigs()) == ReactionPolicy(export=True)


def test_one_that_is_linked_into_a_workspace_is_watched(home, elsewhere) -> None:
    assert not watching(home).watches(elsewhere)
    (home.workspace / "arm").symlink_to(elsewhere)
    assert watching(home).watches(elsewhere)
    assert watching(home).watches(home.workspace)


def test_its_files_are_pruned_only_where_it_is_watched(home, elsewhere) -> None:
    often = Retention(prune=True, every=0.001, keep_last=1, older_than=0.0)
    Daemon(watching(home, retention=often), home.state).run(once=True)
    assert home.events("FilePruned") == []
    Daemon(watching(home, retention=often, workspaces=(elsewhere.parent,)), home.state).run(
        once=True
    )
    assert home.events("FilePruned")
