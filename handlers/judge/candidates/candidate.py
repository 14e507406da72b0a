"""A candidate: rules, or free text, that may remedy a failure mode, whoever thought of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from handlers.judge.prompt.rules.grammar import render
from handlers.judge.prompt.rules.rule import Rule
from handlers.judge.prompt.wording import NOTHING, Wording

Origin = Literal["model", "code"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Rules to put into the block, in this order, before those that stand there; `wording`: free
    text besides, or instead.

    `mode_id` is the finding they answer and `cites` the ticks (`run:first-last`) that show both it
    and the rules' condition. `why`: for people, in a few words; it enters no prompt. `touches`: the
    lines of the author's prompt, counted from 1, that they come before or bear upon; `contradicts`:
    those they go against, which makes the candidate one for a person to decide.
    """

    rules: tuple[Rule, ...]
    origin: Origin
    mode_id: str
    cites: tuple[str, ...] = ()
    why: str = ""
    touches: tuple[int, ...] = ()
    contradicts: tuple[int, ...] = ()
    wording: Wording = NOTHING

    def __post_init__(self) -> None:
        if not self.rules and not self.wording:
            raise ValueError("a candidate without a rule or a sentence")

    @property
    def lines(self) -> tuple[str, ...]:
        """All that it says, as a version's lines; two candidates with the same lines are one."""
        return (*map(render, self.rules), *self.wording.lines)

    @property
    def phases(self) -> frozenset[str | None]:
        """The phases that it speaks of. Free text may be about any that its finding is of."""
        own = self.mode_id.partition("@")[2] or None
        return frozenset(rule.phase for rule in self.rules) | ({own} if self.wording else set())


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate that is not tried, and why; `code` names the reason for programs."""

    candidate: Candidate
    code: Literal[
        "never_fires", "repeats_failure", "contradicts", "rejected", "same", "too_many", "unfit"
    ]
    reason: str
