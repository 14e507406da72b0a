"""Which runs are compared: those that the prompt drove, in one world, under a version each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from handlers.judge.monitor.samples import scores
from store import views
from store.events.base import Event
from store.events.envelope import Recorded, project_stream
from store.events.files import (
    EpisodeFact,
    FileFact,
    LineCounts,
    ProjectChanged,
    ProjectDiscovered,
    RunRecorded,
    RunStamp,
)
from store.events.prompt import PromptRewritten, PromptRolledBack, RuleFact
from store.reads.improvements import current_prompt
from store.schema import memory_view

PROJECT = "/robots/rescue"
ENV, OTHER_ENV = "e" * 64, "f" * 64
AUTHORS, REWRITTEN = "a" * 64, "b" * 64
RULE = RuleFact(line="- when stuck for 2 ticks: stop", mode_id="stuck@go")
PROMPTED = RunStamp(policy="prompt", env_sha256=ENV, version="1.0", seed=1)


class World:
    """A project's events, folded as they come."""

    def __init__(self) -> None:
        self.view: sqlite3.Connection = memory_view()
        self.position = 0
        self.add(self.project(ProjectDiscovered, ENV))

    def add(self, event: Event) -> None:
        self.position += 1
        stream = project_stream(PROJECT)
        views.fold(self.view, [Recorded(self.position, stream, 0, event, None, self.position, 0)])

    def project(self, kind: type[Event], sha256: str, **more: str) -> Event:
        facts = {
            "name": "rescue",
            "path": PROJECT,
            "mission": "m",
            "robot": "go1",
            "phases": ("p",),
        }
        return kind(**facts, file=file("env.json", sha256), **more)

    def run(self, stamp: RunStamp | None = None) -> str:
        """A run that succeeds; its name."""
        name = f"r{self.position}"
        episode = EpisodeFact(
            index=0, first_line=1, ticks=3, outcome="succeeded", phases_done=1, stamp=stamp
        )
        self.add(
            RunRecorded(
                run_id=name,
                format="mission",
                file=file(name, f"{self.position:064}"),
                episodes=(episode,),
                lines=LineCounts(),
            )
        )
        return f"{name}#0"

    def rewrite(self) -> None:
        self.add(
            PromptRewritten(
                version=1,
                parent=None,
                file="main.py",
                before_sha256=AUTHORS,
                after_sha256=REWRITTEN,
                rules=(RULE,),
                diff="",
                by="cadenzad",
            )
        )

    @property
    def sides(self) -> tuple[list[str], list[str]]:
        """The runs before the version in the file and those since, by name."""
        current = current_prompt(self.view, PROJECT)
        assert current is not None
        before, after = scores(self.view, PROJECT, current)
        return [run.run_id for run in before], [run.run_id for run in after]


def file(path: str, sha256: str) -> FileFact:
    return FileFact(path=path, dev=1, ino=abs(hash(path)) % 9999, size=1, mtime_ns=1, sha256=sha256)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with closing(made.view):
        yield made


def test_runs_of_other_policies_say_nothing_about_the_prompt(world: World) -> None:
    good = [world.run(), world.run(PROMPTED)]
    for policy in ("scripted", "random", "lora"):
        world.run(PROMPTED.changed(policy=policy))
    world.rewrite()
    assert world.sides == (good, [])
    world.run(PROMPTED.changed(policy="random"))
    since = world.run(PROMPTED)
    assert world.sides == (good, [since])


def test_a_log_without_a_stamp_counts_as_the_brains_at_its_time(world: World) -> None:
    before = world.run()
    world.rewrite()
    since = world.run()
    assert world.sides == ([before], [since])


def test_what_a_stamp_says_of_the_prompt_goes_before_the_order_of_arrival(world: World) -> None:
    # given a log that comes after the rewrite and was driven before it
    world.rewrite()
    late = world.run(PROMPTED.changed(prompt_sha256=AUTHORS))
    since = world.run(PROMPTED.changed(prompt_sha256=REWRITTEN))
    # and one under a file that its author changed elsewhere meanwhile
    edited = world.run(PROMPTED.changed(prompt_sha256="c" * 64))
    assert world.sides == ([late], [since, edited])


def test_another_env_json_is_another_world_and_the_watch_starts_anew(world: World) -> None:
    world.run()
    world.run(PROMPTED)
    world.rewrite()
    world.run()
    world.add(world.project(ProjectChanged, OTHER_ENV, previous_sha256=ENV))
    assert world.sides == ([], [])

    # then only runs in the new one count, and a late log of the old one does not
    world.run(PROMPTED)
    unstamped = world.run()
    stamped = world.run(PROMPTED.changed(env_sha256=OTHER_ENV))
    assert world.sides == ([], [unstamped, stamped])


def test_an_env_json_that_is_only_seen_again_changes_nothing(world: World) -> None:
    before = world.run()
    world.add(world.project(ProjectDiscovered, ENV))
    world.rewrite()
    assert world.sides == ([before], [])


def test_conditions_are_alike_but_for_the_seed_and_the_prompt(world: World) -> None:
    world.rewrite()
    changes = [{"seed": 7}, {"prompt_sha256": REWRITTEN}, {"version": "2.0"}, {"max_ticks": 9}]
    for change in [{}, *changes]:
        world.run(PROMPTED.changed(**change))
    current = current_prompt(world.view, PROJECT)
    assert current is not None
    _, after = scores(world.view, PROJECT, current)
    strata = [run.stratum for run in after]
    assert strata[0] == strata[1] == strata[2]
    assert len({*strata}) == 3


def test_rules_that_are_back_are_not_judged_by_runs_of_their_first_time(world: World) -> None:
    # given a version that was taken back, and put in again
    world.rewrite()
    first = world.run(PROMPTED.changed(prompt_sha256=REWRITTEN))
    facts = {"file": "main.py", "diff": "", "by": "somebody", "reason": "asked for"}
    back = {"before_sha256": REWRITTEN, "after_sha256": AUTHORS}
    world.add(PromptRolledBack(version=2, of=1, parent=1, **back, **facts))
    again = {"before_sha256": AUTHORS, "after_sha256": REWRITTEN, "rules": (RULE,)}
    world.add(PromptRolledBack(version=3, of=2, parent=2, restores=1, **again, **facts))
    second = world.run(PROMPTED.changed(prompt_sha256=REWRITTEN))
    before, after = world.sides
    assert after == [second]
    assert first not in before
