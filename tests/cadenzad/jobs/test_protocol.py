"""What a child says comes back as it was said; what is no message is named."""

from __future__ import annotations

import pytest

from cadenzad.jobs.protocol import (
    Ask,
    Beat,
    Began,
    Done,
    Enough,
    Failed,
    Progress,
    ProtocolError,
    PutBack,
    decode,
    encode,
)
from store.events.process import WatchRestored

FOUND = (WatchRestored(code="x"),)


@pytest.mark.parametrize(
    "message",
    [
        Beat(3),
        Progress({"epoch": 1, "step": "training"}),
        Done("done"),
        Done("done", FOUND, once=True),
        Failed("no"),
        Failed("no", permanent=True, after_s=1.5, events=FOUND),
        Began("a node"),
        PutBack("nobody is there"),
        Ask("module:function", ({"seed": 1},), ("env.json",)),
        Ask("module:function", ({"log": "a"},), ("env.json",), (("a.log.jsonl",),)),
        Enough(),
    ],
)
def test_a_message_is_one_line_and_comes_back(message) -> None:
    line = encode(message)
    assert "\n" not in line
    assert decode(line.encode()) == message


def test_a_newer_childs_message_is_passed_by() -> None:
    assert decode(b'{"telemetry": 1}') is None


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"[1]",
        b'{"done": {}}',
        b'{"done": {"events": [{"type": "NoSuch", "data": {}}], "summary": ""}}',
        b'{"done": {"events": [{"type": "WatchRestored", "data": {"no": 1}}], "summary": ""}}',
        b'{"failed": {"error": "x", "permanent": false, "after": "soon"}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_says_why(line: bytes) -> None:
    with pytest.raises(ProtocolError) as error:
        decode(line)
    assert error.value.cause is not None
