"""The judge's job: mine, propose, try, edit, pass the gates, write. Runs in a child process.

Nothing is written before every gate has passed, and what is written is on disk as a version first.
Whatever goes wrong on the way, the prompt's file is as it was and an event says why.
"""

from __future__ import annotations

from handlers.jobs import JobContext, JobResult, TryLater, with_history
from handlers.judge.context import JudgeContext
from handlers.judge.evidence.mining import report_on
from handlers.judge.evidence.pack import split
from handlers.judge.groq.errors import JudgeFailure, NoKey
from handlers.judge.monitor.outcome import ended, rollback_spec
from handlers.judge.monitor.samples import monitor
from handlers.judge.outcome import keep_prompt, nothing_found, report_conflict
from handlers.judge.prompt import actions
from handlers.judge.prompt.known import FOUND
from handlers.judge.prompt.source import NoPrompt, PromptSource, RefusedSource, find_prompt
from handlers.judge.remedies.proposing import Keep, propose
from handlers.judge.rewrite import pasted, rewrite
from store.events.base import Event
from store.events.prompt import PromptRewritten
from store.log import History
from store.reads.improvements import last_judged
from store.schema import Connection


@with_history
def judge(task: JobContext, history: Connection) -> JobResult:
    """Judge a project's runs; its prompt is rewritten, proposed for, or kept.

    Raises TryLater when Groq asks to come back later, or cannot be reached; what was mined and
    what it cost goes with it.
    """
    assert task.project is not None
    context = JudgeContext.open(task, task.project, history)
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
            spec = rollback_spec(current.version, look)
            done = actions.take_back(context.task, context.state, context.known, spec)
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
    log = History(context.state.connection)
    (record,) = log.read(judged.position - 1, until=judged.position)
    return getattr(record.event, "evidence_sha256", None) == context.evidence


def _judged(context: JudgeContext) -> tuple[list[Event], str]:
    source, refused = prompt_of(context)
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
    try:
        context.proposals = propose(context, source, shown)
    except Keep as nothing:
        return keep_prompt(context, nothing.code, nothing.message)
    if source is not None:
        return rewrite(context, source, tested)
    assert refused is not None
    if not context.proposals.kept:
        reason = "no verified findings: no candidate held"
        return keep_prompt(context, "no_verified_findings", reason)
    reason = refused.with_hint
    return keep_prompt(context, "refused_source", reason, paste=pasted(context, None))


def prompt_of(context: JudgeContext) -> tuple[PromptSource | None, RefusedSource | None]:
    """The prompt; or why it cannot be edited: the block is shown then, to be pasted."""
    try:
        return find_prompt(context.project, context.settings.prompt), None
    except RefusedSource as error:
        return None, error
