"""G3: the old prompt and the new one drive the same simulated missions, pair by pair.

Only this gate may say "improved". It is looked at after every pair and stops as soon as it is
decided (tally.py), within the error that all trials of the project's life share (budget.py). What
is tried and not shown to be better is not written: "not_improved" and "worse" both fail the gate.
What cannot be tried is "unverified", and what becomes of that is a setting (judge.unverified).
Of several candidates the best is looked for first (search.py); where none is ahead, there is no
trial. A rule that may have become useless is tried by a prompt without it, which must be no worse.

A `decide` that breaks is no fault of the prompt: it is "not runnable" then. Only where the old
prompt has an answer to the very observation that the new one breaks on, the gate fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handlers.judge.gate import Gate
from handlers.judge.gates.arena import Arena, Broken, Unanswered
from handlers.judge.gates.betting import least_pairs
from handlers.judge.gates.budget import ALPHA, SEEDS, Budget
from handlers.judge.gates.search import BEFORE, Found, Standing, search
from handlers.judge.gates.tally import MARGIN, Drive, Tally, Verdict
from handlers.judge.prompt.source import PromptSource
from store.errors import CadenzaError, InputError, MissingExtraError
from store.events.prompt import PromptTried

NAME = "G3 simulation"
SEARCH_SHARE = 0.5
"""Of a trial's time, at most, to choose what is tried."""
Progress = Callable[[Mapping[str, Any]], None]
Merge = Callable[[int, int], PromptSource | None]
"""A prompt with what two candidates change, None where that is none; it becomes the next one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`pairs` at most, within `seconds`; `search` missions at most to choose among candidates."""

    pairs: int
    seconds: float = 3600.0
    search: int = 96


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a trial. `chosen`: which candidate it was about; None where none was ahead.

    `fact`: None without a decision, which is one that was reached by driving pairs. Only that uses
    up its level and its seeds. `missions` and `standings`: of the search before.
    """

    gate: Gate
    verdict: Verdict
    chosen: int | None = 0
    fact: PromptTried | None = None
    missions: int = 0
    standings: Mapping[int, Standing] = field(default_factory=dict)

    @property
    def is_proven(self) -> bool:
        """Whether the pairs showed what was asked: better, or no worse without a rule."""
        return self.verdict in ("improved", "no_worse")


def trials(
    arena: Arena,
    before: PromptSource,
    candidates: Sequence[PromptSource],
    budget: Budget,
    limits: Limits,
    *,
    merge: Merge = lambda _one, _other: None,
    report: Progress = lambda _values: None,
    now: Callable[[], float] = time.monotonic,
) -> Trial:
    """Choose the best candidate; on other seeds, drive it against the prompt as it is.

    `chosen` may be one that `merge` made: those are counted on from the candidates.
    """
    run = _Run(arena, before, [*candidates], budget, limits, report, now, merge)
    return _tried(run, run.best)


def retirement(
    arena: Arena,
    before: PromptSource,
    without: PromptSource,
    budget: Budget,
    limits: Limits,
    *,
    report: Progress = lambda _values: None,
    now: Callable[[], float] = time.monotonic,
) -> Trial:
    """Drive a prompt without one of its rules against the prompt as it is: is it no worse?

    What is shown then is that the rule is worth less than MARGIN in simulated missions. All that
    are ever taken out so may cost that much each, and the error is shared with all other trials.
    """
    run = _Run(arena, before, [without], budget, limits, report, now, margin=MARGIN)
    return _tried(run, lambda: Found(0, 0))


def _tried(run: _Run, choose: Callable[[], Found]) -> Trial:
    problem = _impossible(run.arena, run.budget, run.limits)
    if problem:
        return Trial(Gate(NAME, "skipped", f"unverified: {problem}"), "unverified")
    try:
        with run.arena:
            return run.trial(choose)
    except MissingExtraError as error:
        return Trial(_unverified(_told(error)), "unverified")
    except _WorseThanBefore as error:
        return Trial(Gate(NAME, "fail", error.message), "worse", error.chosen)
    except Unanswered as error:
        return Trial(_unverified(error.message), "unverified")
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
    candidates: list[PromptSource]
    budget: Budget
    limits: Limits
    report: Progress
    now: Callable[[], float]
    merge: Merge = lambda _one, _other: None
    margin: float = 0.0
    began: float = 0.0
    step_began: float = 0.0
    searched: int = 0

    def trial(self, choose: Callable[[], Found]) -> Trial:
        self.began = self.now()
        found = choose()
        count = len(self.candidates)
        if found.best is None:
            what = "the candidate did no" if count == 1 else f"none of {count} candidates did"
            detail = f"{what} better in {found.episodes} missions: no trial"
            gate = Gate(NAME, "fail", detail, {"searched": found.episodes})
            return Trial(gate, "not_improved", None, None, found.episodes, found.standings)
        names = [phase.name for phase in self.arena.spec.phases]
        tally = Tally(self.budget.level, names, self.margin)
        stopped = self._confirm(tally, found.best)
        verdict = tally.decided or "not_improved"
        detail = f"{_said(tally, verdict, stopped)}: {tally.detail()}; {self._level(tally)}"
        if found.episodes:
            detail += f"; chosen from {count} in {found.episodes} missions before"
        if self.arena.models is not None:
            detail += f"; {self.arena.models.asked().text}"
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
        proven = verdict in ("improved", "no_worse")
        gate = Gate(NAME, "pass" if proven else "fail", detail, numbers)
        return Trial(gate, verdict, found.best, fact, found.episodes, found.standings)

    def _level(self, tally: Tally) -> str:
        needed = 1 / self.budget.level
        return (
            f"evidence {tally.gains.peak:.3g} of {needed:.3g} needed in trial"
            f" {self.budget.decision} (level {self.budget.level:.2g} of {ALPHA:g} in all)"
        )

    def best(self) -> Found:
        """The candidate that is worth a trial, if one is."""
        return search(
            len(self.candidates),
            self.limits.search,
            self.budget.search_seed,
            self._search,
            self._merged,
            lambda: self.now() - self.began >= SEARCH_SHARE * self.limits.seconds,
        )

    def _search(self, tasks: Sequence[tuple[int, int]]) -> Sequence[Drive | Broken]:
        """Missions of a round, told of as they are done."""
        driven: list[Drive | Broken] = []
        for first in range(0, len(tasks), self.arena.at_once):
            some = tasks[first : first + self.arena.at_once]
            self._progress("choosing", self.searched, self.limits.search)
            driven += self.arena.drive_all([(self._prompt(i), seed) for i, seed in some])
            self.searched += len(some)
        return driven

    def _prompt(self, index: int) -> PromptSource:
        return self.before if index == BEFORE else self.candidates[index]

    def _merged(self, one: int, other: int) -> int | None:
        made = self.merge(one, other)
        if made is None:
            return None
        self.candidates.append(made)
        return len(self.candidates) - 1

    def _confirm(self, tally: Tally, chosen: int) -> str:
        """Drive pairs until it is decided; why it was stopped before, "" where it was not."""
        after = self.candidates[chosen]
        most = min(self.limits.pairs, SEEDS)
        while tally.pairs < most:
            if tally.pairs and self.now() - self.began >= self.limits.seconds:
                return f"stopped after judge.trial_s = {self.limits.seconds:g} s"
            self._progress("simulating", tally.pairs, most, won=tally.won, lost=tally.lost)
            size = max(1, self.arena.at_once // 2)
            first = self.budget.first_seed + tally.pairs
            seeds = range(first, first + min(size, most - tally.pairs))
            tasks = [(source, seed) for seed in seeds for source in (self.before, after)]
            try:
                driven = self.arena.drive_all(tasks)
            except Unanswered as error:
                needed = least_pairs(self.budget.level)
                done = f"after {tally.pairs} pairs of the {needed} that it takes at least"
                raise Unanswered(f"{error.message}; {done}") from None
            for old, new in zip(driven[::2], driven[1::2], strict=True):
                tally.add(self._whole(old), self._whole_or_worse(new, chosen))
                if tally.decided is not None:
                    return ""
        return f"judge.seeds = {most} pairs are driven"

    def _progress(self, step: str, done: int, total: int, **more: float) -> None:
        """`eta_s`: seconds until `total` at this pace, judge.trial_s at most; often less."""
        now = self.now()
        if not done:
            self.step_began = now
        left = self.limits.seconds - (now - self.began)
        if done:
            left = min(left, (now - self.step_began) / done * (total - done))
        values = {"step": step, "done": done, "total": total, **more, **self._announced()}
        self.report(values | {"eta_s": round(max(0.0, left), 1)})

    def _announced(self) -> Mapping[str, Any]:
        """How often a brain may ask a language model: said before it does so."""
        models = self.arena.models
        return {} if models is None else {"model_calls_at_most": models.calls}

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
    if verdict == "no_worse":
        return f"no worse by {100 * MARGIN:.0f} points or more"
    if verdict == "worse":
        return tally.harm
    return f"not improved ({tally.hopeless or stopped})"
