"""A training or scoring as if it had ended with a scorecard."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType

import pytest

from store.events.adapter import AdapterPromoted, AdapterScored, AdapterTrained

CHECK = {
    "axis": "fidelity",
    "value": 0.9,
    "lower": 0.8,
    "upper": 1.0,
    "threshold": 0.7,
    "n": 12,
    "result": "pass",
    "detail": "of 12 goals",
}
TRAINED = AdapterTrained(
    version=1,
    path=".cadenza-env/adapters/0001",
    sha256="s",
    dataset_sha256="d",
    base_sha256="b",
    encoder="light",
    rows=6,
    exam_rows=6,
    epochs=40,
    loss=0.25,
    seed=0,
    threads=1,
    seconds=1.5,
)


@pytest.fixture
def scored(rescue, ended, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[object]]:
    """Have a command's job end with this verdict; returns what the command asked for."""

    def scored(module: ModuleType, verdict: str, *, promoted: bool = False) -> list[object]:
        card = {
            "verdict": verdict,
            "checks": [CHECK],
            "reasons": ["because"],
            "next_steps": ["add exam goals"],
        }
        (rescue / "card.json").write_text(json.dumps(card))
        event = AdapterScored.of_shape(
            {"version": 1, "verdict": verdict, "held_out": True, "checks": [], "reasons": []}
            | {"next_steps": [], "scorecard": "card.json", "scorecard_sha256": "s"}
        )
        events = [TRAINED, event]
        if promoted:
            events.append(AdapterPromoted(version=1, previous=None, by="somebody"))
        outcome = ended("retrain", *events)
        wanted: list[object] = []

        def run_by_hand(_arguments: object, *what: object, **options: object):
            wanted.append((*what, options))
            return outcome

        monkeypatch.setattr(module, "run_by_hand", run_by_hand)
        return wanted

    return scored
