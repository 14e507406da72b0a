"""A prompt that the fleet offers: taken up, declined, waiting, and taken back when it is pulled."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dying
import forking
import pytest
from eventmaking import Make

from handlers.jobs import JobContext
from handlers.judge.offered import consider
from handlers.judge.prompt.recovery import PROMPTS
from handlers.judge.settings import JudgeSettings
from handlers.project.scaffold import init_project
from handlers.recovery import recover
from handlers.settings import Settings
from store.events.envelope import NewEvent, project_stream
from store.events.fleet import OfferReceived, OfferWithdrawn
from store.events.process import JobQueued
from store.events.prompt import RuleFact
from store.opening import open_writer
from store.reads.improvements import current_prompt, prompt_versions
from store.reads.offers import offers_to
from store.schema import connect_reader

LINE = "- when stuck for 2 ticks: walk_backward distance_m=0.4"
APPLY = JudgeSettings(seeds=0, unverified="apply")


class Robot:
    """A project, an event log, and jobs that are done as the daemon does them."""

    def __init__(self, project: Path, state: Path) -> None:
        self.project, self.state = project, state
        self.writer = open_writer(state)
        self.stream = project_stream(str(project))
        self.record(Make().discovered().event)
        self.before = self.prompt

    @property
    def prompt(self) -> bytes:
        return (self.project / "main.py").read_bytes()

    def record(self, *events: Any, job: int | None = None) -> int:
        made = [NewEvent(self.stream, event, causation=job) for event in events]
        return self.writer.append(*made)[-1].position if made else 0

    def offer(self, *lines: str, name: str = "0ffe4") -> None:
        rules = tuple(RuleFact(line=line, mode_id="stuck@approach") for line in lines or (LINE,))
        self.record(
            OfferReceived(
                offer=name, kind="prompt", content="c", robot="ada", version=3, rules=rules
            )
        )

    def queue(self) -> int:
        return self.record(JobQueued(kind="offer", project=str(self.project), reason="an offer"))

    def work(self, settings: JudgeSettings = APPLY, job: int | None = None) -> str:
        context = JobContext(
            {"by": "cadenzad"},
            self.project,
            self.state,
            lambda _: None,
            Settings(settings),
            job=job,
        )
        done = consider(context)
        self.record(*done.events, job=job)
        return done.summary

    def pull(self) -> None:
        self.record(OfferWithdrawn(offer="0ffe4", reason="worse than before"))

    @property
    def offered(self) -> tuple[str, int | None]:
        with closing(connect_reader(self.state)) as reader:
            (row,) = offers_to(reader, str(self.project))
        return row.state, row.version

    def read(self, what: Callable[..., Any]) -> Any:
        with closing(connect_reader(self.state)) as reader:
            return what(reader, str(self.project))


@pytest.fixture
def robot(tmp_path: Path) -> Iterator[Robot]:
    project, state = tmp_path / "rescue", tmp_path / "state"
    init_project(project)
    (project / ".cadenza-env").mkdir(exist_ok=True)
    state.mkdir()
    made = Robot(project, state)
    yield made
    made.writer.close()


def test_it_is_written_as_a_rewrite_is_and_watched(robot) -> None:
    robot.offer()
    robot.work()
    assert LINE.encode() in robot.prompt
    assert robot.offered == ("taken", 1)
    row = robot.read(current_prompt)
    assert row.watching
    assert [gate["name"].split()[0] for gate in row.gates] == ["G0", "G1", "G2", "G3"]
    # and nothing more is to be done
    assert robot.work() == "no offer waits"


def test_it_waits_for_approval_where_rewrites_do(robot) -> None:
    robot.offer()
    robot.work(JudgeSettings(seeds=0))
    assert robot.prompt == robot.before
    assert robot.offered == ("proposed", 1)
    robot.pull()
    robot.work()
    assert robot.offered == ("declined", 1)
    assert robot.read(prompt_versions)[0].state == "rejected"


@pytest.mark.parametrize(
    ("line", "settings", "said"),
    [
        (LINE, JudgeSettings(mode="off"), 'judge.mode is "off" here'),
        ("- when stuck for 2 ticks: moonwalk", APPLY, "has no action 'moonwalk'"),
        ("* Be careful.", APPLY, "is no rule that this version"),
    ],
)
def test_what_cannot_hold_here_is_declined_and_says_why(robot, line, settings, said) -> None:
    robot.offer(line)
    assert said in robot.work(settings)
    assert robot.offered == ("declined", None)
    assert robot.prompt == robot.before


def test_what_was_taken_back_here_before_is_declined(robot) -> None:
    robot.offer()
    robot.work()
    robot.pull()
    robot.work()
    robot.record(
        OfferReceived(
            offer="again", kind="prompt", content="c", robot="ada", version=4,
            rules=(RuleFact(line=LINE, mode_id="stuck@approach"),),
        )
    )  # fmt: skip
    assert "were taken back or rejected here" in robot.work()


def test_one_waits_while_a_version_is_watched(robot) -> None:
    robot.offer()
    robot.work()
    robot.record(
        OfferReceived(
            offer="next", kind="prompt", content="c", robot="ada", version=4,
            rules=(RuleFact(line="- when fallen: stand_up", mode_id="fell@approach"),),
        )
    )  # fmt: skip
    before = robot.prompt
    assert robot.work() == "version 1 is watched: offer next waits"
    assert robot.prompt == before


def test_a_pulled_one_is_taken_back_to_the_byte(robot) -> None:
    robot.offer()
    robot.work()
    robot.pull()
    assert "offer 0ffe4 was pulled: worse than before" in robot.work()
    assert robot.prompt == robot.before
    assert robot.offered == ("rolled_back", 1)
    assert robot.work() == "no offer waits"


def test_one_that_is_pulled_before_its_gate_said_anything_is_never_tried(robot) -> None:
    robot.offer()
    robot.pull()
    assert robot.work() == "no offer waits"
    assert robot.prompt == robot.before


@pytest.mark.long
@pytest.mark.parametrize(
    ("point", "lost"),
    [
        ("handlers.judge.rewrite:note:before:1", True),
        ("handlers.judge.rewrite:note:after:1", True),
        ("handlers.judge.rewrite:swap:after:1", False),
    ],
)
def test_a_kill_leaves_it_taken_up_once_or_not_at_all(robot, point, lost) -> None:
    # given a job that dies at a point
    robot.offer()
    job = robot.queue()
    spec = {"by": "cadenzad"}
    killed = forking.call(
        dying.job, point, "handlers.judge.offered:consider", spec, robot.project, robot.state,
        Settings(APPLY), environ={},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    # when the daemon makes good what is on disk, and the job is tried again
    recover(robot.project, robot.writer, [PROMPTS])
    assert (robot.offered[0] == "open") == lost
    robot.work(job=job)

    # then it is there, once
    assert robot.offered == ("taken", 1)
    assert robot.prompt.count(LINE.encode()) == 1
    assert len(robot.read(prompt_versions)) == 1
