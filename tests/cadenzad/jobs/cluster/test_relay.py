"""What a child asks for is computed by others, or by itself when nobody is there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from checkout import ROOT

from cadenzad.jobs.cluster.parts import computed
from cadenzad.jobs.cluster.relay import Relay
from cadenzad.jobs.protocol import Ask, Beat, encode

CHILD = """
import sys
print({ask!r}, flush=True)
print({beat!r}, flush=True)
for _ in range(2): print('{{"progress": ' + sys.stdin.readline().strip() + '}}', flush=True)
"""


class Answers:
    """A spreader that has an answer for each part."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.left: list[Mapping[str, Any]] = []

    @property
    def is_busy(self) -> bool:
        return bool(self.left)

    def begin(self, ask: Ask) -> None:
        self.asked.append(ask)
        self.left = [{"value": part["seed"]} for part in ask.parts]

    def drop(self) -> None:
        self.left = []

    def answers(self) -> Iterator[Mapping[str, Any]]:
        while self.left:
            yield self.left.pop(0)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    ask = encode(Ask("m:f", ({"seed": 1}, {"seed": 2}), ("env.json",)))
    code = CHILD.format(ask=ask, beat=encode(Beat(1)))
    words = [sys.executable, "-c", code]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        yield process
        process.kill()


def lines_of(relay: Relay) -> list[Any]:
    found: list[Any] = []
    while relay.code is None:
        found += map(json.loads, relay.turn(5.0))
    return found


def test_parts_are_answered_and_all_else_is_passed_on(child: subprocess.Popen[bytes]) -> None:
    answers = Answers()
    said = lines_of(Relay(child, answers))  # type: ignore[arg-type]
    assert said == [{"beat": 1}, {"progress": {"value": 1}}, {"progress": {"value": 2}}]
    (asked,) = answers.asked
    assert (asked.function, asked.files) == ("m:f", ("env.json",))


ENOUGH = """
import sys
from cadenzad.jobs.child.__main__ import _ByParent
from cadenzad.jobs.child.telling import Lines
from cadenzad.jobs.protocol import Progress
line = Lines(sys.stdout)
elsewhere = _ByParent(line, 2)
for number in (1, 5):  # of three parts, the first is enough
    found = elsewhere.map("m:f", [{"seed": number + more} for more in range(3)], [])
    line.send(Progress({"value": next(found)}))
    found.close()
"""


def test_who_has_enough_gets_no_answers_to_what_was_asked_before() -> None:
    words = [sys.executable, "-c", ENOUGH]
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        said = lines_of(Relay(process, Answers()))  # type: ignore[arg-type]
    assert said == [{"progress": {"value": 1}}, {"progress": {"value": 5}}]


def test_without_others_the_child_is_told_so(child: subprocess.Popen[bytes]) -> None:
    relay = Relay(child, None)
    said: list[Any] = []
    while len(said) < 2:
        said += map(json.loads, relay.turn(5.0))
    assert "declined" in said[1]["progress"]


def test_a_function_that_is_no_part_is_refused() -> None:
    assert computed("os:system", [], b"", '"true"') == ("os:system: is no part of a job", "")
