"""G2: agreement with the canonical action on held-out ticks, which is never called success."""

from __future__ import annotations

from typing import Any

from handlers.judge.evidence.findings import Citation, Finding
from handlers.judge.evidence.ticks import Episode, Tick
from handlers.judge.evidence.wire import Clear, Target
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


def test_where_new_rules_would_speak_is_counted_in_failures_and_in_successes() -> None:
    # given a held-out run that failed, two of its ticks cited, and one that succeeded while stuck
    cited = (Citation("bad", 3, 4),)
    finding = Finding("stuck@enter", "stuck", "enter", 1, 2, 1, "bad", "bad", cited)
    runs = [
        Episode("bad", "failed", [tick(n) for n in range(1, 5)]),
        Episode("good", "succeeded", [tick(n, visible={"victim": 1.0}) for n in range(1, 4)]),
    ]
    rules = [BACK, read("- when seeing victim: sit")]

    # when / then
    gate = replay([], rules, runs, [finding])
    assert gate.result == "pass"
    assert "new rules speak in 2 of 2 held-out ticks of failures and in 2 of 2" in gate.detail
    assert (gate.numbers["fires_failing"], gate.numbers["fires_working"]) == (2, 2)
    assert "'when seeing victim: sit' speaks in no held-out failure and 2 times" in gate.detail
    assert "stuck for 2 ticks: walk_backward' speaks in no" not in gate.detail
    assert "new rules" not in replay(rules, rules, runs, [finding]).detail


def test_what_is_known_only_at_the_decision_is_read_from_the_log() -> None:
    rules = [
        read("- when the target more than 20 degrees to the left: turn_left"),
        read("- when blocked on the right: side_step_left"),
        read("- when seeing victim within 10 degrees ahead: walk_forward"),
        read("- when after 9 ticks in phase: sit"),
    ]
    for facts, canonical in (
        ({"target": Target(2.0, 30.0)}, "turn_left"),
        ({"clear": Clear(-1.0, 2.0, 0.4)}, "side_step_left"),
        ({"bearings": {"victim": -9.0}}, "walk_forward"),
        ({"phase_tick": 9.0}, "sit"),
    ):
        ticks = (tick(1, label=None, **facts), tick(2, canonical=canonical))
        assert numbers([], rules, *ticks)["agreed_after"] == 1
        # then where a phase begins the record before says nothing of it
        into = (tick(1, label=None, **facts), tick(2, canonical=canonical, phase="exit"))
        own = canonical in ("side_step_left", "walk_forward")
        assert numbers([], rules, *into)["agreed_after"] == own
