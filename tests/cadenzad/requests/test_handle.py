"""What a request leads to: its events once, or one line why not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cadenzad.requests.handle import carry_out
from cadenzad.requests.inbox import PONG, Request
from store.errors import CadenzaError, InputError
from store.events.envelope import NewEvent, project_stream
from store.events.exports import RunExported
from store.events.files import ProjectDiscovered
from store.log import EventLog
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader
from store.writer import Writer

PROJECT = "/robots/rescue"


@pytest.fixture
def writer(home) -> Iterator[Writer]:
    home.begin_log()
    opened = open_writer(home.state)
    yield opened
    opened.close()


def exported(**changes: object) -> dict:
    event = RunExported(
        run_id="one",
        run_path=".cadenza-env/one.log.jsonl",
        source_sha256="a" * 64,
        output="/out.jsonl",
        output_sha256="b" * 64,
        manifest=None,
        format="jsonl",
        alignment="x",
        template_sha256="c" * 64,
        records=3,
        rejected=0,
        filtered=0,
        origin="manual",
    )
    return {"type": "RunExported", "data": event.as_shape() | changes}


def export_body(**changes: object) -> dict:
    requested = {"run_path": ".cadenza-env/one.log.jsonl", "reason": "test", "output": "/out.jsonl"}
    body = {"project": PROJECT, "requested": requested, "outcome": exported(), "named": True}
    return body | changes


JOB = {"kind": "selftest", "project": PROJECT, "spec": {}, "reason": "x"}
FILE = {"project": PROJECT, "path": "x", "kind": "run", "bytes": 1, "dev": 1, "ino": 1} | {
    "mtime_ns": 1
}


def test_a_ping_is_answered_and_is_no_history(home, writer) -> None:
    carry_out(Request("a", "ping", {}), writer)
    reader = connect_reader(home.state)
    assert State(reader).progress(PONG)["id"] == "a"
    assert EventLog(reader).head() == 0
    reader.close()


def test_an_export_by_hand_is_a_wish_and_its_outcome_once(home, writer) -> None:
    request = Request("a", "record-export", export_body())
    carry_out(request, writer)
    carry_out(request, writer)
    requested, done = home.events()
    assert (requested.type, done.type) == ("ExportRequested", "RunExported")
    assert (done.causation, done.correlation) == (requested.position, requested.position)
    assert done.stream == requested.stream == project_stream(PROJECT)


def test_an_export_by_hand_leaves_the_projects_own_export_alone(home, writer, tmp_path) -> None:
    file = {"path": "env.json", "dev": 1, "ino": 1, "size": 1, "mtime_ns": 1, "sha256": "a"}
    known = ProjectDiscovered.of_shape(
        {"name": "rescue", "path": PROJECT, "mission": "m", "robot": "go1", "phases": ["a"]}
        | {"file": file}
    )
    writer.append(NewEvent(project_stream(PROJECT), known))
    carry_out(Request("a", "record-export", export_body()), writer)
    reader = connect_reader(home.state)
    assert State(reader).exports(PROJECT) == []
    reader.close()


def test_a_rebuild_is_done_once(home, writer) -> None:
    request = Request("a", "rebuild", {"requested_by": "test"})
    carry_out(request, writer)
    carry_out(request, writer)
    assert home.types() == ["RebuildRequested", "ViewRebuilt"]
    assert home.events("ViewRebuilt")[0].event.same


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("dance", {}, "unknown kind 'dance'"),
        ("rebuild", {}, "no requested_by"),
        ("rebuild", {"requested_by": "\ud800"}, "surrogates"),
        ("record-export", {}, "no project"),
        ("record-export", export_body(project=7), "project: Input should be a valid string"),
        ("record-export", export_body(project="rescue"), "not an absolute path"),
        ("record-export", export_body(project="/\ud800"), "surrogates"),
        ("record-export", export_body(requested=None), "requested: Input should be"),
        ("record-export", export_body(requested={"run_path": "x"}), "field `reason`"),
        ("record-export", export_body(outcome=[]), "outcome: Input should be"),
        ("record-export", export_body(outcome={"type": "RunExported"}), "no outcome.data"),
        (
            "record-export",
            export_body(outcome={"type": "DaemonStopped", "data": {}}),
            "field `run_id`",
        ),
        ("record-export", export_body(outcome=exported(records="many")), "`$.records`"),
        ("record-export", export_body(outcome=exported(extra=1)), "field `extra`"),
        ("queue-job", {}, "no "),
        ("queue-job", {"project": "", "kind": "dance", "spec": {}, "reason": "x"}, "dance"),
        ("queue-job", {"project": "", "kind": "selftest", "spec": 7, "reason": "x"}, "spec: "),
        ("cancel-job", {"job": "x", "by": "me"}, "job: Input should be a valid integer"),
        ("cancel-job", {"job": 10**30, "by": "me"}, "int"),
        ("retry-job", {"job": float("inf"), "by": "me"}, "job: Input should be a valid integer"),
        ("pause", {"project": "/\ud800", "by": "me"}, "surrogates"),
        ("pause", {"project": "rescue", "by": "me"}, "'rescue' is not an absolute path"),
        ("pause", {"project": "/robots/../rescue", "by": "me"}, "its real path, which is '/resc"),
        ("resume", {"project": PROJECT, "by": "me"}, "is none that the log knows"),
        ("trust", {"project": PROJECT, "path": "a", "sha256": "b", "by": "me"}, "the log knows"),
        ("record-export", export_body(named=False), "is none that the log knows, nor was it named"),
        ("queue-job", JOB, "is none that the log knows, nor was it named"),
        ("queue-job", JOB | {"project": "rescue", "named": True}, "is not an absolute path"),
        ("queue-job", JOB | {"project": "/proc/self", "named": True}, "is not its real path"),
        ("prune", {"force": True, "files": [FILE]}, "'/robots/rescue' is none that the log knows"),
        ("pause", {"by": "me"}, "no project"),
    ],
)
def test_a_body_that_does_not_fit_is_one_line_and_no_event(
    home, writer, kind, body, reason
) -> None:
    with pytest.raises(CadenzaError) as caught:
        carry_out(Request("some-id", kind, body), writer)
    assert isinstance(caught.value, InputError)
    assert "some-id" in str(caught.value)
    assert reason in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert home.events() == []
    # and the writer goes on
    carry_out(Request("b", "rebuild", {"requested_by": "test"}), writer)
    assert home.types() == ["RebuildRequested", "ViewRebuilt"]
