"""Bets on bounded differences: fair, whatever the stakes, and whenever one looks."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest

from handlers.judge.gates.betting import STAKES, Bets, capital, least_pairs

LEVELS = (0.05, 0.025, 0.001)


def bet(*differences: float) -> Bets:
    bets = Bets()
    for difference in differences:
        bets.add(difference)
    return bets


def peaks(differences: np.ndarray) -> np.ndarray:
    """The highest e-value of each row of differences: the same, for many at once."""
    capital = np.cumsum(np.log1p(differences[:, :, None] * np.array(STAKES)), axis=1)
    return np.maximum(1.0, np.exp(capital).mean(axis=2).max(axis=1))


def test_many_at_once_are_what_each_is_alone() -> None:
    drawn = np.random.default_rng(3).choice([-1.0, -0.5, 0.0, 0.5, 1.0], size=(50, 40))
    alone = [bet(*map(float, row)).peak for row in drawn]
    assert peaks(drawn) == pytest.approx(alone)


def test_no_one_can_expect_to_win_against_a_fair_coin() -> None:
    """Over all 1,024 sequences of ten coins the capital is 1 on average."""
    values = [bet(*coins).value for coins in product((-1.0, 1.0), repeat=10)]
    assert sum(values) / len(values) == pytest.approx(1.0)


def test_ties_are_no_evidence() -> None:
    assert bet(0.0, 0.0, 0.0).value == 1.0
    assert bet(0.5, 0.0, 0.5, 0.0).value == bet(0.5, 0.5).value


def test_what_was_shown_once_stays_shown() -> None:
    bets = bet(*[1.0] * 9)
    assert bets.shows(0.025)
    for _ in range(9):
        bets.add(-1.0)
    assert bets.value < 1 < 40 < bets.peak
    assert bets.shows(0.025)


def test_only_what_lies_within_the_bounds_can_be_bet_on() -> None:
    with pytest.raises(ValueError, match=r"1\.5 is not in"):
        Bets().add(1.5)


@pytest.mark.parametrize(("level", "least"), [(0.5, 2), (0.025, 8), (0.05 / 2550, 19)])
def test_how_many_pairs_it_takes_at_least(level: float, least: int) -> None:
    assert least_pairs(level) == least
    assert bet(*[1.0] * least).shows(level)
    assert not bet(*[1.0] * (least - 1)).shows(level)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, shape: rng.choice([-1.0, 1.0], shape),
        lambda rng, shape: rng.choice([-1.0, 0.0, 0.0, 1.0], shape),
        # no better on average, though it wins four pairs of five
        lambda rng, shape: rng.choice([-1.0, 0.25, 0.25, 0.25, 0.25], shape),
        lambda rng, shape: rng.uniform(-1.0, 1.0, shape),
    ],
    ids=["coin", "ties", "often a little, seldom much", "uniform"],
)
def test_looking_after_every_pair_does_not_raise_the_error(draw) -> None:
    # given 2,000 sequences of 200 differences without a mean, looked at 200 times each
    reached = peaks(draw(np.random.default_rng(11), (2000, 200)))
    for level in LEVELS:
        share = float((reached >= 1 / level).mean())
        print(f"level {level}: {share:.2%} of sequences ever reach it")
        assert share <= level + 3 * (level * (1 - level) / 2000) ** 0.5


def test_the_capital_of_counted_differences_is_that_of_a_gambler_who_met_them() -> None:
    met = [1.0, -0.5, -0.5, 0.0, 0.25, 1.0]
    bets = Bets()
    for difference in met:
        bets.add(difference)
    assert capital(Counter(met)) == pytest.approx(bets.value)
    with pytest.raises(ValueError, match="not in"):
        capital({1.5: 1})
