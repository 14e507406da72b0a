"""The judge's job: mine, ask, check, edit, pass the gates, write. Runs in a child process.

Nothing is written before every gate has passed, and what is written is on disk as a version first.
Whatever goes wrong on the way, the prompt's file is as it was and an event says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.jobs import JobContext, JobResult, TryLater
from handlers.judge.context import Case
from handlers.judge.evidence.claims import (
    MAX_RULES,
    check_claims,
    precedence,
    response_schema,
    system_message,
    user_message,
)
from handlers.judge.evidence.mining import MiningReport, report_on
from handlers.judge.evidence.pack import Pack, build_pack, split
from handlers.judge.groq.client import ask, usable_key
from handlers.judge.groq.errors import JudgeFailure, NoKey
from handlers.judge.groq.question import Ask
from handlers.judge.monitor.samples import watch_of
from handlers.judge.outcome import conflict, kept, question_key, said
from handlers.judge.prompt import actions
from handlers.judge.prompt.recovery import FOUND
from handlers.judge.prompt.rules import Rule, render
from handlers.judge.prompt.source import NoPrompt, RefusedSource, find_prompt
from handlers.judge.rewrite import gated, without_taken_back
from store.errors import MissingExtraError
from store.events.base import Event
from store.events.prompt import PromptRewritten, PromptWatchEnded
from store.log import EventLog
from store.reads.improvements import last_judged

COMPLETION = 2000
"""What an answer gets at least, in tokens."""
LEAST_SHARED = COMPLETION * 7 // 2
"""From this `judge.max_tokens` on an answer gets a share of it, which is more."""


def judge(context: JobContext) -> JobResult:
    """Judge a project's runs; its prompt is rewritten, proposed for, or kept.

    Raises TryLater when Groq asks to come back later, or cannot be reached; what was mined and
    what it cost goes with it.
    """
    assert context.project is not None
    case = Case.open(context, context.project)
    over = _watched(case)
    if over is not None:
        return over
    found = case.known.events
    try:
        events, summary = _judged(case)
    except JudgeFailure as failure:
        events, summary = kept(case, failure.code, said(failure), failure=failure)
        if failure.after_s is not None:
            told = () if _is_known(case, failure) else tuple(events)
            raise TryLater(
                failure.message, failure.after_s, hint=failure.hint, events=(*found, *told)
            ) from None
        return JobResult((*found, *events), summary, once=isinstance(failure, NoKey))
    return JobResult((*found, *events), summary)


def _watched(case: Case) -> JobResult | None:
    """What the watch over the version in the file says first; None when there is more to do.

    The daemon knows already. Somebody who judges by hand without one learns it here.
    """
    current = case.known.current
    if current is None or not current.watching:
        return None
    if not any(isinstance(event, PromptRewritten) for event in case.known.events):
        watched = watch_of(case.state.connection, str(case.project), current)
        if watched.decision == "worse":
            done = actions.take_back(case.context, case.state, case.known, current.version, watched)
            summary = f"{done.summary}: {watched.reason}"
            return JobResult((*case.known.events, *done.events), summary)
        if watched.decision == "kept" or watched.decision == "undecided":
            ended = PromptWatchEnded(
                version=current.version,
                test=watched.test,
                evidence=dict(watched.evidence),
                outcome=watched.decision,
                reason=watched.reason,
            )
            case.known = case.known.after(case.state, case.project, ended)
            return None
    if case.by_hand:
        return None  # what comes of it is proposed
    said = f"{FOUND}; " if case.known.events else ""
    return JobResult(case.known.events, f"{said}version {current.version} is watched: not judged")


def _is_known(case: Case, failure: JudgeFailure) -> bool:
    """Whether the log says already that these runs could not be judged for this reason."""
    judged = last_judged(case.state.connection, str(case.project))
    by_hand = case.by_hand and case.context.attempt == 1
    if by_hand or failure.tokens or judged is None or judged.code != failure.code:
        return False
    (record,) = EventLog(case.state.connection).read(judged.position - 1, until=judged.position)
    return getattr(record.event, "evidence_sha256", None) == case.evidence


def _judged(case: Case) -> tuple[list[Event], str]:
    if not case.report.findings:
        return kept(case, "no_findings", "no failure mode was found in the runs")
    learned, tested = split(case.report.episodes)
    shown = report_on(learned, case.library)
    try:
        source = find_prompt(case.project)
    except NoPrompt as error:
        return kept(case, "no_prompt", said(error))
    except RefusedSource as error:
        return kept(case, "refused_source", said(error))
    if source.block is not None and not source.block.intact:
        return conflict(case, source, source.block.problem)
    if not shown.findings:
        return kept(case, "held_out", "what was found is in held-out runs alone")
    old = source.block.rules if source.block is not None else []
    max_tokens = case.settings.max_tokens
    system = system_message(case.library)
    room = max_tokens - completion_of(max_tokens)
    case.pack = build_pack(shown, case.spec, [render(rule) for rule in old], room)
    if not case.pack.mode_ids:
        if not any(finding.citations for finding in shown.findings):
            return kept(case, "nothing_to_ask", "no tick shows what was found: no call")
        reason = "no failure mode fits into judge.max_tokens: no call (raise it)"
        return kept(case, "no_room", reason)
    schema = response_schema(case.pack, case.spec, case.library)
    case.key = question_key(case.pack.digest, source.sha256, schema, case.settings.model)
    judged = last_judged(case.state.connection, str(case.project))
    if judged is not None and judged.key == case.key:
        return kept(case, "same_question", "the same evidence was judged already: no call")
    usable_key(case.context.key)  # before anybody waits
    case.context.report({"step": "asking"})
    try:
        ledger = case.ledger()
        question = _question(case, system, case.pack, schema, ledger.left())
        answer = ask(question, case.context.key, ledger=ledger)
    except MissingExtraError as error:
        return kept(case, "missing_extra", said(error))
    claims = without_taken_back(
        check_claims(case.pack.real(answer.reply), shown, case.spec, case.library),
        case.known.rows,
    )
    if not claims.rules:
        reason = "no verified findings: no claim of the model held"
        return kept(case, "no_verified_findings", reason, answer=answer, claims=claims)
    rules = _merged(old, claims.rules, shown)
    if [render(rule) for rule in rules] == [render(rule) for rule in old]:
        reason = "the prompt has these rules already"
        return kept(case, "no_change", reason, answer=answer, claims=claims)
    return gated(case, source, rules, claims, answer, tested)


def completion_of(max_tokens: int) -> int:
    """How much of a call's tokens the answer may have: two sevenths, and never too few."""
    return max(COMPLETION, max_tokens * 2 // 7)


def _question(
    case: Case, system: str, pack: Pack, schema: Mapping[str, Any], tokens_left: int
) -> Ask:
    assert case.key is not None
    max_tokens = case.settings.max_tokens
    more = max(2 * max_tokens, 2 * LEAST_SHARED)
    return Ask(
        system=system,
        user=user_message(pack),
        schema=schema,
        model=case.settings.model,
        max_completion_tokens=completion_of(max_tokens),
        deadline_s=case.settings.deadline,
        tokens_left=tokens_left,
        idempotency_key=case.key,
        smaller=lambda: user_message(half) if (half := pack.halved()).mode_ids else None,
        by_hand=case.by_hand,
        longer=f"judge.max_tokens = {more} leaves an answer {completion_of(more)} tokens",
    )


def _merged(old: Sequence[Rule], new: Sequence[Rule], shown: MiningReport) -> list[Rule]:
    """New rules first; old ones stay unless a new one is for the same case."""
    cases = {(rule.phase, rule.condition, rule.tag) for rule in new}
    kept = [
        rule
        for rule in old
        if (rule.phase, rule.condition, rule.tag) not in cases and rule.condition != "always"
    ]
    return sorted([*new, *kept], key=precedence)[:MAX_RULES]
