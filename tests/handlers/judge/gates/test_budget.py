"""One error budget for a project's life, and no seed that decides twice."""

from __future__ import annotations

import numpy as np
import pytest

from handlers.judge.gates.betting import STAKES
from handlers.judge.gates.budget import ALPHA, SEEDS, next_budget, spendable
from store.reads.improvements import TrialsRow

REWRITES = 50
PAIRS = 500


def test_however_many_decisions_there_are_they_share_one_budget() -> None:
    spent = sum(spendable(decision) for decision in range(1, 10_001))
    assert spent < ALPHA
    assert ALPHA - spent == pytest.approx(ALPHA / 10_001)


def test_the_next_decision_is_counted_from_the_log() -> None:
    assert next_budget(TrialsRow(), 0, "x").decision == 1
    assert next_budget(TrialsRow(), 0, "x").level == ALPHA / 2
    later = next_budget(TrialsRow(7, 0.001, False), 7, "x")
    assert (later.decision, later.level, later.remark) == (8, spendable(8), "")


def test_a_decision_that_said_improved_passes_its_level_on() -> None:
    assert next_budget(TrialsRow(3, 0.004, True), 0, "x").level == spendable(4) + 0.004
    assert next_budget(TrialsRow(3, 0.004, False), 0, "x").level == spendable(4)


def test_a_lost_log_is_said_and_buys_no_new_budget() -> None:
    # given a log that knows of no trial, and versions on disk that tell of six
    budget = next_budget(TrialsRow(), 6, "x")
    assert (budget.decision, budget.level) == (7, spendable(7))
    assert budget.remark == (
        "the event log knows 0 earlier trials, the versions on disk 6: counted on from theirs"
    )


def test_no_seed_is_used_twice() -> None:
    seen = set[int]()
    for decision in range(200):
        for identity in ("this log", "another"):
            budget = next_budget(TrialsRow(decision), 0, identity)
            both = {*range(budget.first_seed, budget.first_seed + SEEDS)}
            both |= {*range(budget.search_seed, budget.search_seed + SEEDS)}
            assert len(both) == 2 * SEEDS
            first, last = min(both), max(both)
            assert 0 <= first <= last < 2**53
            assert not seen & {first, last}
            seen |= {first, last}
    # blocks begin at multiples of their size: two that share no end share nothing
    assert all((seed if seed % 2 == 0 else seed + 1) % (2 * SEEDS) == 0 for seed in seen)


# -- whole lives -----------------------------------------------------------------------------------


def ever_improved(gains: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Which rows of gains ever reach 1 / their level."""
    capital = np.ones((len(gains), len(STAKES)))
    stakes, reached = np.array(STAKES), np.zeros(len(gains), bool)
    for gain in gains.T:
        moved = gain != 0
        capital[moved] *= 1.0 + gain[moved, None] * stakes
        reached |= capital.mean(axis=1) >= 1 / levels
    return reached


def lives(count: int, draw, helps=lambda _rewrite: False) -> float:
    """The share of lives in which a rewrite that does not help is called improved."""
    rng = np.random.default_rng(29)
    level_before, said_before = np.zeros(count), np.zeros(count, bool)
    wrong = np.zeros(count, bool)
    for rewrite in range(1, REWRITES + 1):
        levels = spendable(rewrite) + np.where(said_before, level_before, 0.0)
        good = helps(rewrite)
        gains = draw(rng, count) if not good else brains(rng, count, 0.3, 0.7)
        said_before, level_before = ever_improved(gains, levels), levels
        wrong |= said_before & (not good)
    return float(wrong.mean())


def brains(rng: np.random.Generator, count: int, old: float, new: float) -> np.ndarray:
    """Gains of pairs that both succeed by chance, each with its probability."""
    before, after = (rng.random((count, PAIRS)) < share for share in (old, new))
    return after.astype(np.int8) - before.astype(np.int8)


def lucky(rng: np.random.Generator, count: int) -> np.ndarray:
    """Wins a phase nine times out of eleven, and loses all there is the other two: no gain."""
    return rng.choice([-1.0, 2 / 9], size=(count, PAIRS), p=[2 / 11, 9 / 11])


KINDS = {
    "random brains": lambda rng, count: brains(rng, count, 0.5, 0.5),
    "brains that seldom succeed": lambda rng, count: brains(rng, count, 0.05, 0.05),
    "lucky brains": lucky,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "count", [300, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(3600)])]
)
def test_of_lives_of_fifty_rewrites_few_are_ever_told_a_falsehood(count: int, kind: str) -> None:
    share = lives(count, KINDS[kind])
    print(f"{kind}: {share:.2%} of {count} lives of {REWRITES} neutral rewrites")
    assert share <= ALPHA + (0 if count == 10_000 else 3 * (ALPHA * (1 - ALPHA) / count) ** 0.5)


def test_good_rewrites_between_them_do_not_raise_it() -> None:
    """What a rewrite that helps passes on is spent on those that do not."""
    share = lives(300, KINDS["random brains"], helps=lambda rewrite: rewrite % 2 == 1)
    print(f"every other rewrite helps: {share:.2%} of 300 lives")
    assert share <= ALPHA + 3 * (ALPHA * (1 - ALPHA) / 300) ** 0.5


@pytest.mark.parametrize("decision", [1, 10, 50])
@pytest.mark.parametrize(("old", "new"), [(0.5, 0.7), (0.2, 0.4), (0.7, 0.9)])
def test_twenty_points_are_seen_in_four_of_five_trials(
    decision: int, old: float, new: float
) -> None:
    gains = brains(np.random.default_rng(decision), 1000, old, new)
    found = float(ever_improved(gains, np.full(1000, spendable(decision))).mean())
    print(f"decision {decision}, {old} -> {new}: {found:.0%} within {PAIRS} pairs")
    assert found >= 0.8
