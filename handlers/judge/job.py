"""The judge's job: mine, ask, check, edit, pass the gates, write. Runs in a child process.

Nothing is written before every gate has passed, and what is written is on disk as a version first.
Whatever goes wrong on the way, the prompt's file is as it was and an event says why.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.jobs import JobContext, JobResult, TryLater
from handlers.judge import versions
from handlers.judge.brain import find_brain
from handlers.judge.claims import (
    MAX_RULES,
    Claims,
    check_claims,
    precedence,
    response_schema,
    system_message,
    user_message,
)
from handlers.judge.evidence import Pack, build_pack, split
from handlers.judge.failures import JudgeFailure
from handlers.judge.gates import Gate
from handlers.judge.groq_call import Answer, Ask, ask
from handlers.judge.keys import usable_key
from handlers.judge.mining import MiningReport, mine, report_on
from handlers.judge.recovery import recovered
from handlers.judge.replay import replay
from handlers.judge.rules import Rule, render
from handlers.judge.source import (
    BlockConflict,
    NoPrompt,
    PromptSource,
    RefusedSource,
    edited,
    find_prompt,
    parse_prompt,
)
from handlers.judge.static_gate import check_static
from handlers.judge.ticks import RunLog
from handlers.judge.trials import trials
from handlers.project.library import ActionLibrary, library_for
from handlers.project.paths import inside
from handlers.project.runs import run_logs
from handlers.project.spec import ProjectSpec, load_spec
from handlers.project.writing import ChangedMeanwhile, swap
from store.errors import CadenzaError, MissingExtraError
from store.events import Event
from store.improvements import (
    PromptRow,
    current_prompt,
    last_judged,
    prompt_versions,
    tokens_on,
    trusted,
)
from store.promptevents import (
    ClaimCounts,
    FindingFact,
    PromptConflictFound,
    PromptKept,
    PromptProposed,
    PromptRewritten,
    PromptVersion,
    RuleFact,
    RunsJudged,
    TokenUsage,
)
from store.queries import State
from store.schema import connect_reader

COMPLETION = 2000
CITED = 5


def judge(context: JobContext) -> JobResult:
    """Judge a project's runs; its prompt is rewritten, proposed for, or kept.

    Raises TryLater when Groq asks to come back later, or cannot be reached.
    """
    assert context.project is not None
    case = _Case.open(context, context.project)
    found = recovered(case.state, context.project)
    if found is not None:
        return JobResult((found,), "recorded a version that was written just before a crash")
    try:
        events, summary = _judged(case)
    except JudgeFailure as failure:
        if failure.after_s is not None:
            raise TryLater(failure.message, failure.after_s, hint=failure.hint) from None
        events, summary = _kept(case, failure.code, _said(failure), failure.tokens)
    return JobResult(tuple(events), summary)


@dataclass
class _Case:
    """Everything a judging is about."""

    context: JobContext
    project: Path
    spec: ProjectSpec
    library: ActionLibrary
    state: State
    report: MiningReport
    settings: Mapping[str, Any]
    pack: Pack | None = None
    key: str | None = None

    @classmethod
    def open(cls, context: JobContext, project: Path) -> _Case:
        spec = load_spec(project / "env.json")
        library = library_for(spec.robot, project, spec.signals)
        settings = {**context.settings.get("judge", {}), **context.spec.get("settings", {})}
        context.report({"step": "mining"})
        logs = newest_logs(project, int(settings["max_runs"]))
        report = mine(logs, spec, library)
        state = State(connect_reader(context.state_dir))
        return cls(context, project, spec, library, state, report, settings)

    @property
    def by(self) -> str:
        return str(self.context.spec.get("by", "cadenzad"))

    def next_version(self) -> int:
        rows = prompt_versions(self.state.connection, str(self.project))
        return max((row.version for row in rows), default=0) + 1

    def tokens_left(self) -> int:
        from datetime import UTC, datetime

        spent = tokens_on(self.state.connection, datetime.now(UTC).date().isoformat())
        return int(self.settings["daily_tokens"]) - spent


def newest_logs(project: Path, limit: int) -> list[RunLog]:
    """A project's newest run logs, the oldest of them first."""
    logs = [RunLog(log.run_id, log.path, log.format) for log in run_logs(project)]
    return logs[-limit:]


# -- the steps -------------------------------------------------------------------------------------


