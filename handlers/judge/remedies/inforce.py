"""What the rules in force have done since they came, for whoever is to propose the next ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from handlers.judge.context import JudgeContext
from handlers.judge.evidence.moments import moments
from handlers.judge.evidence.ticks import Episode
from handlers.judge.prompt.rules.grammar import parse_all, render
from handlers.judge.prompt.rules.holding import first_match
from handlers.judge.prompt.rules.rule import Rule
from handlers.judge.prompt.source import PromptSource


def in_force(context: JudgeContext, source: PromptSource | None) -> list[dict[str, Any]]:
    """Each rule of the block, in its order.

    `followed`: ticks of the runs under this prompt in which it was the first that held; `in_runs`:
    how many of these runs, `succeeded` of them; `version` it came with, and what its trial said.
    """
    block = source.block if source is not None else None
    if source is None or block is None:
        return []
    used = usage(parse_all(source.value.split("\n")), context.report.episodes)
    came = _came(context)
    return [
        {"line": render(rule), **used.get(render(rule), {}), **came.get(render(rule), {})}
        for rule in block.rules
    ]


def usage(rules: Sequence[Rule], episodes: Sequence[Episode]) -> dict[str, dict[str, int]]:
    """How often each rule of a prompt was the one that is followed, by its line."""
    followed: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    succeeded: Counter[str] = Counter()
    for episode in episodes:
        fired = Counter(render(rule) for rule in _followed(rules, episode))
        followed.update(fired)
        runs.update(fired.keys())
        succeeded.update(fired.keys() if episode.outcome == "succeeded" else ())
    return {
        render(rule): {
            "followed": followed[render(rule)],
            "in_runs": runs[render(rule)],
            "succeeded": succeeded[render(rule)],
        }
        for rule in rules
    }


def _followed(rules: Sequence[Rule], episode: Episode) -> Iterator[Rule]:
    """The rule that each action of a run came from, by what had been observed before it."""
    for moment in moments(episode):
        *recent, now = moment.seen
        rule = first_match(rules, now, recent)
        if rule is not None:
            yield rule


def _came(context: JudgeContext) -> dict[str, dict[str, Any]]:
    """By line: the version that a rule was new in, and what the pairs said of that."""
    came: dict[str, dict[str, Any]] = {}
    for row in context.known.rows:
        if not row.since:
            continue
        numbers: dict[str, float] = next(
            (gate["numbers"] for gate in row.gates if gate["name"][:2] == "G3"), {}
        )
        told = {name: numbers[name] for name in _TOLD if name in numbers}
        for rule in row.rules:
            came.setdefault(rule["line"], {"version": row.version, **told})
    return came


_TOLD = ("pairs", "won", "lost", "phases_before", "phases_after")
