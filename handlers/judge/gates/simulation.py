"""G3: the old prompt and the new one drive the same simulated missions, pair by pair.

Only this gate may say "improved". It is looked at after every pair and stops as soon as it is
decided (tally.py), within the error that all trials of the project's life share (budget.py). What
is tried and not shown to be better is not written: "not_improved" and "worse" both fail the gate.
What cannot be tried is "unverified", and what becomes of that is a setting (judge.unverified).

A `decide` that breaks is no fault of the prompt: it is "not runnable" then. Only where the old
prompt has an answer to the very observation that the new one breaks on, the gate fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.judge.gate import Gate
from handlers.judge.gates.arena import Arena, Broken
from handlers.judge.gates.betting import least_pairs
from handlers.judge.gates.budget import ALPHA, SEEDS, Budget
from handlers.judge.gates.search import halve
from handlers.judge.gates.tally import Drive, Tally, Verdict
from handlers.judge.prompt.source import PromptSource
from store.errors import CadenzaError, InputError, MissingExtraError
from store.events.prompt import PromptTried

NAME = "G3 simulation"
Progress = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """`pairs` at most, within `seconds`; `search` missions at most to choose among candidates."""

    pairs: int
    seconds: float = 3600.0
    search: int = 96


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a trial. `chosen`: which candidate it was about.

    `fact`: None without a decision, which is one that was reached by driving pairs. Only that uses
    up its level and its seeds.
    """

    gate: Gate
    verdict: Verdict
    chosen: int = 0
    fact: PromptTried | None = None


def trials(
    arena: Arena,
    before: PromptSource,
    candidates: Sequence[PromptSource],
    budget: Budget,
    limits: Limits,
    *,
    report: Progress = lambda _values: None,
    now: Callable[[], float] = time.monotonic,
) -> Trial:
    """Choose the best candidate; on other seeds, drive it against the prompt as it is."""
    problem = _impossible(arena, budget, limits)
    if problem:
        return Trial(Gate(NAME, "skipped", f"unverified: {problem}"), "unverified")
    try:
        with arena:
            return _Run(arena, before, candidates, budget, limits, report, now).trial()
    except MissingExtraError as error:
        return Trial(_unverified(_told(error)), "unverified")
    except _WorseThanBefore as error:
        return Trial(Gate(NAME, "fail", error.message), "worse", error.chosen)
    except CadenzaError as error:
        return Trial(_unverified(f"not runnable: {_told(error)}"), "unverified")


def _told(error: CadenzaError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message


def _unverified(why: str) -> Gate:
    return Gate(NAME, "skipped", f"unverified: {why}")


def _impossible(arena: Arena, budget: Budget, limits: Limits) -> str:
    """Why nothing could be decided; "" where it could."""
    if arena.choice.kind == "none":
        return arena.choice.reason
    if limits.pairs < 1:
        return "judge.seeds is 0"
    least = least_pairs(budget.level)
    if limits.pairs < least:
        return (
            f"judge.seeds = {limits.pairs} pairs cannot show anything at level"
            f" {budget.level:.2g}, the share of trial {budget.decision}; it takes {least} at least"
        )
    return ""


class _WorseThanBefore(CadenzaError):
    """The old prompt can be run where the new one cannot."""

    def __init__(self, message: str, chosen: int) -> None:
        super().__init__(message)
        self.chosen = chosen


@dataclass
class _Run:
    arena: Arena
    before: PromptSource
    candidates: Sequence[PromptSource]
    budget: Budget
    limits: Limits
    report: Progress
    now: Callable[[], float]
    began: float = 0.0

    def trial(self) -> Trial:
        self.began = self.now()
        found = halve(
            len(self.candidates), self.limits.search, self.budget.search_seed, self._search
        )
        tally = Tally(self.budget.level, [phase.name for phase in self.arena.spec.phases])
        stopped = self._confirm(tally, found.best)
        verdict = tally.decided or "not_improved"
        detail = f"{_said(tally, verdict, stopped)}: {tally.detail()}; {self._level(tally)}"
        if found.episodes:
            detail += f"; chosen from {len(self.candidates)} in {found.episodes} missions before"
        if self.budget.remark:
            detail += f"; {self.budget.remark}"
        numbers = tally.numbers() | {
            "decision": self.budget.decision,
            "level": self.budget.level,
            "first_seed": self.budget.first_seed,
            "searched": found.episodes,
        }
        fact = PromptTried(
            decision=self.budget.decision,
            level=self.budget.level,
            verdict=verdict,
            evidence=tally.gains.peak,
            pairs=tally.pairs,
            first_seed=self.budget.first_seed,
            searched=found.episodes,
            before_sha256=self.before.sha256,
            after_sha256=self.candidates[found.best].sha256,
            reason=detail,
        )
        gate = Gate(NAME, "pass" if verdict == "improved" else "fail", detail, numbers)
        return Trial(gate, verdict, found.best, fact)

    def _level(self, tally: Tally) -> str:
        needed = 1 / self.budget.level
        return (
            f"evidence {tally.gains.peak:.3g} of {needed:.3g} needed in trial"
            f" {self.budget.decision} (level {self.budget.level:.2g} of {ALPHA:g} in all)"
        )

    def _search(self, tasks: Sequence[tuple[int, int]]) -> Sequence[Drive | Broken]:
        self.report({"step": "choosing", "missions": len(tasks)})
        return self.arena.drive_all([(self.candidates[index], seed) for index, seed in tasks])

    def _confirm(self, tally: Tally, chosen: int) -> str:
        """Drive pairs until it is decided; why it was stopped before, "" where it was not."""
        after = self.candidates[chosen]
        most = min(self.limits.pairs, SEEDS)
        while tally.pairs < most:
            if tally.pairs and self.now() - self.began >= self.limits.seconds:
                return f"stopped after judge.trial_s = {self.limits.seconds:g} s"
            self._tell(tally, most)
            size = max(1, self.arena.workers // 2)
            first = self.budget.first_seed + tally.pairs
            seeds = range(first, first + min(size, most - tally.pairs))
            tasks = [(source, seed) for seed in seeds for source in (self.before, after)]
            driven = self.arena.drive_all(tasks)
            for old, new in zip(driven[::2], driven[1::2], strict=True):
                tally.add(self._whole(old), self._whole_or_worse(new, chosen))
                if tally.decided is not None:
                    return ""
        return f"judge.seeds = {most} pairs are driven"

    def _tell(self, tally: Tally, most: int) -> None:
        self.report(
            {
                "step": "simulating",
                "done": tally.pairs,
                "total": most,
                "won": tally.won,
                "lost": tally.lost,
                "at_most_s": self.limits.seconds,
            }
        )

    def _whole(self, result: Drive | Broken) -> Drive:
        if isinstance(result, Broken):
            raise InputError(result.message, hint=result.hint)
        return result

    def _whole_or_worse(self, result: Drive | Broken, chosen: int) -> Drive:
        after = self.candidates[chosen]
        # Once more, in a new process: it may have been chance.
        if (
            isinstance(result, Broken)
            and not self.arena.answers(after, result.asked)
            and self.arena.answers(self.before, result.asked)
        ):
            raise _WorseThanBefore(f"under the new prompt alone: {result.message}", chosen)
        return self._whole(result)


def _said(tally: Tally, verdict: Verdict, stopped: str) -> str:
    """The verdict, for people."""
    if verdict == "improved":
        return "improved"
    if verdict == "worse":
        return tally.harm
    return f"not improved ({tally.hopeless or stopped})"
