"""What a judging records: what was found, and why the prompt was kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from handlers.judge.context import Case
from handlers.judge.evidence.claims import Claims
from handlers.judge.groq.errors import JudgeFailure
from handlers.judge.groq.question import Answer
from handlers.judge.prompt.source import PromptSource
from store.errors import CadenzaError
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


def runs_judged(
    case: Case,
    *,
    answer: Answer | None = None,
    claims: Claims | None = None,
    failure: JudgeFailure | None = None,
) -> RunsJudged:
    """The event of a judging: what was mined, and what an answer or a failed call cost."""
    usage = usage_of(answer) if answer is not None else None
    if failure is not None and failure.calls:
        usage = TokenUsage(total=failure.tokens, calls=failure.calls)
    return RunsJudged(
        runs=len(case.report.runs),
        ticks=case.report.ticks,
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
            )
            for item in case.report.findings
        ),
        claims=ClaimCounts(kept=claims.kept, dropped=len(claims.dropped)) if claims else
        ClaimCounts(),
        dropped=claims.dropped if claims else (),
        remarks=claims.remarks if claims else (),
        left_out=case.left_out,
        usage=usage,
        model=answer.model if answer else None,
        evidence_sha256=case.evidence,
        # Only a question that was answered need not be asked again.
        key=case.key if answer is not None else _old_key(case),
    )  # fmt: skip


def _old_key(case: Case) -> str | None:
    judged = last_judged(case.state.connection, str(case.project))
    return judged.key if judged is not None else None


def kept(
    case: Case,
    code: str,
    reason: str,
    *,
    answer: Answer | None = None,
    claims: Claims | None = None,
    failure: JudgeFailure | None = None,
) -> tuple[list[Event], str]:
    """The events and the line for a prompt that stays as it is."""
    judged = runs_judged(case, answer=answer, claims=claims, failure=failure)
    return [judged, PromptKept(code=code, reason=reason)], reason


def conflict(
    case: Case,
    source: PromptSource,
    reason: str,
    *,
    answer: Answer | None = None,
    claims: Claims | None = None,
) -> tuple[list[Event], str]:
    """The events and the line for a block that somebody else has changed."""
    judged = runs_judged(case, answer=answer, claims=claims)
    current, last = case.known.current, last_judged(case.state.connection, str(case.project))
    place = f"{source.path.name}: {reason}"
    if current is None and last is not None and (last.code, last.reason) == ("conflict", place):
        # Said before, and nothing has changed: no further conflict.
        return [judged, PromptKept(code="conflict", reason=place)], f"conflict: {reason}"
    found = PromptConflictFound(
        file=source.path.name, reason=reason, version=current.version if current else None
    )
    return [judged, found], f"conflict: {reason}"


def said(error: CadenzaError) -> str:
    """An error and what to do about it, in one line."""
    return f"{error.message} ({error.hint})" if error.hint else error.message


def usage_of(answer: Answer) -> TokenUsage:
    """What a call cost, as the log has it."""
    return TokenUsage(
        prompt=answer.prompt_tokens,
        completion=answer.completion_tokens,
        total=answer.total_tokens,
        calls=answer.calls,
    )


def question_key(evidence: str, prompt: str, schema: Mapping[str, Any], model: str) -> str:
    """A hash of all that is asked: the same question is not asked twice."""
    parts = json.dumps([evidence, prompt, schema, model], sort_keys=True)
    return hashlib.sha256(parts.encode()).hexdigest()
