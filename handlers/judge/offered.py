"""The job of a prompt that the fleet offers: through this project's own gate, or taken back.

Each job does one thing, the most urgent that the log says is due, and what it records leads to the
next one: a kill at any point leaves the offer as it was, or done. What is offered are rules of the
block, rendered and parsed by code; they are tried, written, proposed and watched as a rewrite of
the judge's is, with the rules of the block that is here.
"""

from __future__ import annotations

from pathlib import Path

from handlers.jobs import JobContext, JobResult, with_history
from handlers.judge.candidates.candidate import Candidate
from handlers.judge.candidates.wishes import bans_of, contradicted
from handlers.judge.context import JudgeContext, Proposals
from handlers.judge.evidence.pack import split
from handlers.judge.job import prompt_of
from handlers.judge.prompt import actions
from handlers.judge.prompt.known import known
from handlers.judge.prompt.rules.grammar import parse
from handlers.judge.prompt.source import PromptSource
from handlers.judge.rewrite import rewrite
from handlers.judge.settings import JudgeSettings
from handlers.recovery import FINISHED_BEFORE, has_led_to
from store.errors import CadenzaError
from store.events.base import Event
from store.events.fleet import OfferDeclined, OfferKept, OfferReceived
from store.events.prompt import (
    PromptProposed,
    PromptRejected,
    PromptRewritten,
    PromptRolledBack,
    RuleFact,
)
from store.log import History
from store.reads.improvements import last_judged
from store.reads.offers import OfferRow, next_offer
from store.reads.state import State
from store.schema import Connection
from store.text import shell_word

CONCLUDES = (
    PromptRewritten,
    PromptProposed,
    PromptRejected,
    PromptRolledBack,
    OfferDeclined,
    OfferKept,
)
"""What may come of a job."""


class Declined(CadenzaError):
    """An offered version is not for this project; the message says why."""


@with_history
def consider(task: JobContext, history: Connection) -> JobResult:
    """Do what is due about a project's offers: take a pulled one back, or put one to the gate."""
    assert task.project is not None
    if has_led_to(CONCLUDES, task.job, history):
        return JobResult((), FINISHED_BEFORE)
    due = next_offer(history, str(task.project), "prompt")
    if due is None:
        return JobResult((), "no offer waits")
    if due.withdrawn:
        return _take_back(task, task.project, State(history), due)
    return _take_up(task, history, due)


# -- back ------------------------------------------------------------------------------------------


def _take_back(task: JobContext, project: Path, state: State, due: OfferRow) -> JobResult:
    """What came by a pulled offer, by the way that every version is taken back."""
    assert due.version is not None
    now = known(state, project, task.settings.of(JudgeSettings).prompt)
    row = next((row for row in now.rows if row.version == due.version), None)
    if row is not None and row.state == "proposed":
        rejected = PromptRejected(version=due.version, by=f"the hub, which pulled {due.offer}")
        return JobResult((*now.events, rejected), f"version {due.version} is no proposal any more")
    if row is None or row.state != "current":
        since = now.current
        why = f"version {since.version} stands on it" if since is not None else "it is gone already"
        fix = f"`cadenzactl prompt {shell_word(project.name)} rollback` takes versions back"
        kept = OfferKept(offer=due.offer, reason=f"{due.reason}; {why}: {fix}")
        return JobResult((*now.events, kept), f"offer {due.offer} was pulled, but {why}")
    reason = f"offer {due.offer} was pulled: {due.reason}"
    spec = {"action": "rollback", "version": due.version, "by": "cadenzad", "reason": reason}
    done = actions.take_back(task, state, now, spec)
    return JobResult((*now.events, *done.events), f"{done.summary}: {reason}")


# -- up --------------------------------------------------------------------------------------------


def _take_up(task: JobContext, history: Connection, due: OfferRow) -> JobResult:
    """An offered version through the gates that a rewrite of the judge's passes here."""
    assert task.project is not None
    context = JudgeContext.open(task, task.project, history)
    context.offer = due.offer
    found, current = context.known.events, context.known.current
    if current is not None and current.watching:
        return JobResult(found, f"version {current.version} is watched: offer {due.offer} waits")
    try:
        events, summary = _tried(context, due)
    except Declined as error:
        events, summary = [], error.message
    if not any(isinstance(event, PromptRewritten | PromptProposed) for event in events):
        events = [*events, OfferDeclined(offer=due.offer, reason=summary)]
    return JobResult((*found, *events), f"offer {due.offer}: {summary}")


def _tried(context: JudgeContext, due: OfferRow) -> tuple[list[Event], str]:
    if context.settings.mode == "off":
        raise Declined('judge.mode is "off" here')
    source, refused = prompt_of(context)
    if source is None:
        raise Declined(refused.with_hint if refused is not None else "there is no prompt")
    if source.block is not None and not source.block.intact:
        raise Declined(source.block.problem)
    log = History(context.state.connection)
    (record,) = log.read(due.position - 1, until=due.position)
    assert isinstance(record.event, OfferReceived)
    candidate = _candidate(context, source, record.event.rules)
    context.proposals = Proposals((candidate,))
    judged = last_judged(context.state.connection, str(context.project))
    context.key = judged.key if judged is not None else None  # that question is still answered
    return rewrite(context, source, split(context.report.episodes)[1])


def _candidate(
    context: JudgeContext, source: PromptSource, offered: tuple[RuleFact, ...]
) -> Candidate:
    """What is offered, as something to try. Raises Declined for what cannot hold here."""
    lines = {fact.line for fact in offered}
    for row in context.known.rows:
        if row.unwanted and lines <= {str(rule["line"]) for rule in row.rules}:
            raise Declined(f"these rules were taken back or rejected here, with {row.version}")
    rules = []
    for fact in offered:
        rule = parse(fact.line)
        if rule is None:
            raise Declined(f"{fact.line!r} is no rule that this version of cadenzad knows")
        if rule.action not in context.library.actions:
            raise Declined(f"{fact.line!r}: this robot has no action {rule.action!r}")
        rules.append(rule)
    first = offered[0]
    return Candidate(
        tuple(rules),
        first.by,
        first.mode_id,
        why="offered by the fleet's hub",
        contradicts=contradicted(rules, bans_of(source.value, context.library)),
    )
