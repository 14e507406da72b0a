"""What pairs say together: gains, harm, and when no further pair is worth driving."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from handlers.judge.gates.tally import FUTILE_TIES, HARM, Drive, Tally, Verdict, gain

PHASES = ("a", "b", "c")
LEVEL = 0.025


def drive(*phases: str, success: bool = False, falls: int = 0, reached: int = 1) -> Drive:
    return Drive(0, success, phases, falls, reached)


def tally(pairs: Iterable[tuple[Drive, Drive]], level: float = LEVEL) -> Tally:
    """Pairs until they are decided."""
    made = Tally(level, PHASES)
    for before, after in pairs:
        made.add(before, after)
        if made.decided is not None:
            break
    return made


WON = (drive(), drive("a", success=True))
LOST = WON[::-1]
TIED = (drive("a"), drive("a"))


@pytest.mark.parametrize(
    ("before", "after", "gained"),
    [
        (drive(), drive("a"), 0.5),
        (drive("a", "b"), drive("a", "b", success=True), 0.5),
        (drive("a", "b"), drive("a", "b", "c", success=True), 1.0),
        (drive(), drive("a", "b", "c", success=True), 1.0),
        (drive("a", "b", "c", success=True), drive(), -1.0),
        (drive("a"), drive("b"), 0.0),
        (drive("a", falls=3), drive("a"), 0.0),
    ],
)
def test_a_gain_is_in_phases_and_success_two_at_most(
    before: Drive, after: Drive, gained: float
) -> None:
    assert gain(before, after) == gained


@pytest.mark.parametrize(
    ("pairs", "verdict", "after"),
    [
        ([WON] * 60, "improved", 8),
        ([WON, LOST] + [WON] * 60, "improved", 12),
        ([(drive(), drive("a"))] * 60, "improved", 13),
        ([LOST] * 60, "not_improved", 4),
        ([TIED] * 60, "not_improved", FUTILE_TIES),
        ([WON, LOST] * 400, "not_improved", 780),
        ([WON] * 7, None, 7),
        ([], None, 0),
    ],
)
def test_what_the_pairs_say_and_when(
    pairs: list[tuple[Drive, Drive]], verdict: Verdict | None, after: int
) -> None:
    made = tally(pairs)
    assert made.decided == verdict
    assert made.pairs == after


def test_a_level_that_is_smaller_takes_more_pairs() -> None:
    assert tally([WON] * 60, level=0.05 / 2550).pairs == 19


def test_ties_that_are_not_equal_are_no_reason_to_give_up_at_once() -> None:
    assert tally([(drive("a", falls=1), drive("a"))] * FUTILE_TIES).decided is None


# -- harm ------------------------------------------------------------------------------------------


def test_getting_further_may_bring_more_falls_but_no_more_of_them_per_phase() -> None:
    """Phases 12 -> 21 and falls 5 -> 8 were once called worse, by counting falls raw."""
    before, after = drive("a", falls=1, reached=2), drive("a", "b", falls=1, reached=3)
    made = tally([(before, after)] * 60)
    assert made.decided == "improved"
    numbers = made.numbers()
    assert numbers["falls_after"] == numbers["falls_before"]
    assert numbers["fall_rate_after"] < numbers["fall_rate_before"]


def test_falling_more_often_in_the_same_phases_is_harm() -> None:
    made = tally([(drive("a", reached=2), drive("a", falls=4, reached=2))] * 60)
    assert (made.decided, made.harm) == ("worse", "falls per phase reached are more frequent")


def test_a_phase_that_is_lost_is_harm_whatever_is_won_for_it() -> None:
    made = Tally(LEVEL, PHASES)
    while made.decided is None:
        made.add(drive("a"), drive("b"))
    assert made.harm == "phase a is done less often"


def test_chance_alone_is_seldom_harm() -> None:
    draw, count, alarms = Random(13), 400, 0

    def drawn() -> Drive:
        phases = PHASES[: draw.randrange(4)]
        reached = min(3, len(phases) + 1)
        return drive(*phases, falls=draw.randrange(3), reached=reached, success=len(phases) == 3)

    for _ in range(count):
        alarms += tally(((drawn(), drawn()) for _ in range(60)), level=1e-9).decided == "worse"
    print(f"{alarms} of {count} rewrites that change nothing are called worse")
    assert alarms / count <= HARM + 3 * (HARM * (1 - HARM) / count) ** 0.5


def test_a_gain_worth_having_is_seldom_given_up() -> None:
    # given rewrites that win twenty points, with the smallest level of fifty trials
    draw, count, given_up = Random(17), 100, 0

    def drawn(share: float) -> Drive:
        done = draw.random() < share
        return drive(*["a"] * done, success=done)

    for _ in range(count):
        made = tally(((drawn(0.5), drawn(0.7)) for _ in range(400)), level=0.05 / 2550)
        given_up += made.decided == "not_improved"
    print(f"{given_up} of {count} are given up")
    assert given_up <= 15


def test_the_numbers_are_what_the_words_say() -> None:
    made = tally([WON, LOST, TIED])
    assert made.detail() == (
        "1 pairs won, 1 lost, 1 tied; phases done 2 -> 2, falls per phase reached 0.00 -> 0.00"
    )
    numbers = made.numbers()
    assert (numbers["pairs"], numbers["won"], numbers["lost"], numbers["tied"]) == (3, 1, 1, 1)
    assert (numbers["succeeded_before"], numbers["succeeded_after"]) == (1, 1)
    assert numbers["needed"] == 40
