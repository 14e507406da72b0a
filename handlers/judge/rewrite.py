"""From checked rules to a rewritten prompt: the edit, its gates, then the write or a proposal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from handlers.judge.context import JudgeContext
from handlers.judge.evidence.claims import Claims
from handlers.judge.evidence.ticks import Episode
from handlers.judge.gate import Gate
from handlers.judge.gates.arena import Arena, spare_cores
from handlers.judge.gates.budget import Budget, next_budget
from handlers.judge.gates.replay import replay
from handlers.judge.gates.simulation import Limits, Trial, trials
from handlers.judge.monitor.unread import unread_logs
from handlers.judge.outcome import keep_prompt, report_conflict, runs_judged, usage_of
from handlers.judge.policy import Choice, choose_policy
from handlers.judge.prompt import versions
from handlers.judge.prompt.block import block_text
from handlers.judge.prompt.check import check_static
from handlers.judge.prompt.code import driver_name
from handlers.judge.prompt.recovery import PROMPTS
from handlers.judge.prompt.rules.grammar import parse_all, render
from handlers.judge.prompt.rules.rule import Rule
from handlers.judge.prompt.source import (
    BlockConflict,
    PromptSource,
    RefusedSource,
    edited,
)
from handlers.judge.proxy.client import Proxy
from handlers.project.paths import inside
from handlers.project.writing import ChangedMeanwhile, swap
from handlers.recovery import log_name, note
from store.errors import CadenzaError
from store.events.base import Event
from store.events.prompt import PromptProposed, PromptRewritten, PromptVersion, RuleFact
from store.reads.improvements import trials_so_far, trusted


def gated(
    context: JudgeContext, source: PromptSource, rules: Sequence[Rule], tested: Sequence[Episode]
) -> tuple[list[Event], str]:
    """The edit and its gates; then the write, or a proposal. `tested`: the held-out runs."""
    assert context.claims is not None
    context.task.report({"step": "gates"})
    try:
        after = edited(source, rules)
    except BlockConflict as error:
        return report_conflict(context, source, error.message)
    except RefusedSource as error:
        return keep_prompt(context, "refused_source", error.with_hint, paste=block_text(rules))
    made = source.again(after)
    gates = [
        check_static(source, after, secrets=[context.task.key or ""]),
        _citations(context.claims),
        replay(parse_all(source.value.split("\n")), parse_all(made.value.split("\n")), tested),
    ]
    failed = next((gate for gate in gates if gate.result == "fail"), None)
    if failed is not None:  # no trial: that would use up some of the project's error budget
        return keep_prompt(context, "gate", f"{failed.name}: {failed.detail}")
    trial = _trial(context, source, made)
    tried = [trial.fact] if trial.fact is not None else []
    if trial.gate.result == "fail":
        events, summary = keep_prompt(context, "gate", f"{trial.gate.name}: {trial.gate.detail}")
        return [*tried, *events], summary
    version = _version(
        context, source, after, rules, [*gates, trial.gate], trial.verdict == "improved"
    )
    return _write(context, source, after, version, tried)


def _trial(context: JudgeContext, source: PromptSource, made: PromptSource) -> Trial:
    """Old and new prompt against each other, in simulation."""
    trust = trusted(
        context.state.connection, str(context.project), driver_name(context.project, source)
    )
    choice = Choice("none", f"a part of {source.found.label} is known only when it runs")
    if source.is_exact:
        choice = choose_policy(context.project, source, trust)
    arena = Arena(
        context.spec,
        context.library,
        choice,
        context.project,
        spare_cores(),
        _models(context, choice),
    )
    limits = Limits(context.settings.seeds, context.settings.trial_s)
    return trials(
        arena, source, [made], _budget(context, source, made), limits, report=context.task.report
    )


def _models(context: JudgeContext, choice: Choice) -> Proxy | None:
    """What a brain that is a language model asks through."""
    if not choice.providers:
        return None
    return Proxy(
        {"groq": context.task.key, "openai": context.task.openai_key},
        context.settings.trial_calls,
        context.task.state_dir,
        context.settings.daily_tokens,
        context.tokens_today,
    )


def _budget(context: JudgeContext, source: PromptSource, made: PromptSource) -> Budget:
    """What this trial may use of what all of the project's trials share."""
    log = context.state.connection
    identity = f"{log_name(log)} {context.project} {source.sha256} {made.sha256}"
    on_disk = versions.last_decision(context.project)
    return next_budget(trials_so_far(log, str(context.project)), on_disk, identity)


