"""Goal -> actions rows: used whole or named."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from handlers.project.formats.examples import Example, Step, iter_examples, read_examples
from handlers.project.library import library_for
from store import identity
from store.identity import Prefix

GO1 = library_for("go1", None, ["signal_found"])


def dump(*rows: Any) -> bytes:
    return b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in rows)


def row(goal: Any = "sit down", actions: Any = None, **more: Any) -> dict[str, Any]:
    return {"goal": goal, "actions": [{"action": "sit"}] if actions is None else actions, **more}


def test_rows_become_examples_in_order() -> None:
    # given rows with notes, an image, and a parameter that changes nothing
    actions = [
        {"action": "walk_forward", "speed": 1.5, "distance_m": 1.0, "rotation_rad": 0.0},
        {"action": "signal_found"},
    ]
    data = dump(row(), b"", row(" go ", actions, source="env", image="a.png", gid=3, notes="x"))

    # when they are iterated over
    first, second = iter_examples(io.BytesIO(data), GO1)

    # then each has what can be trained on, and its line
    assert first == Example("sit down", (Step("sit", {}),), None, None, 1)
    assert (second.goal, second.source, second.image, second.line) == ("go", "env", "a.png", 3)
    assert second.actions[0] == Step("walk_forward", {"speed": 1.5, "distance_m": 1.0})
    assert [step.as_json() for step in second.actions] == [
        {"action": "walk_forward", "speed": 1.5, "distance_m": 1.0},
        {"action": "signal_found"},
    ]


BAD = [
    (row(goal=""), "no goal"),
    (row(goal="  "), "no goal"),
    ({"actions": [{"action": "sit"}]}, "no goal"),
    (row(goal=7), "goal must be text, not 7"),
    (row(actions=[]), "no actions"),
    (row(actions="sit"), "no actions"),
    (row(actions=["sit"]), "action 1 must be an object { ... }, not 'sit'"),
    (
        row(actions=[{"action": "sit"}, {"action": "wolk_forward"}]),
        "action 2: go1 has no action 'wolk_forward'; did you mean 'walk_forward'?",
    ),
    (
        row(actions=[{"action": "walk_forward", "distance_m": 50}]),
        "action 1: walk_forward: distance_m must be 0 to 20, not 50",
    ),
    (row(source=3), "source must be text, not 3"),
    (b"[1]", "expected an object { ... }, not a list"),
    (b'{"goal": "\xff"}', "not UTF-8 text at column 11"),
    (
        b'{"goal": "go", "actions": [{"action": "walk_forward", "distance_m": NaN}]}',
        "action 1: walk_forward: distance_m must be a finite number of ordinary size",
    ),
]


def test_rows_that_cannot_be_used_are_named_and_counted() -> None:
    # given good rows around every kind of bad one
    data = dump(row(), *(content for content, _ in BAD), row(), b"")

    # when the file is read
    summary = read_examples(io.BytesIO(data), GO1)

    # then the good ones count and each bad one has its line and reason
    assert (summary.rows, summary.rejected, summary.counts.blank) == (2, len(BAD), 1)
    assert [(problem.line, problem.reason) for problem in summary.problems] == [
        (line, reason) for line, (_, reason) in enumerate(BAD, 2)
    ]
    assert (summary.size, summary.digest) == (len(data), identity.of(data))

    # and iterating gives the same verdict on each line
    rejected: list[tuple[int, str]] = []
    usable = list(
        iter_examples(io.BytesIO(data), GO1, rejected=lambda *told: rejected.append(told))
    )
    assert [example.line for example in usable] == [1, len(BAD) + 2]
    assert rejected == [(problem.line, problem.reason) for problem in summary.problems]


def test_a_row_that_is_still_being_written_waits() -> None:
    # given a file with a torn last row
    data = dump(row(), row())
    torn = data + b'{"goal": "sit'

    # when it is read, then that row is neither used nor rejected
    summary = read_examples(io.BytesIO(torn), GO1, prior=Prefix(len(dump(row()))))
    assert (summary.rows, summary.rejected, summary.size) == (2, 0, len(data))
    assert summary.torn_tail
    assert summary.prior_digest == identity.of(dump(row()))

    # and a last row that only lacks its newline is used
    assert read_examples(io.BytesIO(data[:-1]), GO1).rows == 2


@pytest.mark.parametrize(("name", "rows"), [("train", 256), ("scan_train", 2000)])
def test_recorded_goals_are_all_usable(recorded: Any, name: str, rows: int) -> None:
    with (recorded / "goals" / f"{name}.jsonl").open("rb") as stream:
        summary = read_examples(stream, GO1)
    assert (summary.rows, summary.rejected) == (rows, 0)