def _judged(case: _Case) -> tuple[list[Event], str]:
    if not case.report.findings:
        return _kept(case, "no_findings", "no failure mode was found in the runs")
    learned, tested = split(case.report.episodes)
    shown = report_on(learned, case.library)
    try:
        source = find_prompt(case.project)
    except NoPrompt as error:
        return _kept(case, "no_prompt", error.message)
    except RefusedSource as error:
        return _kept(case, "refused_source", error.message)
    if source.block is not None and not source.block.intact:
        return _conflict(case, source, source.block.problem)
    if not shown.findings:
        return _kept(case, "held_out", "what was found is in held-out runs alone")
    old = source.block.rules if source.block is not None else []
    max_tokens = int(case.settings["max_tokens"]) - COMPLETION
    system = system_message(case.library)
    case.pack = build_pack(shown, case.spec, [render(rule) for rule in old], max_tokens)
    schema = response_schema(case.pack, case.spec, case.library)
    case.key = _key(case.pack.digest, source.sha256, schema, str(case.settings["model"]))
    judged = last_judged(case.state.connection, str(case.project))
    if judged is not None and judged.key == case.key and not case.context.spec.get("again"):
        return _kept(case, "same_question", "the same evidence was judged already: no call")
    usable_key(case.context.key)  # before anybody waits
    case.context.report({"step": "asking"})
    try:
        answer = ask(_question(case, system, case.pack, schema), case.context.key)
    except MissingExtraError as error:
        return _kept(case, "missing_extra", f"{error.message}; {error.hint}")
    claims = without_taken_back(
        check_claims(answer.reply, shown, case.spec, case.library),
        prompt_versions(case.state.connection, str(case.project)),
    )
    if not claims.rules:
        reason = "no verified findings: no claim of the model held"
        return _kept(case, "no_verified_findings", reason, answer=answer, claims=claims)
    rules = _merged(old, claims.rules, shown)
    if [render(rule) for rule in rules] == [render(rule) for rule in old]:
        reason = "the prompt has these rules already"
        return _kept(case, "no_change", reason, answer=answer, claims=claims)
    return _gated(case, source, rules, claims, answer, [*old], tested)


def without_taken_back(claims: Claims, rows: Sequence[PromptRow]) -> Claims:
    """Claims without the rules that were rolled back or rejected: those had their chance."""
    gone = {
        rule["line"]
        for row in rows
        if row.state in ("rolled_back", "rejected")
        for rule in row.rules
    }
    good = [index for index, rule in enumerate(claims.rules) if render(rule) not in gone]
    dropped = [
        f"{render(rule)[2:]!r} was taken back before"
        for rule in claims.rules
        if render(rule) in gone
    ]
    return Claims(
        tuple(claims.rules[index] for index in good),
        tuple(claims.cites[index] for index in good),
        (*claims.dropped, *dropped),
        claims.remarks,
    )


def _question(case: _Case, system: str, pack: Pack, schema: Mapping[str, Any]) -> Ask:
    assert case.key is not None
    return Ask(
        system=system,
        user=user_message(pack),
        schema=schema,
        model=str(case.settings["model"]),
        max_completion_tokens=COMPLETION,
        deadline_s=float(case.settings["deadline"]),
        tokens_left=case.tokens_left(),
        idempotency_key=case.key,
        smaller=lambda: user_message(pack.halved()),
    )


def _merged(old: Sequence[Rule], new: Sequence[Rule], shown: MiningReport) -> list[Rule]:
    """New rules first; old ones stay unless a new one is for the same case."""
    cases = {(rule.phase, rule.condition, rule.tag) for rule in new}
    kept = [rule for rule in old if (rule.phase, rule.condition, rule.tag) not in cases]
    return sorted([*new, *kept], key=precedence)[:MAX_RULES]


def _gated(
    case: _Case,
    source: PromptSource,
    rules: Sequence[Rule],
    claims: Claims,
    answer: Answer,
    old: Sequence[Rule],
    tested: Sequence[Any],
) -> tuple[list[Event], str]:
    """The edit and its gates; then the write, or a proposal."""
    case.context.report({"step": "gates"})
    try:
        after = edited(source, rules)
    except BlockConflict as error:
        return _conflict(case, source, error.message, answer=answer, claims=claims)
    except RefusedSource as error:
        return _kept(case, "refused_source", error.message, answer=answer, claims=claims)
    made = parse_prompt(after, source.path)
    trust = trusted(case.state.connection, str(case.project), source.path.name)
    gates = [
        check_static(source, after, source.path, secrets=[case.context.key or ""]),
        Gate("G1 citations", "pass", f"{claims.kept} claims hold, {len(claims.dropped)} dropped",
             {"kept": claims.kept, "dropped": len(claims.dropped)}),
        replay(old, list(rules), tested),
    ]  # fmt: skip
    found = find_brain(case.project, source, trust)
    simulated, verdict = trials(
        case.spec,
        case.library,
        found,
        source,
        made,
        seeds=int(case.settings["seeds"]),
        report=case.context.report,
    )
    gates.append(simulated)
    failed = next((gate for gate in gates if gate.result == "fail"), None)
    if failed is not None:
        reason = f"{failed.name}: {failed.detail}"
        return _kept(case, "gate", reason, answer=answer, claims=claims)
    return _write(case, source, after, _version(case, source, after, rules, claims, answer, gates,
                                                verdict == "improved"), claims, answer)  # fmt: skip


