"""The check where the daemon has it done: when, once for each env.json, and what is recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from missions import base_mission

from handlers.jobs import JobContext, JobResult
from handlers.mission.check.job import LONGEST, MOST, check_project
from handlers.mission.check.reactions import check_on_project
from handlers.reactions import ReactionPolicy, Tools
from store.events.base import Event
from store.events.envelope import Recorded, project_stream
from store.events.files import (
    FileFact,
    ProjectChanged,
    ProjectChecked,
    ProjectDiscovered,
    ProjectPaused,
    ProjectResumed,
)
from store.events.process import JobQueued
from store.reads.state import State
from store.reads.status import project_statuses
from store.schema import memory_view
from store.views import fold

PROJECT = "/robots/rescue"


def found(sha256: str) -> dict[str, Any]:
    file = FileFact(path="env.json", dev=1, ino=1, size=1, mtime_ns=1, sha256=sha256, revision=1)
    return {"name": "rescue", "path": PROJECT, "mission": "m", "robot": "go1", "phases": ("a",),
            "file": file}  # fmt: skip


def discovered(sha256: str) -> Event:
    return ProjectDiscovered.of_shape(found(sha256))


def changed(sha256: str) -> Event:
    return ProjectChanged.of_shape({**found(sha256), "previous_sha256": "0" * 64})


def checked(sha256: str, errors: int = 0) -> Event:
    return ProjectChecked(env_sha256=sha256, errors=errors, warnings=0, hints=0)


class Bench:
    """A view in memory, and events put into it by hand."""

    def __init__(self) -> None:
        self.view = memory_view()
        self.position = 0

    def record(self, *events: Event) -> Recorded:
        for event in events:
            self.position += 1
            at, stream = self.position, project_stream(PROJECT)
            record = Recorded(at, stream, at, event, None, at, at)
            fold(self.view, [record])
        return record

    def react(self, event: Event, check: bool = True) -> list[str]:
        """The reasons of the jobs that follow from an event."""
        tools = Tools(policy=lambda _: ReactionPolicy(check=check))
        made = list(check_on_project(self.record(event), State(self.view), tools))
        self.record(event, *made)
        return [job.reason for job in made if isinstance(job, JobQueued) and job.kind == "check"]


A, B = "a" * 64, "b" * 64


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    with closing(made.view):
        yield made


def test_a_project_is_looked_at_and_a_job_that_waits_covers_it(bench: Bench) -> None:
    assert bench.react(discovered(A)) == ["env.json is there"]
    assert bench.react(discovered(A)) == []


def test_a_project_is_checked_once_for_each_env_json(bench: Bench) -> None:
    bench.record(discovered(A), checked(A))
    assert bench.react(discovered(A)) == [], "it is back as it was"
    assert bench.react(changed(B)) == ["env.json changed"]


def test_not_while_paused_nor_where_it_is_off_and_when_resumed_what_was_left_out(
    bench: Bench,
) -> None:
    assert bench.react(discovered(A), check=False) == []
    bench.record(ProjectPaused(by="test"))
    assert bench.react(changed(B)) == []
    assert bench.react(ProjectResumed(by="test")) == ["env.json is there"]


def test_status_says_of_which_env_json_it_is(bench: Bench) -> None:
    def state() -> tuple[str, int | None]:
        check = project_statuses(bench.view)[0]["check"]
        return check["state"], check["errors"]

    bench.record(discovered(A))
    assert state() == ("not checked", None)
    bench.record(checked(A, errors=2))
    assert state() == ("checked", 2)
    bench.record(changed(B))
    assert state() == ("pending", 2)


@pytest.fixture
def done(tmp_path: Path) -> Callable[..., JobResult]:
    """`done(**mission)`: what the job gives back for a mission with these changes."""

    def make(**top: Any) -> JobResult:
        (tmp_path / "env.json").write_text(json.dumps({**base_mission(), **top}), "utf-8")
        return check_project(JobContext({}, tmp_path, tmp_path, lambda _values: None))

    return make


def of(result: JobResult) -> ProjectChecked:
    (event,) = result.events
    assert isinstance(event, ProjectChecked)
    return event


def test_a_mission_that_is_fine_is_recorded_as_such(done) -> None:
    event = of(done())
    assert (event.errors, event.warnings, event.hints, event.findings) == (0, 0, 0, ())


def test_the_worst_are_recorded_first_few_and_short(done) -> None:
    phases = [
        {"name": f"p{i}", "goal_prompt": "zzz " * 500, "success_when": {"elapsed_ticks": 99}}
        for i in range(9)
    ]
    event = of(done(phases=phases))
    assert event.errors == 9
    assert len(event.findings) == MOST
    assert {finding.level for finding in event.findings} == {"error"}
    assert all(len(finding.what) <= LONGEST for finding in event.findings)


def test_a_robot_that_nobody_knows_is_an_error_and_no_failed_job(done) -> None:
    event = of(done(robot="nobody-knows"))
    assert event.errors == 1
    assert "nobody-knows" in event.findings[0].what


def test_an_env_json_that_is_no_mission_any_more_is_left_to_its_own_event(done) -> None:
    result = done(phases=[])
    assert result.events == ()
    assert result.summary.startswith("not checked: ")


def test_without_the_simulator_the_rest_is_checked_and_that_is_said(done, monkeypatch) -> None:
    from store.errors import MissingExtraError

    def missing(*_: object) -> None:
        raise MissingExtraError("mujoco is not installed")

    monkeypatch.setattr("handlers.mission.check.check.compile_scene", missing)
    event = of(done(phases=[{**base_mission()["phases"][0], "goal_prompt": "do not walk"}]))
    assert (event.errors, event.warnings, event.hints) == (0, 1, 1)
    assert "not looked at" in event.findings[-1].what
