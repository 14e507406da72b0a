"""Which rules stand in the block, in which order; what has no room is named, never just gone.

The first rule that holds is followed, so the urgent and the specific come first:

1. by the most urgent condition of a rule: fallen, near, another distance or direction, seeing, not
   seeing, stuck, blocked, tried, elapsed;
2. two conditions before one, a phase of its own before any phase;
3. what must have held longer before what must have held less long, and what has a closer limit
   before what has a wider one.

Rules that this does not tell apart keep the order that they are given in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from handlers.judge.prompt.rules.forms import Kind
from handlers.judge.prompt.rules.grammar import render, render_sentence
from handlers.judge.prompt.rules.rule import Condition, Rule

MOST_RULES = 12
MOST_CHARACTERS = 3600
"""Of a block's rules in the longer of their two renderings: with its other lines it stays under the
4,000 that G0 allows."""
URGENCY: tuple[Kind, ...] = (
    "fallen", "near", "within", "bearing", "farther", "seeing", "not_seeing", "stuck", "blocked",
    "tried", "elapsed", "always",
)  # fmt: skip


class Placed(NamedTuple):
    """`rules` as they stand in the block; `left_out`: those without room, each with the reason."""

    rules: tuple[Rule, ...]
    left_out: tuple[tuple[Rule, str], ...]


def placed(rules: Sequence[Rule]) -> Placed:
    """At most MOST_RULES rules, ordered; given in the order of their worth, the best first.

    Of two rules that hold at the very same times the first stands; one that would silence all below
    it never does.
    """
    kept: list[Rule] = []
    left_out: list[tuple[Rule, str]] = []
    length = 0
    for rule in rules:
        said = max(len(render(rule)), len(render_sentence(rule))) + 1
        rival = next((other for other in kept if _are_rivals(rule, other)), None)
        if rule.is_unconditional:
            left_out.append((rule, "without a condition it would silence all below it"))
        elif rival is not None:
            left_out.append((rule, f"{render(rival)[2:]!r} holds at the same times"))
        elif len(kept) == MOST_RULES:
            left_out.append((rule, f"the block holds {MOST_RULES} rules at most"))
        elif length + said > MOST_CHARACTERS:
            left_out.append((rule, f"the block's rules have {MOST_CHARACTERS} characters at most"))
        else:
            kept.append(rule)
            length += said
    return Placed(tuple(sorted(kept, key=precedence)), tuple(left_out))


def precedence(rule: Rule) -> tuple[int, int, bool, int, float]:
    """The lower comes first."""
    urgent = min((URGENCY.index(c.kind) for c in rule.conditions), default=len(URGENCY))
    longest = max((c.ticks for c in rule.conditions), default=1)
    return urgent, -len(rule.conditions), rule.phase is None, -longest, _width(rule.conditions)


def _width(conditions: Sequence[Condition]) -> float:
    """How much of what there is the limits of these conditions let in; only the order counts."""
    width = 0.0
    for condition in conditions:
        if condition.number is None:
            continue
        closer = condition.kind == "within" or condition.side == "ahead"
        width += condition.number if closer else -condition.number
    return width


def _are_rivals(one: Rule, other: Rule) -> bool:
    """Whether the later of two rules could never be followed, as both wait equally long."""
    return (one.phase, {*one.conditions}) == (other.phase, {*other.conditions})
