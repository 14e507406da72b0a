"""When the daemon trains: on what an adapter is made of, once it is quiet, and never unasked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from handlers.jobs import Debounce
from handlers.lora.reactions import retrain_on_data, take_adapter_offers
from handlers.reactions import ReactionPolicy, Tools
from store.events.adapter import CodeTrusted, RetrainRequested
from store.events.base import Event
from store.events.envelope import Recorded, project_stream
from store.events.files import (
    ExamplesRecorded,
    FileFact,
    FileRemoved,
    ProjectChanged,
    ProjectDiscovered,
    ProjectPaused,
    ProjectResumed,
)
from store.events.fleet import OfferDeclined, OfferReceived, OfferWithdrawn
from store.events.process import JobPostponed, JobQueued
from store.reads.state import State
from store.schema import memory_view
from store.views import fold

PROJECT = "/robots/rescue"
SECOND = 1_000_000
PATIENT = ReactionPolicy(retrain=True, retrain_wait=Debounce(debounce=60, max_wait=600))


class Bench:
    """A view in memory, and events put into it by hand."""

    def __init__(self) -> None:
        self.view = memory_view()
        self.view.execute("CREATE TABLE events (position INTEGER, recorded_at_us INTEGER)")
        self.position = 0
        self.now_us = 1000 * SECOND

    def record(self, event: Event) -> Recorded:
        self.position += 1
        stream = project_stream(PROJECT)
        at = self.position
        record = Recorded(at, stream, at, event, None, at, self.now_us)
        self.view.execute("INSERT INTO events VALUES (?, ?)", (at, self.now_us))
        fold(self.view, [record])
        return record

    def react(
        self, event: Event, policy: ReactionPolicy = PATIENT, late_s: float = 0
    ) -> list[Event]:
        """What follows from an event that is handled `late_s` after it was recorded."""
        recorded = self.record(event)
        tools = Tools(
            policy=lambda project: policy if project == PROJECT else ReactionPolicy(),
            now_us=lambda: self.now_us + int(late_s * SECOND),
        )
        made = list(retrain_on_data(recorded, State(self.view), tools))
        for follows in made:
            self.record(follows)
        return made


def fact(path: str) -> FileFact:
    return FileFact(path=path, dev=1, ino=1, size=1, mtime_ns=1, sha256="a" * 64, revision=1)


def examples(rows: int = 3, split: str = "train", path: str = "lora/patterns.jsonl") -> Event:
    return ExamplesRecorded.of_shape({"file": fact(path), "split": split, "rows": rows})


def mission(kind: type[ProjectDiscovered] | type[ProjectChanged]) -> Event:
    facts = {"name": "rescue", "path": PROJECT, "mission": "m", "robot": "go1", "phases": ("a",)}
    more = {"previous_sha256": "0" * 64} if kind is ProjectChanged else {}
    return kind.of_shape({**facts, "file": fact("env.json"), **more})


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    with closing(made.view):
        made.record(mission(ProjectDiscovered))
        yield made


@pytest.fixture
def taught(bench: Bench) -> Bench:
    """A project that has examples already."""
    bench.record(examples())
    return bench


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (examples(), "lora/patterns.jsonl: 3 train rows"),
        (examples(2, "exam", "lora/eval.jsonl"), "lora/eval.jsonl: 2 exam rows"),
        (FileRemoved(path="lora/eval.jsonl", kind="exam"), "lora/eval.jsonl was removed"),
        (mission(ProjectChanged), "env.json changed"),
        (ProjectResumed(by="test"), "the project was resumed"),
    ],
)
def test_what_an_adapter_is_made_of_asks_for_a_training(
    event: Event, reason: str, taught: Bench
) -> None:
    asked, queued = taught.react(event)
    assert asked == RetrainRequested(reason=reason)
    assert isinstance(queued, JobQueued)
    assert (queued.kind, queued.project, queued.reason) == ("retrain", PROJECT, reason)
    assert queued.spec == {"by": "cadenzad", "gate": True}
    assert queued.not_before_us == taught.now_us + 60 * SECOND


@pytest.mark.parametrize("kind", ["run", "unknown", "config"])
def test_a_file_that_no_adapter_is_made_of_asks_for_none(kind: str, taught: Bench) -> None:
    assert taught.react(FileRemoved.of_shape({"path": "x", "kind": kind})) == []


def test_without_an_example_there_is_nothing_to_train(bench: Bench) -> None:
    assert bench.react(examples(2, "exam", "lora/eval.jsonl")) == []
    assert bench.react(mission(ProjectChanged)) == []
    assert len(bench.react(examples())) == 2


def test_the_last_examples_going_away_asks_for_none(taught: Bench) -> None:
    assert taught.react(FileRemoved(path="lora/patterns.jsonl", kind="examples")) == []


def test_who_does_not_want_it_gets_none(taught: Bench) -> None:
    assert taught.react(examples(), ReactionPolicy(retrain=False)) == []


def test_a_paused_project_is_left_alone_until_it_is_resumed(taught: Bench) -> None:
    taught.record(ProjectPaused(by="test"))
    assert taught.react(examples()) == []
    assert taught.react(mission(ProjectChanged)) == []
    assert len(taught.react(ProjectResumed(by="test"))) == 2


def test_many_changes_make_one_job_that_waits_for_quiet(taught: Bench) -> None:
    # given a job that waits
    (_, queued) = taught.react(examples())
    assert isinstance(queued, JobQueued)
    # when more comes at once, nothing is said; when it is nearly due, it is postponed
    assert taught.react(examples()) == []
    taught.now_us += 40 * SECOND
    (postponed,) = taught.react(examples())
    assert isinstance(postponed, JobPostponed)
    assert postponed.not_before_us == taught.now_us + 60 * SECOND


def test_a_job_is_not_postponed_for_ever(taught: Bench) -> None:
    begin = taught.now_us
    taught.react(examples())
    made: list[Event] = []
    for _ in range(40):
        taught.now_us += 40 * SECOND
        made += taught.react(examples())
    assert made
    assert all(isinstance(event, JobPostponed) for event in made)
    latest = max(event.not_before_us for event in made if isinstance(event, JobPostponed))
    assert begin + 540 * SECOND < latest <= begin + 600 * SECOND


def test_where_nobody_waits_it_is_due_at_once(taught: Bench) -> None:
    (_, queued) = taught.react(examples(), ReactionPolicy(retrain=True))
    assert isinstance(queued, JobQueued)
    assert queued.not_before_us == 0


def test_an_old_event_does_not_take_the_quiet_of_then_for_that_of_today(taught: Bench) -> None:
    (_, queued) = taught.react(examples(), late_s=3600)
    assert isinstance(queued, JobQueued)
    assert queued.not_before_us == taught.now_us + 3660 * SECOND


def test_an_encoder_that_is_trusted_is_trained_with(taught: Bench) -> None:
    (_, queued) = taught.react(CodeTrusted(path="lora_encoder.py", sha256="0" * 64, by="test"))
    assert isinstance(queued, JobQueued)
    assert "lora_encoder.py is trusted" in queued.reason
    assert taught.react(CodeTrusted(path="main.py", sha256="0" * 64, by="test")) == []


# -- offers ----------------------------------------------------------------------------------------


def offer(name: str, kind: str = "adapter") -> OfferReceived:
    facts = {"offer": name, "kind": kind, "content": "c", "robot": "ada", "version": 3}
    return OfferReceived.of_shape(facts)


def taken(bench: Bench, event: Event) -> list[str]:
    """Why a job is queued, for each that is."""
    found = take_adapter_offers(bench.record(event), State(bench.view), Tools())
    return [follows.reason for follows in found if isinstance(follows, JobQueued)]


def test_an_offered_adapter_is_looked_at_and_one_after_the_other(bench: Bench) -> None:
    assert taken(bench, offer("a prompt", "prompt")) == []
    assert taken(bench, offer("first")) == ["offer first"]
    assert taken(bench, offer("second")) == ["offer first"]
    assert taken(bench, OfferDeclined(offer="first", reason="no")) == ["offer second"]
    assert taken(bench, OfferWithdrawn(offer="second", reason="no")) == []


def test_a_paused_project_looks_at_no_offer_until_it_is_resumed(bench: Bench) -> None:
    bench.record(ProjectPaused(by="me"))
    assert taken(bench, offer("first")) == []
    assert taken(bench, ProjectResumed(by="me")) == ["offer first"]