def _version(
    case: _Case,
    source: PromptSource,
    after: bytes,
    rules: Sequence[Rule],
    claims: Claims,
    answer: Answer,
    gates: Sequence[Gate],
    improved: bool,
) -> PromptVersion:
    assert case.pack is not None
    name = str(source.path.relative_to(case.project.resolve()))
    current = current_prompt(case.state.connection, str(case.project))
    cites = {render(rule): cited for rule, cited in zip(claims.rules, claims.cites, strict=True)}
    before = {rule["line"]: rule for rule in (current.rules if current else [])}
    facts = []
    for rule in rules:
        line = render(rule)
        known = before.get(line, {})
        facts.append(
            RuleFact(
                line=line,
                mode_id=rule.mode_id or str(known.get("mode_id", "")),
                citations=cites.get(line, tuple(known.get("citations", ()))),
            )
        )
    return PromptVersion(
        version=case.next_version(),
        parent=current.version if current else None,
        file=name,
        before_sha256=source.sha256,
        after_sha256=hashlib.sha256(after).hexdigest(),
        rules=tuple(facts),
        diff=versions.diff_of(name, source.data, after),
        evidence_sha256=case.pack.digest,
        model=answer.model,
        usage=_usage(answer),
        gates=tuple(gate.fact() for gate in gates),
        improved=improved,
    )


def _write(
    case: _Case,
    source: PromptSource,
    after: bytes,
    version: PromptVersion,
    claims: Claims,
    answer: Answer,
) -> tuple[list[Event], str]:
    judged = _runs_judged(case, answer=answer, claims=claims)
    facts = version.model_dump()
    verdict = "improved" if version.improved else "unverified"
    if case.settings["mode"] == "propose":
        proposed = PromptProposed(**facts, reason=f"waits for approval ({verdict})")
        _save(case, proposed, source.data, after)
        return [judged, proposed], f"version {version.version} is proposed ({verdict})"
    rewritten = PromptRewritten(**facts, by=case.by)
    _save(case, rewritten, source.data, after)
    try:
        swap(inside(case.project, source.path), source.sha256, after)
    except (ChangedMeanwhile, OSError) as error:
        why = error.message if isinstance(error, CadenzaError) else str(error)
        proposed = PromptProposed(**facts, reason=why)
        _save(case, proposed, source.data, after)
        return [judged, proposed], f"version {version.version} is proposed: {why}"
    count = len(version.rules)
    return [judged, rewritten], f"version {version.version}: {count} rules ({verdict})"


def _save(
    case: _Case, event: PromptProposed | PromptRewritten, before: bytes, after: bytes
) -> None:
    facts = {"type": event.type_name(), **event.model_dump(mode="json")}
    versions.save(case.project, event.version, facts, before, after)


# -- what is said ----------------------------------------------------------------------------------


def _runs_judged(
    case: _Case, *, answer: Answer | None = None, claims: Claims | None = None, tokens: int = 0
) -> RunsJudged:
    usage = _usage(answer) if answer is not None else None
    if tokens:
        usage = TokenUsage(total=tokens, calls=1)
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
        usage=usage,
        model=answer.model if answer else None,
        evidence_sha256=case.pack.digest if case.pack else case.report.digest(),
        # Only a question that was answered need not be asked again.
        key=case.key if answer is not None else _old_key(case),
    )  # fmt: skip


def _old_key(case: _Case) -> str | None:
    judged = last_judged(case.state.connection, str(case.project))
    return judged.key if judged is not None else None


def _kept(
    case: _Case,
    code: str,
    reason: str,
    tokens: int = 0,
    *,
    answer: Answer | None = None,
    claims: Claims | None = None,
) -> tuple[list[Event], str]:
    judged = _runs_judged(case, answer=answer, claims=claims, tokens=tokens)
    return [judged, PromptKept(code=code, reason=reason)], reason


def _conflict(
    case: _Case,
    source: PromptSource,
    reason: str,
    *,
    answer: Answer | None = None,
    claims: Claims | None = None,
) -> tuple[list[Event], str]:
    judged = _runs_judged(case, answer=answer, claims=claims)
    found = PromptConflictFound(file=source.path.name, reason=reason)
    return [judged, found], f"conflict: {reason}"


def _said(failure: JudgeFailure) -> str:
    return f"{failure.message} ({failure.hint})" if failure.hint else failure.message


def _usage(answer: Answer) -> TokenUsage:
    return TokenUsage(
        prompt=answer.prompt_tokens,
        completion=answer.completion_tokens,
        total=answer.total_tokens,
        calls=answer.calls,
    )


def _key(evidence: str, prompt: str, schema: Mapping[str, Any], model: str) -> str:
    parts = json.dumps([evidence, prompt, schema, model], sort_keys=True)
    return hashlib.sha256(parts.encode()).hexdigest()
