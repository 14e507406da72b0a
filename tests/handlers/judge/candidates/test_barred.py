"""What was taken back is not written again on the same evidence, and only that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handlers.judge.candidates.barred import Barred
from handlers.judge.prompt.rules.grammar import render
from handlers.judge.prompt.rules.rule import Condition, Rule
from store.reads.improvements import PromptRow


def rule(phase: str = "a", action: str = "sit", ticks: int = 2) -> Rule:
    return Rule(phase, (Condition("stuck", ticks=ticks),), action, mode_id=f"stuck@{phase}")


def version(number: int, state: str, *rules: Rule, parent: int | None = None, **more: Any):
    facts: dict[str, Any] = dict.fromkeys(PromptRow._fields)
    facts |= {"version": number, "state": state, "parent": parent, "undoes": None}
    facts |= {"unwanted": 100} | more
    return PromptRow(**facts | {"rules": [{"line": render(item)} for item in rules]})


def left(claimed: Rule, *rows: PromptRow, seen: Sequence[int] = (50,)) -> bool:
    """Whether a remedy stays. `seen`: the positions of the runs that show what it is for."""
    return not Barred(rows, {claimed.mode_id: seen}).bars(claimed)


def test_the_same_remedy_is_gone_however_long_it_waits() -> None:
    for state in ("rolled_back", "rejected", "theirs"):
        assert not left(rule(ticks=2), version(1, state, rule(ticks=2)))
        assert not left(rule(ticks=9), version(1, state, rule(ticks=2)))
    assert left(rule(), version(1, "superseded", rule()))


def test_another_action_or_another_case_has_not_had_its_chance() -> None:
    gone = version(1, "rolled_back", rule())
    assert left(rule(action="stop"), gone)
    assert left(rule(phase="b"), gone)


def test_what_a_version_had_from_its_parent_is_not_what_it_was_taken_back_for() -> None:
    parent = version(1, "superseded", rule("a"))
    child = version(2, "rolled_back", rule("a"), rule("b"), parent=1)
    assert left(rule("a"), parent, child)
    assert not left(rule("b"), parent, child)

    # of a rule that was only given other numbers, those numbers are gone
    longer = version(2, "rolled_back", rule("a", ticks=5), parent=1)
    assert not left(rule("a", ticks=5), parent, longer)
    assert left(rule("a", ticks=3), parent, longer)


def test_a_rollback_that_was_taken_back_bans_nothing() -> None:
    restored = version(1, "superseded", rule())
    undone = version(2, "rolled_back", rule("b"), parent=1, undoes=1)
    assert left(rule("b"), restored, undone)
    assert left(rule(), restored, undone)


def test_it_is_barred_for_its_evidence_and_not_for_ever() -> None:
    # given a remedy that was taken back at position 100, when five runs showed the failure
    gone, then = version(1, "rolled_back", rule()), [10, 20, 30, 40, 50]
    assert not left(rule(), gone, seen=then)
    # then fewer further runs are no new evidence, and as many are
    assert not left(rule(), gone, seen=[*then, 110, 120, 130, 140])
    assert left(rule(), gone, seen=[*then, 110, 120, 130, 140, 150])


def test_a_single_run_more_is_never_enough() -> None:
    gone = version(1, "rejected", rule())
    assert not left(rule(), gone, seen=[10, 110, 120, 130])
    assert left(rule(), gone, seen=[10, 110, 120, 130, 140])


def test_each_time_it_takes_twice_as_much() -> None:
    once = version(1, "rolled_back", rule())
    again = version(3, "rolled_back", rule(), unwanted=200)
    seen = [10, 20, 30, 40, 110, 120, 130, 140]
    assert left(rule(), once, seen=seen)
    assert not left(rule(), once, again, seen=[*seen, 210, 220, 230])
    assert left(rule(), once, again, seen=[*seen, *range(210, 290, 10)])


def test_one_failure_that_no_run_shows_any_more_stays_barred() -> None:
    assert not left(rule(), version(1, "rejected", rule()), seen=[])
