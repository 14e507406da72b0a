"""Prompts to try: the one that is there, each with the rules of a candidate put before the others.

Rules of the block stay unless a candidate's are for the same case. A block holds so many rules and
no more; a candidate for which there is no room is dropped and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from handlers.judge.candidates.candidate import Candidate, Dropped
from handlers.judge.gate import Gate
from handlers.judge.prompt.check import check_static
from handlers.judge.prompt.rules.grammar import render
from handlers.judge.prompt.rules.placing import placed
from handlers.judge.prompt.rules.rule import Rule
from handlers.judge.prompt.source import PromptSource, edited


@dataclass(frozen=True)
class Variant:
    """A prompt to try. `parts`: the candidates in it; `rules` of its block; `after`: its file."""

    parts: tuple[Candidate, ...]
    rules: tuple[Rule, ...]
    made: PromptSource
    static: Gate

    @property
    def after(self) -> bytes:
        return self.made.data


@dataclass
class Variants:
    """All that are made for a judging, merged ones included, in the order of their making.

    `secrets` may stand in none; `tried`: (before, after) hashes of trials that showed no gain.
    Raises BlockConflict or RefusedSource for a prompt that cannot be edited.
    """

    source: PromptSource
    secrets: Sequence[str] = ()
    tried: frozenset[tuple[str, str]] = frozenset()
    made: list[Variant] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)

    @property
    def in_force(self) -> list[Rule]:
        block = self.source.block
        return block.rules if block is not None else []

    def add(self, candidate: Candidate) -> None:
        """A candidate as a variant, or among the dropped."""
        rules, left_out = combined(self.in_force, candidate.rules)
        if left_out:
            self.dropped.append(Dropped(candidate, "too_many", left_out))
        elif [render(rule) for rule in rules] == [render(rule) for rule in self.in_force]:
            self.dropped.append(Dropped(candidate, "same", "the prompt has these rules already"))
        else:
            variant = self._variant((candidate,), rules)
            if (self.source.sha256, variant.made.sha256) in self.tried:
                reason = "it was tried for this very prompt, and showed no gain"
                self.dropped.append(Dropped(candidate, "rejected", reason))
            elif variant.static.result == "fail":
                self.dropped.append(Dropped(candidate, "rejected", variant.static.detail))
            else:
                self.made.append(variant)

    def merge(self, one: int, other: int) -> PromptSource | None:
        """A further variant, of two that answer different failures; None where it is none."""
        parts = [*self.made[one].parts, *self.made[other].parts]
        phases = [
            {rule.phase for part in v.parts for rule in part.rules} for v in self._two(one, other)
        ]
        if phases[0] & phases[1]:
            return None
        variant = self.union([*{part.lines: part for part in parts}.values()])
        if variant is None or any(variant.rules == known.rules for known in self.made):
            return None
        self.made.append(variant)
        return variant.made

    def union(self, parts: Sequence[Candidate]) -> Variant | None:
        """The rules of several candidates together; None without room for all, or failing G0."""
        new = [rule for part in parts for rule in part.rules]
        rules, left_out = combined(self.in_force, new)
        variant = None if left_out else self._variant(tuple(parts), rules)
        return variant if variant is not None and variant.static.result != "fail" else None

    def without(self, rule: Rule) -> Variant:
        """The prompt without one of the rules in force."""
        return self._variant((), tuple(known for known in self.in_force if known != rule))

    def _two(self, one: int, other: int) -> Iterable[Variant]:
        return self.made[one], self.made[other]

    def _variant(self, parts: tuple[Candidate, ...], rules: Sequence[Rule]) -> Variant:
        after = edited(self.source, rules)
        static = check_static(self.source, after, secrets=self.secrets)
        return Variant(parts, tuple(rules), self.source.again(after), static)


def combined(in_force: Sequence[Rule], new: Sequence[Rule]) -> tuple[tuple[Rule, ...], str]:
    """New rules and those that stay, in their order; and why they are too many, "" if they are not.

    A rule in force for the case of a new one is replaced.
    """
    cases = {rule.case for rule in new}
    rest = [rule for rule in in_force if rule.case not in cases and not rule.is_unconditional]
    rules, left_out = placed([*new, *rest])
    return rules, "; ".join(f"{render(rule)[2:]!r}: {why}" for rule, why in left_out)