def _citations(claims: Claims) -> Gate:
    dropped = len(claims.dropped)
    detail = f"{claims.kept} claims hold, {dropped} dropped"
    return Gate("G1 citations", "pass", detail, {"kept": claims.kept, "dropped": dropped})


def _version(
    context: JudgeContext,
    source: PromptSource,
    after: bytes,
    rules: Sequence[Rule],
    gates: Sequence[Gate],
    improved: bool,
) -> PromptVersion:
    claims, answer, pack = context.claims, context.answer, context.pack
    assert claims is not None
    assert answer is not None
    assert pack is not None
    name = str(source.path.relative_to(context.project.resolve()))
    current = context.known.current
    cites = {render(rule): cited for rule, cited in zip(claims.rules, claims.cites, strict=True)}
    before = {rule["line"]: rule for rule in (current.rules if current else [])}
    facts = []
    for rule in rules:
        line = render(rule)
        old = before.get(line, {})
        facts.append(
            RuleFact(
                line=line,
                mode_id=rule.mode_id or str(old.get("mode_id", "")),
                citations=cites.get(line, tuple(old.get("citations", ()))),
            )
        )
    return PromptVersion(
        version=context.known.next_version,
        parent=current.version if current else None,
        file=name,
        before_sha256=source.sha256,
        after_sha256=hashlib.sha256(after).hexdigest(),
        rules=tuple(facts),
        diff=versions.diff_of(name, source.data, after),
        evidence_sha256=pack.digest,
        model=answer.model,
        usage=usage_of(answer),
        gates=tuple(gate.fact() for gate in gates),
        improved=improved,
    )


def _write(
    context: JudgeContext,
    source: PromptSource,
    after: bytes,
    version: PromptVersion,
    tried: Sequence[Event],
) -> tuple[list[Event], str]:
    facts = version.model_dump()
    verdict = "improved" if version.improved else "unverified"
    found = [runs_judged(context), *tried]

    def propose(reason: str, summary: str) -> tuple[list[Event], str]:
        proposed = PromptProposed(**facts, reason=reason)
        _save(context, proposed, source, after)
        return [*found, proposed], f"version {version.version} is proposed{summary}"

    if context.settings.mode == "propose":
        return propose(f"waits for approval ({verdict})", f" ({verdict})")
    if not version.improved and context.settings.unverified == "propose":
        why = 'nothing shows that it helps, and judge.unverified is "propose"'
        return propose(f"waits for approval ({verdict}): {why}", f" ({verdict}): {why}")
    current = context.known.current
    if current is not None and current.watching:
        approve = f"`cadenzactl prompt {context.project.name} approve`"
        why = f"version {current.version} is still watched; {approve} ends that"
        why += f" and writes version {version.version} now"
        return propose(why, f" ({verdict}): {why}")
    unread = unread_logs(context.state, context.project)
    rewritten = PromptRewritten(**facts, by=context.by, unread=unread)
    _save(context, rewritten, source, after)
    pending = (*context.known.events, *found, rewritten)
    note(PROMPTS, context.project, context.state.connection, context.task.job, pending)
    try:
        swap(inside(context.project, source.path), source.sha256, after)
    except (ChangedMeanwhile, OSError) as error:
        why = error.message if isinstance(error, CadenzaError) else _refused(error)
        return propose(why, f": {why}")
    summary = f"version {version.version}: {len(version.rules)} rules ({verdict})"
    return [*found, rewritten], summary


def _save(
    context: JudgeContext,
    event: PromptProposed | PromptRewritten,
    source: PromptSource,
    after: bytes,
) -> None:
    versions.save_event(context.project, context.task.job, event, source.data, after)


def _refused(error: OSError) -> str:
    return f"{Path(error.filename or '?').name}: {error.strerror or error}"
