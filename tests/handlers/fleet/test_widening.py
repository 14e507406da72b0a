"""The test of an offer: its pairs, its two errors, and what it says."""

from __future__ import annotations

import random

import pytest

from handlers.fleet.content import MOST_BYTES, decode, encode
from handlers.fleet.outcomes import gains
from handlers.fleet.widening import PULL_ERROR, WIDEN_ERROR, judge
from handlers.judge.monitor.sequential import RunScore
from store.errors import InputError
from store.events.prompt import RuleFact

RULE = RuleFact(line="- when fallen: stand_up", mode_id="fell@a", citations=("r:1-2",))


def run(phases: int, stratum: str = "") -> RunScore:
    return RunScore("r", success=phases == 2, phases_done=phases, stratum=stratum)


def test_runs_are_paired_with_the_newest_before_of_like_conditions() -> None:
    before = [run(2, "sim"), run(0, "sim"), run(2, "real")]
    after = [run(2, "sim"), run(1, "real"), run(0, "sim"), run(2, "sim"), run(2, "new")]
    # the first with the newest; a run without one of before it tells nothing
    assert gains(before, after) == [1.0, -1.0, -1.0]


def test_it_is_pulled_where_it_does_harm_and_widened_where_it_does_none() -> None:
    harm, none = {1: [-1.0] * 8, 2: [-1.0] * 4}, {1: [0.0] * 10, 2: [0.0] * 20}
    assert judge(harm, 2).decision == "pull"
    assert judge(none, 2).decision == "widen"
    assert "p = " in judge(none, 2).reason
    assert judge({}, 2).decision == "waiting"


def test_one_robot_does_not_speak_for_many() -> None:
    assert judge({1: [1.0] * 20}, 5).decision == "waiting"
    assert judge({1: [1.0] * 20, 2: [0.0], 3: [0.0]}, 5).decision == "widen"


def test_it_goes_on_after_all_have_it_and_is_not_widened_twice() -> None:
    assert judge({1: [0.0] * 30}, 1, widened=True).decision == "waiting"
    assert judge({1: [0.0] * 5, 2: [-1.0] * 30}, 1, widened=True).decision == "pull"


def test_it_is_pulled_where_every_robots_own_watch_took_it_back() -> None:
    one = judge({1: [-1.0]}, 5, up=1, back=1)
    assert one.decision == "waiting"
    both = judge({1: [-1.0], 2: [0.0]}, 5, up=2, back=2)
    assert (both.decision, both.reason[:30]) == ("pull", "each of the 2 robots that took")
    assert judge({1: [-1.0], 2: [0.0]}, 5, up=3, back=2).decision == "waiting"


def test_the_order_in_which_logs_come_changes_nothing() -> None:
    found = [1.0, -0.5, 0.0, 1.0, -1.0, 0.5]
    one = judge({1: found, 2: [0.5]}, 2)
    other = judge({1: [0.5], 2: found[::-1]}, 2)
    assert one.numbers() == pytest.approx(other.numbers())


@pytest.mark.parametrize(
    ("now", "wrong", "error"), [(0.35, "widen", WIDEN_ERROR), (0.6, "pull", PULL_ERROR)]
)
def test_its_errors_are_bounded_whenever_it_is_looked_at(now, wrong, error) -> None:
    """Drawn with a fixed seed; the bench draws 2,000 fleets of each kind."""
    drawn, fleets, count = random.Random(7), 40, 0
    for _ in range(fleets):
        pairs: dict[int, list[float]] = {robot: [] for robot in range(5)}
        decision = "waiting"
        for _ in range(20):
            for robot in pairs:
                pairs[robot].append(float((drawn.random() < now) - (drawn.random() < 0.6)))
            decision = judge(pairs, 5).decision
            if decision != "waiting":
                break
        count += decision == wrong
    assert count / fleets <= 2 * error


def test_an_offered_prompt_comes_back_as_it_was_offered() -> None:
    assert decode(encode([RULE])) == (RULE,)
    assert encode([RULE]) == encode([RuleFact.of_shape(RULE.as_shape())])


@pytest.mark.parametrize("line", ["* Be careful.", '~ "Walk slowly."'])
def test_free_text_is_not_offered(line) -> None:
    with pytest.raises(InputError, match="only rules can be offered"):
        encode([RULE, RuleFact(line=line, mode_id="x")])
    with pytest.raises(InputError, match="nothing to offer"):
        encode([])


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'[{"line": "* x", "mode_id": ""}]', b" " * MOST_BYTES + b"[]"]
)
def test_what_is_no_offered_prompt_is_refused(data) -> None:
    with pytest.raises(InputError, match="an offered prompt"):
        decode(data)
