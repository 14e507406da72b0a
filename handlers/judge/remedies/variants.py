"""Prompts to try: the one that is there, each with the rules of a candidate put before the others,
its sentences behind those in force, and its paragraphs in place of theirs.

Rules of the block stay unless a candidate's are for the same case. A block holds so many rules and
no more; a candidate for which there is no room is dropped and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from handlers.judge.candidates.candidate import Candidate, Dropped
from handlers.judge.gate import Gate
from handlers.judge.prompt.check import check_static
from handlers.judge.prompt.opened import Rewrite
from handlers.judge.prompt.rules.grammar import render
from handlers.judge.prompt.rules.placing import placed
from handlers.judge.prompt.rules.rule import Rule
from handlers.judge.prompt.source import PromptSource, RefusedSource, edited, rewritten
from handlers.judge.prompt.wording import MOST_SENTENCES, Wording


@dataclass(frozen=True)
class Variant:
    """A prompt to try. `parts`: the candidates in it; `rules` and `sentences` of its block;
    `rewrites`: what becomes of open paragraphs; `after`: its file."""

    parts: tuple[Candidate, ...]
    rules: tuple[Rule, ...]
    sentences: tuple[str, ...]
    rewrites: tuple[Rewrite, ...]
    made: PromptSource
    static: Gate

    @property
    def after(self) -> bytes:
        return self.made.data

    @property
    def lines(self) -> tuple[str, ...]:
        """What its block says, and what is rewritten, as a version's lines."""
        return (*map(render, self.rules), *Wording(self.sentences, self.rewrites).lines)


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

    @property
    def sentences(self) -> tuple[str, ...]:
        """Free text in force."""
        block = self.source.block
        return block.sentences if block is not None else ()

    def add(self, candidate: Candidate) -> None:
        """A candidate as a variant, or among the dropped."""
        rules, left_out = combined(self.in_force, candidate.rules)
        sentences, too_long = with_sentences(self.sentences, candidate.wording.sentences)
        left_out = left_out or too_long
        old = [*map(render, self.in_force), *self.sentences]
        if left_out:
            self.dropped.append(Dropped(candidate, "too_many", left_out))
        elif [*map(render, rules), *sentences] == old and not candidate.wording.rewrites:
            self.dropped.append(Dropped(candidate, "same", "the prompt has these rules already"))
        else:
            self._try(candidate, rules, sentences)

    def _try(self, candidate: Candidate, rules: Sequence[Rule], sentences: tuple[str, ...]) -> None:
        try:
            self._keep(candidate, self._variant((candidate,), rules, sentences))
        except RefusedSource as error:
            if not candidate.wording.rewrites:
                raise
            # Rules may still be written: only this paragraph has no room for such a text.
            self.dropped.append(Dropped(candidate, "unfit", error.message))

    def _keep(self, candidate: Candidate, variant: Variant) -> None:
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
            {phase for part in v.parts for phase in part.phases} for v in self._two(one, other)
        ]
        if phases[0] & phases[1]:
            return None
        variant = self.union([*{part.lines: part for part in parts}.values()])
        if variant is None or any(variant.lines == known.lines for known in self.made):
            return None
        self.made.append(variant)
        return variant.made

    def union(self, parts: Sequence[Candidate]) -> Variant | None:
        """The rules of several candidates together; None without room for all, or failing G0."""
        new = [rule for part in parts for rule in part.rules]
        rules, left_out = combined(self.in_force, new)
        words = [text for part in parts for text in part.wording.sentences]
        sentences, too_long = with_sentences(self.sentences, words)
        rewritten = [rewrite.before for part in parts for rewrite in part.wording.rewrites]
        if left_out or too_long or len({*rewritten}) < len(rewritten):
            return None
        variant = self._variant(tuple(parts), rules, sentences)
        return variant if variant.static.result != "fail" else None

    def without(self, one: Rule | str) -> Variant:
        """The prompt without one of the rules, or sentences, in force."""
        rules = tuple(known for known in self.in_force if known != one)
        return self._variant((), rules, tuple(text for text in self.sentences if text != one))

    def _two(self, one: int, other: int) -> Iterable[Variant]:
        return self.made[one], self.made[other]

    def _variant(
        self, parts: tuple[Candidate, ...], rules: Sequence[Rule], sentences: tuple[str, ...]
    ) -> Variant:
        rewrites = tuple(rewrite for part in parts for rewrite in part.wording.rewrites)
        made = self.source.again(edited(self.source, rules, sentences))
        if rewrites:
            made = made.again(rewritten(made, rewrites))
        wording = Wording(sentences, rewrites)
        static = check_static(self.source, made.data, wording, secrets=self.secrets)
        return Variant(parts, tuple(rules), sentences, rewrites, made, static)


def combined(in_force: Sequence[Rule], new: Sequence[Rule]) -> tuple[tuple[Rule, ...], str]:
    """New rules and those that stay, in their order; and why they are too many, "" if they are not.

    A rule in force for the case of a new one is replaced.
    """
    cases = {rule.case for rule in new}
    rest = [rule for rule in in_force if rule.case not in cases and not rule.is_unconditional]
    rules, left_out = placed([*new, *rest])
    return rules, "; ".join(f"{render(rule)[2:]!r}: {why}" for rule, why in left_out)


def with_sentences(in_force: Sequence[str], new: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Those in force and the new ones; and why they are too many, "" if they are not."""
    found = tuple(dict.fromkeys([*in_force, *new]))
    if len(found) > MOST_SENTENCES:
        return found, f"the block would hold {len(found)} sentences, more than {MOST_SENTENCES}"
    return found, ""
