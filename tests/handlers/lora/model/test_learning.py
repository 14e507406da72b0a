"""The parts of learning: confidence, familiarity, other ways to say a goal."""

from __future__ import annotations

from random import Random

import pytest

from handlers.lora.model.answers.directions import WAYS
from handlers.lora.model.learning.augment import OPENINGS, view
from handlers.lora.model.learning.confidence import confidence, fit_curve
from handlers.lora.model.learning.familiarity import RIDGE, familiarity, fit_probe, threshold

torch = pytest.importorskip("torch")


def test_confidence_is_how_often_such_scores_were_right() -> None:
    draw = Random(3)
    scores = [draw.random() for _ in range(4000)]
    right = [draw.random() < score**2 for score in scores]
    curve = fit_curve(scores, right)
    assert [share for _, share in curve] == sorted(share for _, share in curve)
    for score in (0.2, 0.5, 0.8, 0.95):
        assert confidence(score, curve) == pytest.approx(score**2, abs=0.08)


def test_a_few_hits_are_no_certainty() -> None:
    assert confidence(0.9, fit_curve([0.8, 0.85, 0.9], [True] * 3)) == 0.75
    assert confidence(0.99, fit_curve([0.9], [False])) == 0.0
    assert confidence(0.4, []) == 0.4


@pytest.mark.parametrize("width", [4, 300])  # more rows than columns, and fewer
def test_the_probe_is_the_ridge_regression_of_its_weighted_rows(width: int) -> None:
    draw = torch.Generator().manual_seed(1)
    known, foreign = (torch.randn(n, width, generator=draw) for n in (30, 50))
    ones = [torch.cat([part.double(), torch.ones(len(part), 1).double()], 1)
            for part in (known, foreign)]  # fmt: skip
    gram = sum(part.T @ part / len(part) for part in ones)
    right = ones[0].mean(0) - ones[1].mean(0)
    wanted = torch.linalg.solve(gram + RIDGE * torch.eye(width + 1).double(), right)
    probe = fit_probe(known, foreign)
    assert torch.allclose(probe, wanted, atol=1e-6)
    cosines = torch.nn.functional.normalize(known[:, : width // 2], dim=1)
    seen = familiarity(known, cosines, probe)
    assert float(seen.mean()) > float(familiarity(foreign, cosines, probe).mean())


def test_the_threshold_keeps_good_goals_and_lets_few_foreign_ones_in() -> None:
    good = [0.5 + index / 200 for index in range(100)]
    foreign = [index / 200 for index in range(100)]
    limit = threshold(good, foreign)
    assert sum(value < limit for value in good) <= 5
    assert sum(value >= limit for value in foreign) <= 4
    assert threshold([], foreign) > 0.45  # nothing to go by but what is foreign


def test_another_way_to_say_a_goal_keeps_its_numbers_and_its_way() -> None:
    spoken = "carefully turn to the left by some degrees and go back"
    kept = [word for word in spoken.split() if word in WAYS or word == "some"]
    views = {view(spoken, Random(seed)) for seed in range(40)}
    assert len(views) > 10
    for said in views:
        assert [word for word in said.split() if word in kept] == kept
    assert any(said.startswith(OPENINGS) for said in views)
    assert view(spoken, Random(7)) == view(spoken, Random(7))
