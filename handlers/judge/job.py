"""The judge's job: mine, ask, check, edit, pass the gates, write. Runs in a child process.

Nothing is written before every gate has passed, and what is written is on disk as a version first.
Whatever goes wrong on the way, the prompt's file is as it was and an event says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.jobs import JobContext, JobResult, TryLater
from handlers.judge.context import JudgeContext
from handlers.judge.evidence.claims import (
    MAX_RULES,
    check_claims,
    response_schema,
    system_message,
    user_message,
)
from handlers.judge.evidence.findings import FOR_PEOPLE, Finding
from handlers.judge.evidence.mining import report_on
from handlers.judge.evidence.pack import Pack, build_pack, split
from handlers.judge.groq.client import ask, usable_key
from handlers.judge.groq.errors import JudgeFailure, NoKey
from handlers.judge.groq.question import Ask
from handlers.judge.monitor.outcome import ended
from handlers.judge.monitor.samples import monitor
from handlers.judge.outcome import keep_prompt, nothing_found, question_key, report_conflict
from handlers.judge.prompt import actions
from handlers.judge.prompt.block import block_text
from handlers.judge.prompt.known import FOUND
from handlers.judge.prompt.rules.grammar import render
from handlers.judge.prompt.rules.placing import precedence
from handlers.judge.prompt.rules.rule import Rule
from handlers.judge.prompt.source import NoPrompt, PromptSource, RefusedSource, find_prompt
from handlers.judge.rejected import without_rejected
from handlers.judge.rewrite import gated
from store.errors import MissingExtraError
from store.events.base import Event
from store.events.prompt import PromptRewritten
from store.log import EventLog
from store.reads.improvements import first_told, last_judged

COMPLETION = 2000
"""What an answer gets at least, in tokens."""
LEAST_SHARED = COMPLETION * 7 // 2
"""From this `judge.max_tokens` on an answer gets a share of it, which is more."""


def judge(task: JobContext) -> JobResult:
    """Judge a project's runs; its prompt is rewritten, proposed for, or kept.

    Raises TryLater when Groq asks to come back later, or cannot be reached; what was mined and
    what it cost goes with it.
    """
    assert task.project is not None
    context = JudgeContext.open(task, task.project)
    over = _end_of_monitoring(context)
    if over is not None:
        return over
    found = context.known.events
    try:
        events, summary = _judged(context)
    except JudgeFailure as failure:
        events, summary = keep_prompt(context, failure.code, failure.with_hint, failure)
        if failure.after_s is not None:
            news = () if _is_recorded(context, failure) else tuple(events)
            raise TryLater(
                failure.message, failure.after_s, hint=failure.hint, events=(*found, *news)
            ) from None
        return JobResult((*found, *events), summary, once=isinstance(failure, NoKey))
    return JobResult((*found, *events), summary)


def _end_of_monitoring(context: JudgeContext) -> JobResult | None:
    """What the monitor of the version in the file decides first; None when there is more to do.

    The daemon knows already. Somebody who judges by hand without one learns it here.
    """
    current, events = context.known.current, context.known.events
    if current is None or not current.watching:
        return None
    if not any(isinstance(event, PromptRewritten) for event in events):
        look = monitor(context.state.connection, str(context.project), current)
        if look.decision == "worse":
            done = actions.take_back(
                context.task, context.state, context.known, current.version, look
            )
            return JobResult((*events, *done.events), f"{done.summary}: {look.reason}")
        end = ended(current.version, look)
        if end is not None:
            context.known = context.known.after(context.state, context.project, end)
            return None
    if context.by_hand:
        return None  # what comes of it is proposed
    found = f"{FOUND}; " if events else ""
    return JobResult(events, f"{found}version {current.version} is watched: not judged")


def _is_recorded(context: JudgeContext, failure: JudgeFailure) -> bool:
    """Whether the log says already that these runs could not be judged for this reason."""
    judged = last_judged(context.state.connection, str(context.project))
    by_hand = context.by_hand and context.task.attempt == 1
    if by_hand or failure.tokens or judged is None or judged.code != failure.code:
        return False
    log = EventLog(context.state.connection)
    (record,) = log.read(judged.position - 1, until=judged.position)
    return getattr(record.event, "evidence_sha256", None) == context.evidence


def _judged(context: JudgeContext) -> tuple[list[Event], str]:
    source, refused = _source(context)
    block = source.block if source is not None else None
    if source is not None and block is not None and not block.intact:
        return report_conflict(context, source, block.problem)
    if not context.report.findings:
        return keep_prompt(context, "no_findings", nothing_found(context))
    learned, tested = split(context.report.episodes)
    shown = report_on(learned, context.spec, context.library)
    if isinstance(refused, NoPrompt):
        return keep_prompt(context, "no_prompt", refused.with_hint)
    if not shown.findings:
        return keep_prompt(context, "held_out", "what was found is in held-out runs alone")
    old = block.rules if block is not None else []
    max_tokens = context.settings.max_tokens
    room = max_tokens - completion_of(max_tokens)
    pack = build_pack(shown, context.spec, [render(rule) for rule in old], room)
    context.pack = pack
    if not pack.mode_ids:
        if not any(_is_askable(finding) for finding in shown.findings):
            reason = "no rule of a prompt can mend what was found: no call"
            return keep_prompt(context, "nothing_to_ask", reason)
        reason = "no failure mode fits into judge.max_tokens: no call (raise it)"
        return keep_prompt(context, "no_room", reason)
    schema = response_schema(pack, context.spec, context.library)
    prompt = source.sha256 if source is not None else ""
    context.key = question_key(pack.digest, prompt, schema, context.settings.model)
    judged = last_judged(context.state.connection, str(context.project))
    if judged is not None and judged.key == context.key:
        reason = "the same evidence was judged already: no call"
        return keep_prompt(context, "same_question", reason)
    usable_key(context.task.key)  # before anybody waits
    context.task.report({"step": "asking"})
    try:
        ledger = context.ledger()
        question = _question(context, pack, schema, context.key, ledger.left())
        context.answer = ask(question, context.task.key, ledger=ledger)
    except MissingExtraError as error:
        return keep_prompt(context, "missing_extra", error.with_hint)
    claims = check_claims(pack.real(context.answer.reply), shown, context.spec, context.library)
    context.claims = claims = without_rejected(claims, context.known.rows, _seen(context))
    if not claims.rules:
        reason = "no verified findings: no claim of the model held"
        return keep_prompt(context, "no_verified_findings", reason)
    rules = _merged(old, claims.rules)
    if source is None:
        assert refused is not None
        return keep_prompt(context, "refused_source", refused.with_hint, paste=block_text(rules))
    if [render(rule) for rule in rules] == [render(rule) for rule in old]:
        return keep_prompt(context, "no_change", "the prompt has these rules already")
    return gated(context, source, rules, tested)


def _source(context: JudgeContext) -> tuple[PromptSource | None, RefusedSource | None]:
    """The prompt; or why it cannot be edited: the block is shown then, to be pasted."""
    try:
        return find_prompt(context.project, context.settings.prompt), None
    except RefusedSource as error:
        return None, error


def _seen(context: JudgeContext) -> dict[str, list[int]]:
    """Failure mode -> for each run that shows it, the position where it was first told of."""
    first = first_told(context.state.connection, str(context.project))
    head = context.state.head()
    return {
        finding.id: [first.get(run, head) for run in {cited.run for cited in finding.citations}]
        for finding in context.report.findings
    }


def _is_askable(finding: Finding) -> bool:
    """Whether a rule could mend it, and ticks show it."""
    return bool(finding.citations) and finding.kind not in FOR_PEOPLE


def completion_of(max_tokens: int) -> int:
    """How much of a call's tokens the answer may have: two sevenths, and never too few."""
    return max(COMPLETION, max_tokens * 2 // 7)


def _question(
    context: JudgeContext, pack: Pack, schema: Mapping[str, Any], key: str, tokens_left: int
) -> Ask:
    max_tokens = context.settings.max_tokens
    more = max(2 * max_tokens, 2 * LEAST_SHARED)
    return Ask(
        system=system_message(context.library),
        user=user_message(pack),
        schema=schema,
        model=context.settings.model,
        max_completion_tokens=completion_of(max_tokens),
        deadline_s=context.settings.deadline,
        tokens_left=tokens_left,
        idempotency_key=key,
        smaller=lambda: user_message(half) if (half := pack.halved()).mode_ids else None,
        by_hand=context.by_hand,
        longer=f"judge.max_tokens = {more} leaves an answer {completion_of(more)} tokens",
    )


def _merged(old: Sequence[Rule], new: Sequence[Rule]) -> list[Rule]:
    """New rules first; old ones stay unless a new one is for the same case."""
    cases = {rule.case for rule in new}
    rest = [rule for rule in old if rule.case not in cases and not rule.is_unconditional]
    return sorted([*new, *rest], key=precedence)[:MAX_RULES]
