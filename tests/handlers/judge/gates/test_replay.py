"""G2: agreement with the canonical action on held-out ticks, which is never called success."""

from __future__ import annotations

from typing import Any

from handlers.judge.evidence.ticks import Episode, Tick
from handlers.judge.gates.replay import NAME, replay
from handlers.judge.prompt.rules.grammar import read
from handlers.judge.prompt.rules.rule import Rule

BACK = read("- when in enter and stuck for 2 ticks: walk_backward")
SIT = read("- when stuck: sit")


def tick(number: int, **facts: Any) -> Tick:
    blank: dict[str, Any] = dict.fromkeys(Tick._fields)
    blank |= {"canonical_params": {}, "visible": {}, "phase": "enter", "label": "stuck"}
    blank |= {"canonical": "walk_backward", "confidence": 0.9, "tick": number}
    return Tick(**blank | facts)


def numbers(before: list[Rule], after: list[Rule], *ticks: Tick) -> dict[str, float]:
    gate = replay(before, after, [Episode("r1", ticks=list(ticks))])
    assert (gate.name, gate.result) == (NAME, "pass")
    assert "canonical agreement" in gate.detail
    assert "improve" not in gate.detail
    assert "success" not in gate.detail
    return dict(gate.numbers)


def test_without_held_out_runs_it_is_skipped() -> None:
    gate = replay([], [BACK], [])
    assert gate.result == "skipped"
    assert gate.numbers == {}


def test_a_rule_speaks_on_what_was_seen_before_the_tick() -> None:
    """Four ticks, three decisions; the rule wants two stuck ticks before it speaks."""
    assert numbers([], [BACK], *(tick(n) for n in range(1, 5))) == {
        "ticks": 3,
        "spoke_before": 0,
        "spoke_after": 2,
        "agreed_before": 0,
        "agreed_after": 2,
    }


def test_the_ticks_own_observation_is_not_what_it_was_decided_on() -> None:
    ticks = (tick(1, label="moving"), tick(2, label="moving"), tick(3))
    assert numbers([], [SIT], *ticks)["spoke_after"] == 0
    assert numbers([], [SIT], *ticks, tick(4))["spoke_after"] == 1


def test_old_and_new_rules_are_counted_alike() -> None:
    counted = numbers([SIT], [BACK, SIT], *(tick(n) for n in range(1, 5)))
    assert (counted["spoke_before"], counted["agreed_before"]) == (3, 0)
    assert (counted["spoke_after"], counted["agreed_after"]) == (3, 2)


def test_the_phase_is_the_one_that_is_decided_in() -> None:
    here = [read("- when in enter and stuck: walk_backward")]
    into = (tick(1, phase="approach"), tick(2, phase="enter"))
    out = (tick(1, phase="enter"), tick(2, phase="exit"))
    assert numbers([], here, *into)["spoke_after"] == 1
    assert numbers([], here, *out)["spoke_after"] == 0


def test_ticks_without_a_confident_canonical_action_do_not_count() -> None:
    for facts in ({"canonical": None}, {"confidence": None}, {"confidence": 0.49}):
        ticks = (tick(1), tick(2), tick(3, **facts))
        assert numbers([], [SIT], *ticks)["ticks"] == 1


def test_rules_look_at_tilt_distance_and_tags_as_they_were_logged() -> None:
    rules = [
        read("- when fallen: stand_up"),
        read("- when near victim: sit"),
        read("- when blocked: turn_left"),
    ]
    for facts, canonical in (
        ({"tilt": 46.0}, "stand_up"),
        ({"nearest_m": 0.2}, "turn_left"),
        ({"visible": {"victim": 0.5}}, "sit"),
    ):
        ticks = (tick(1, label=None, **facts), tick(2, canonical=canonical))
        assert numbers([], rules, *ticks)["agreed_after"] == 1
    unknown = (tick(1, label=None), tick(2))
    assert numbers([], rules, *unknown)["spoke_after"] == 0


def test_runs_add_up_and_do_not_run_into_each_other() -> None:
    runs = [Episode(f"r{n}", ticks=[tick(1), tick(2)]) for n in range(3)]
    gate = replay([], [BACK], [*runs, Episode("empty"), Episode("one", ticks=[tick(1)])])
    assert gate.numbers["ticks"] == 3
    assert gate.numbers["spoke_after"] == 0
