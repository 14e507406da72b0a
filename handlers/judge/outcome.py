"""What a judging records: what was found, and why the prompt was kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from handlers.judge.candidates.candidate import Dropped
from handlers.judge.context import JudgeContext
from handlers.judge.groq.errors import JudgeFailure
from handlers.judge.groq.question import Answer
from handlers.judge.prompt.source import PromptSource
from store.events.base import Event
from store.events.prompt import (
    ClaimCounts,
    FindingFact,
    PromptConflictFound,
    PromptKept,
    RunsJudged,
    TokenUsage,
)
from store.reads.improvements import last_judged

CITED = 5
IN_VAIN = frozenset({"no_better", "no_verified_findings"})
"""Codes that say that every candidate was rejected."""


def runs_judged(context: JudgeContext, failure: JudgeFailure | None = None) -> RunsJudged:
    """The event of a judging: what was mined, and what an answer or a failed call cost."""
    answer, proposals = context.answer, context.proposals
    usage = usage_of(answer) if answer is not None else None
    if failure is not None and failure.calls:
        usage = TokenUsage(total=failure.tokens, calls=failure.calls)
    counts, dropped = ClaimCounts(), []
    if proposals is not None:
        dropped = [*proposals.unweighed, *(f"{_said(item)}" for item in proposals.dropped)]
        counts = ClaimCounts(kept=len(proposals.kept), dropped=len(dropped))
    return RunsJudged(
        runs=len(context.report.runs),
        ticks=context.report.ticks,
        findings=tuple(
            FindingFact(
                id=item.id,
                kind=item.kind,
                phase=item.phase,
                count=item.count,
                ticks=item.ticks,
                runs=item.runs,
                first_seen=item.first_seen,
                last_seen=item.last_seen,
                citations=tuple(str(cited) for cited in item.citations[:CITED]),
                lift=item.detail.get("lift"),
                p=item.detail.get("p"),
            )
            for item in context.report.findings
        ),
        claims=counts,
        dropped=tuple(dropped),
        remarks=(proposals.remark,) if proposals is not None and proposals.remark else (),
        left_out=context.left_out,
        usage=usage,
        model=answer.model if answer is not None else None,
        evidence_sha256=context.evidence,
        # Only what was answered, by a model or by code, need not be asked again.
        key=context.key if proposals is not None else _old_key(context),
        shared=proposals.shared if proposals is not None else "",
    )


def _said(dropped: Dropped) -> str:
    rules = " / ".join(line[2:] for line in dropped.candidate.lines)
    return f"{rules}: {dropped.reason}"


def _old_key(context: JudgeContext) -> str | None:
    judged = last_judged(context.state.connection, str(context.project))
    return judged.key if judged is not None else None


def keep_prompt(
    context: JudgeContext,
    code: str,
    reason: str,
    failure: JudgeFailure | None = None,
    *,
    paste: str = "",
) -> tuple[list[Event], str]:
    """The events and the line for a prompt that stays as it is. `paste`: the block it lacks."""
    kept = PromptKept(code=code, reason=reason, paste=paste)
    judged = runs_judged(context, failure)
    if code in IN_VAIN:
        judged = judged.changed(rejected=context.rejection)
    return [judged, kept], reason


def nothing_found(context: JudgeContext) -> str:
    """Why there is nothing to do, with the runs that are no evidence and what is resolved."""
    report = context.report
    said = ["no failure mode was found in the runs"]
    if not report.runs:
        said = ["no run is evidence about the prompt"]
    elif not any(name in report.outcomes for name in ("failed", "unfinished", "unknown")):
        said = ["nothing failed"]
    if report.left_out:
        counts = ", ".join(f"{count} {reason}" for reason, count in report.left_out.items())
        said.append(f"not counted: {counts}")
    if report.resolved:
        said.append(f"not seen since: {', '.join(report.resolved)}")
    return "; ".join(said)


def report_conflict(
    context: JudgeContext, source: PromptSource, reason: str
) -> tuple[list[Event], str]:
    """The events and the line for a block that somebody else has changed."""
    judged = runs_judged(context)
    current = context.known.current
    last = last_judged(context.state.connection, str(context.project))
    file = source.path.relative_to(context.project.resolve()).as_posix()
    place = f"{file}: {reason}"
    if current is None and last is not None and (last.code, last.reason) == ("conflict", place):
        # Recorded before, and nothing has changed: no further conflict.
        return [judged, PromptKept(code="conflict", reason=place)], f"conflict: {reason}"
    found = PromptConflictFound(
        file=file, reason=reason, version=current.version if current else None
    )
    return [judged, found], f"conflict: {reason}"


def usage_of(answer: Answer) -> TokenUsage:
    """What a call cost, as the log has it."""
    return TokenUsage(
        prompt=answer.prompt_tokens,
        completion=answer.completion_tokens,
        total=answer.total_tokens,
        calls=answer.calls,
    )


def question_key(evidence: str, case: str, schema: Mapping[str, Any], model: str) -> str:
    """A hash of all that is asked, and in which case (remedies/rejected.py): the same question is
    not asked twice."""
    parts = json.dumps([evidence, case, schema, model], sort_keys=True)
    return hashlib.sha256(parts.encode()).hexdigest()
