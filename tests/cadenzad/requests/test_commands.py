"""Commands as they travel: the JSON of the inbox stays what it was, whoever wrote it."""

from __future__ import annotations

import pytest

from cadenzad.maintenance.candidate import Candidate
from cadenzad.requests.commands import (
    KINDS,
    CancelJob,
    Command,
    Outcome,
    Pause,
    Ping,
    Prune,
    QueueJob,
    Rebuild,
    RecordExport,
    Resume,
    RetryJob,
    Trust,
    new_request,
)
from cadenzad.requests.decode import decode
from cadenzad.requests.inbox import Request, read, send
from store.errors import InputError

FILE = {
    "project": "/robots/rescue",
    "path": "x.log.jsonl",
    "kind": "run",
    "bytes": 1,
    "dev": 2,
    "ino": 3,
    "mtime_ns": 4,
    "sha256": None,
    "of": "",
}
WRITTEN: list[tuple[Command, str, dict[str, object]]] = [
    (Ping(), "ping", {}),
    (Rebuild("me"), "rebuild", {"requested_by": "me"}),
    (
        RecordExport("/p", {"reason": "x"}, Outcome("RunExported", {"records": 3})),
        "record-export",
        {
            "project": "/p",
            "requested": {"reason": "x"},
            "outcome": {"type": "RunExported", "data": {"records": 3}},
            "named": False,
        },
    ),
    (
        QueueJob("judge", "/p", {"by": "me"}, "x", instead=True),
        "queue-job",
        {
            "kind": "judge",
            "project": "/p",
            "spec": {"by": "me"},
            "reason": "x",
            "instead": True,
            "with_files": False,
            "named": False,
        },
    ),
    (CancelJob(7, "me"), "cancel-job", {"job": 7, "by": "me"}),
    (RetryJob(7, "me"), "retry-job", {"job": 7, "by": "me"}),
    (Pause("/p", "me"), "pause", {"project": "/p", "by": "me"}),
    (Resume("/p", "me"), "resume", {"project": "/p", "by": "me"}),
    (
        Trust("/p", "main.py", "s", "me", ("main.py", "b.py")),
        "trust",
        {
            "project": "/p",
            "path": "main.py",
            "sha256": "s",
            "by": "me",
            "files": ["main.py", "b.py"],
            "named": False,
        },
    ),
    (Prune(False, (Candidate(**FILE),)), "prune", {"force": False, "files": [FILE]}),
]


def test_every_kind_is_here() -> None:
    assert {kind for _, kind, _ in WRITTEN} == set(KINDS)


@pytest.mark.parametrize(("command", "kind", "body"), WRITTEN, ids=[kind for _, kind, _ in WRITTEN])
def test_what_is_written_is_what_is_read(home, command, kind, body) -> None:
    request = read(send(home.state, new_request(command)))
    assert (request.kind, request.body) == (kind, body)
    assert decode(request) == command


@pytest.mark.parametrize(
    ("kind", "body", "command"),
    [
        (
            "trust",
            {"project": "/p", "path": "main.py", "sha256": "s", "by": "me"},
            Trust("/p", "main.py", "s", "me"),
        ),
        (
            "queue-job",
            {"kind": "selftest", "project": "", "spec": {}, "reason": "x"},
            QueueJob("selftest", "", {}, "x"),
        ),
        ("pause", {"project": "/p", "by": "me", "until": "tomorrow"}, Pause("/p", "me")),
    ],
    ids=["no files", "no instead", "a field of a later version"],
)
def test_another_versions_command_is_understood(kind, body, command) -> None:
    assert decode(Request("a", kind, body)) == command


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("cancel-job", {"job": "7", "by": "me"}),
        ("cancel-job", {"job": 7.0, "by": "me"}),
        ("cancel-job", {"job": True, "by": "me"}),
        ("pause", {"project": "/p", "by": None}),
        ("prune", {"force": 1, "files": []}),
        ("prune", {"force": True, "files": [FILE | {"kind": "prompt"}]}),
        ("queue-job", {"kind": "judge", "project": "/p", "spec": [], "reason": "x"}),
    ],
)
def test_types_are_not_guessed(kind, body) -> None:
    with pytest.raises(InputError, match=r"^request a \("):
        decode(Request("a", kind, body))
