"""What slow work says of how far it is, for programs and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cadenzad.progress import said_of, share_of, span, with_eta


def test_the_time_left_of_a_step_follows_from_the_time_it_took() -> None:
    told: list[Mapping[str, Any]] = []
    now = [100.0]
    report = with_eta(told.append, lambda: now[0])
    for step, done, at in (("a", 0, 100.0), ("a", 2, 103.0), ("b", 5, 110.0), ("b", 6, 114.0)):
        now[0] = at
        report({"step": step, "done": done, "total": 10})
    report({"step": "c"})
    assert [values.get("eta_s") for values in told] == [None, 12.0, None, 16.0, None]


def test_a_job_that_knows_better_how_long_it_takes_is_believed() -> None:
    told: list[Mapping[str, Any]] = []
    report = with_eta(told.append)
    for done in (1, 2):
        report({"step": "trial", "done": done, "total": 4, "eta_s": 900.0})
    assert [values["eta_s"] for values in told] == [900.0, 900.0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (None, ""),
        ({}, ""),
        ({"step": "mining"}, "mining"),
        ({"step": "training", "done": 3, "total": 12}, "training 3 of 12"),
        (
            {"step": "training", "done": 3, "total": 12, "eta_s": 200.4, "loss": 0.12},
            "training 3 of 12, 3 min 20 s left, loss 0.12",
        ),
        ({"epoch": 1, "loss": 0.5}, "epoch 1, loss 0.5"),
        ({"done": 0, "total": 0}, ""),
    ],
)
def test_progress_in_words(values, said) -> None:
    assert said_of(values) == said


def test_a_share_is_never_more_than_all() -> None:
    assert share_of({"done": 7, "total": 5}) == (5, 5)
    assert share_of({"done": "7", "total": 5}) is None


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (7505, "2 h 5 min")]
)
def test_a_span_in_words(seconds, said) -> None:
    assert span(seconds) == said
