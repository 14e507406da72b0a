"""A candidate: rules that may remedy a failure mode, whoever thought of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from handlers.judge.prompt.rules.grammar import render
from handlers.judge.prompt.rules.rule import Rule

Origin = Literal["model", "code"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Rules to put into the block, in this order, before those that stand there.

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

    def __post_init__(self) -> None:
        if not self.rules:
            raise ValueError("a candidate without a rule")

    @property
    def lines(self) -> tuple[str, ...]:
        """Its rules as they are written; two candidates with the same lines are one."""
        return tuple(render(rule) for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate that is not tried, and why; `code` names the reason for programs."""

    candidate: Candidate
    code: Literal["never_fires", "repeats_failure", "contradicts", "rejected", "same", "too_many"]
    reason: str
