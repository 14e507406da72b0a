"""From candidates to a rewritten prompt: the trial, the gates, then the write or a proposal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from handlers.judge.candidates.candidate import Candidate
from handlers.judge.context import JudgeContext
from handlers.judge.evidence.ticks import Episode
from handlers.judge.gate import Gate
from handlers.judge.gates.replay import replay
from handlers.judge.gates.simulation import Trial
from handlers.judge.monitor.unread import unread_logs
from handlers.judge.outcome import keep_prompt, report_conflict, runs_judged, usage_of
from handlers.judge.prompt import versions
from handlers.judge.prompt.block import block_text
from handlers.judge.prompt.recovery import PROMPTS
from handlers.judge.prompt.rules.grammar import parse_all
from handlers.judge.prompt.source import BlockConflict, PromptSource, RefusedSource
from handlers.judge.prompt.wording import is_paragraph, line_of
from handlers.judge.remedies.trying import retire, tried_before, try_all
from handlers.judge.remedies.variants import Variant, Variants, combined, with_sentences
from handlers.judge.remedies.weighed import weighed
from handlers.project.paths import inside
from handlers.project.writing import ChangedMeanwhile, swap
from handlers.recovery import note
from store.errors import CadenzaError
from store.events.base import Event
from store.events.prompt import (
    CandidatesWeighed,
    PromptProposed,
    PromptRewritten,
    PromptVersion,
    RuleFact,
)
from store.text import shell_word

Result = tuple[list[Event], str]


def rewrite(context: JudgeContext, source: PromptSource, tested: Sequence[Episode]) -> Result:
    """Try what was proposed; write or propose what is proven. `tested`: the held-out runs."""
    assert context.proposals is not None
    context.task.report({"step": "gates"})
    variants = Variants(source, [context.task.key or ""], tried_before(context))
    allowed = [one for one in context.proposals.kept if not one.contradicts]
    against = [one for one in context.proposals.kept if one.contradicts]
    try:
        for candidate in allowed or against:
            variants.add(candidate)
        if not variants.made:
            return _nothing_to_try(context, variants)
        trial = try_all(context, variants)
    except BlockConflict as error:
        return report_conflict(context, source, error.message)
    except RefusedSource as error:
        return keep_prompt(
            context, "refused_source", error.with_hint, paste=pasted(context, source)
        )
    return _decided(context, variants, trial, tested)


def pasted(context: JudgeContext, source: PromptSource | None) -> str:
    """The block that would be written, where the source cannot be edited: untried."""
    assert context.proposals is not None
    block = source.block if source is not None else None
    untried = _untried(context, context.proposals.kept)
    new = [rule for part in untried for rule in part.rules]
    said = [text for part in untried for text in part.wording.sentences]
    rules, _ = combined(block.rules if block is not None else [], new)
    return block_text(rules, with_sentences(block.sentences if block is not None else (), said)[0])


def _untried(context: JudgeContext, kept: Sequence[Candidate]) -> list[Candidate]:
    """What is proposed where nothing can be tried: the first for each phase.

    Where a model was asked, of its own alone: what code enumerates is meant to be tried.
    """
    firsts: dict[str, Candidate] = {}
    for candidate in kept:
        if context.answer is None or candidate.origin == "model":
            firsts.setdefault(candidate.mode_id.partition("@")[2], candidate)
    return [*firsts.values()]


def _nothing_to_try(context: JudgeContext, variants: Variants) -> Result:
    """Every candidate was dropped. A rule in force may have become useless."""
    events, summary = _retired(context, variants)
    if not events:
        reasons = {item.code for item in variants.dropped}
        code, why = "no_verified_findings", "no verified findings: no candidate held"
        if reasons == {"same"}:
            code, why = "no_change", "the prompt has these rules already"
        events, summary = keep_prompt(context, code, why)
    return _with(events, weighed(context, variants)), summary


def _decided(
    context: JudgeContext, variants: Variants, trial: Trial, tested: Sequence[Episode]
) -> Result:
    """What becomes of a trial."""
    if trial.verdict == "unverified":
        parts = _untried(context, [part for one in variants.made for part in one.parts])
        if not parts:
            why = f"no candidate of the model held; code's own were not tried: {trial.gate.detail}"
            events, summary = keep_prompt(context, "no_verified_findings", why)
            return _with(events, weighed(context, variants, trial)), summary
        chosen = variants.union(parts) or variants.made[0]
    elif trial.chosen is None or trial.gate.result == "fail":
        return _unproven(context, variants, trial)
    else:
        chosen = variants.made[trial.chosen]
    gates = [
        chosen.static,
        _citations(context),
        replay(
            parse_all(variants.source.value.split("\n")),
            parse_all(chosen.made.value.split("\n")),
            tested,
            context.report.findings,
        ),
        trial.gate,
    ]
    found = weighed(context, variants, trial, chosen)
    tried = [trial.fact] if trial.fact is not None else []
    version = _version(context, variants.source, chosen, gates, trial)
    return _write(context, variants.source, chosen, version, [found, *tried])


def _unproven(context: JudgeContext, variants: Variants, trial: Trial) -> Result:
    """Nothing is written; where no error was spent, a rule may be looked at instead."""
    found = weighed(context, variants, trial)
    if trial.fact is None and trial.chosen is None:
        events, summary = _retired(context, variants)
        if events:
            return _with(events, found), summary
    code = "no_better" if trial.chosen is None else "gate"
    events, summary = keep_prompt(context, code, f"{trial.gate.name}: {trial.gate.detail}")
    tried = [trial.fact] if trial.fact is not None else []
    return [*events[:1], found, *tried, *events[1:]], summary


def _retired(context: JudgeContext, variants: Variants) -> Result:
    """The prompt without the rule that is followed least, if that is no worse; else nothing."""
    attempt = retire(context, variants) if not context.offer else None
    fact = attempt.trial.fact if attempt is not None else None
    if attempt is None or fact is None:
        return [], ""
    line, variant, trial = attempt
    if not trial.is_proven:
        why = f"{line[2:]!r} stays: {trial.gate.detail}"
        events, summary = keep_prompt(context, "rule_kept", why)
        return [*events[:1], fact, *events[1:]], summary
    gates = [variant.static, trial.gate]
    version = _version(context, variants.source, variant, gates, trial)
    version = version.changed(retired=(line,))
    return _write(context, variants.source, variant, version, [fact])


def _with(events: Sequence[Event], found: CandidatesWeighed) -> list[Event]:
    """The weighing comes after the judging, which is first."""
    return [*events[:1], found, *events[1:]]


def _citations(context: JudgeContext) -> Gate:
    assert context.proposals is not None
    kept = len(context.proposals.kept)
    dropped = len(context.proposals.dropped) + len(context.proposals.unweighed)
    detail = f"{kept} candidates hold, {dropped} dropped"
    return Gate("G1 citations", "pass", detail, {"kept": kept, "dropped": dropped})


def _version(
    context: JudgeContext,
    source: PromptSource,
    chosen: Variant,
    gates: Sequence[Gate],
    trial: Trial,
) -> PromptVersion:
    name = str(source.path.relative_to(context.project.resolve()))
    current = context.known.current
    before = {rule["line"]: rule for rule in (current.rules if current else [])}
    new = {line: part for part in chosen.parts for line in part.lines}
    gone = {line_of(rewrite.before) for rewrite in chosen.rewrites}
    kept = [line for line in before if is_paragraph(line) and line not in gone]
    facts = []
    for line in (*chosen.lines, *kept):
        old, part = before.get(line, {}), new.get(line)
        facts.append(
            RuleFact(
                line=line,
                mode_id=part.mode_id if part else str(old.get("mode_id", "")),
                citations=part.cites if part else tuple(old.get("citations", ())),
                by=part.origin if part else old.get("by", "model"),
            )
        )
    answer = context.answer if any(p.origin == "model" for p in chosen.parts) else None
    return PromptVersion(
        version=context.known.next_version,
        parent=current.version if current else None,
        file=name,
        before_sha256=source.sha256,
        after_sha256=hashlib.sha256(chosen.after).hexdigest(),
        rules=tuple(facts),
        diff=versions.diff_of(name, source.data, chosen.after),
        evidence_sha256=context.evidence,
        model=answer.model if answer is not None else None,
        usage=usage_of(context.answer) if context.answer is not None else None,
        gates=tuple(gate.fact() for gate in gates),
        improved=trial.verdict == "improved",
        offer=context.offer,
    )


# -- the write -------------------------------------------------------------------------------------


def _write(
    context: JudgeContext,
    source: PromptSource,
    chosen: Variant,
    version: PromptVersion,
    before: Sequence[Event],
) -> Result:
    facts, after = version.values(), chosen.after
    verdict = _verdict(version)
    found = [runs_judged(context), *before]

    def propose(reason: str, summary: str) -> Result:
        proposed = PromptProposed(**facts, reason=reason)
        _save(context, proposed, source, after)
        return [*found, proposed], f"version {version.version} is proposed{summary}"

    reason = _waits_for(context, chosen, version)
    if reason is not None:
        why = f": {reason}" if reason else ""
        return propose(f"waits for approval ({verdict}){why}", f" ({verdict}){why}")
    current = context.known.current
    if current is not None and current.watching:
        approve = f"`cadenzactl prompt {shell_word(context.project.name)} approve`"
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


def _verdict(version: PromptVersion) -> str:
    if version.retired:
        return f"no worse without {version.retired[0][2:]!r}"
    return "improved" if version.improved else "unverified"


def _waits_for(context: JudgeContext, chosen: Variant, version: PromptVersion) -> str | None:
    """Why somebody has to approve it; "" without more to say, None where nobody has to."""
    against = sorted({line for part in chosen.parts for line in part.contradicts})
    if against:
        lines = ", ".join(map(str, against))
        return f"it goes against what the prompt's author says (line {lines})"
    if context.settings.mode == "propose":
        return ""
    if any(part.wording for part in chosen.parts) and not version.improved:
        return "free text is written only when a trial shows that it helps"
    without_key = context.answer is None and not (version.retired or context.offer)
    if without_key and context.settings.without_key == "propose":
        return 'found by enumeration, without a key, and judge.without_key is "propose"'
    proven = version.improved or bool(version.retired)
    if not proven and context.settings.unverified == "propose":
        return 'nothing shows that it helps, and judge.unverified is "propose"'
    return None


def _save(
    context: JudgeContext,
    event: PromptProposed | PromptRewritten,
    source: PromptSource,
    after: bytes,
) -> None:
    versions.save_event(context.project, context.task.job, event, source.data, after)


def _refused(error: OSError) -> str:
    return f"{Path(error.filename or '?').name}: {error.strerror or error}"
