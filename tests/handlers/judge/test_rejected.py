"""What was taken back is not written again, and only that."""

from __future__ import annotations

from typing import Any

from handlers.judge.evidence.claims import Claims
from handlers.judge.prompt.rules import Rule, render
from handlers.judge.rejected import without_rejected
from store.reads.improvements import PromptRow


def rule(phase: str = "a", action: str = "sit", ticks: int = 2) -> Rule:
    return Rule(phase, "stuck", ticks, action)


def version(number: int, state: str, *rules: Rule, parent: int | None = None, **more: Any):
    facts: dict[str, Any] = dict.fromkeys(PromptRow._fields)
    facts |= {"version": number, "state": state, "parent": parent, "undoes": None} | more
    return PromptRow(**facts | {"rules": [{"line": render(item)} for item in rules]})


def left(claimed: Rule, *rows: PromptRow) -> bool:
    claims = without_rejected(Claims((claimed,), (("r:1-2",),), (), ()), rows)
    assert len(claims.rules) + len(claims.dropped) == 1
    return bool(claims.rules)


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
