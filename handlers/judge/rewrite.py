"""From checked rules to a rewritten prompt: the edit, its gates, then the write or a proposal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handlers.judge.context import Case
from handlers.judge.evidence.claims import Claims
from handlers.judge.gate import Gate
from handlers.judge.gates.policy import find_brain
from handlers.judge.gates.replay import replay
from handlers.judge.gates.simulation import trials
from handlers.judge.groq.question import Answer
from handlers.judge.monitor.samples import unread_logs
from handlers.judge.outcome import conflict, kept, runs_judged, said, usage_of
from handlers.judge.prompt import versions
from handlers.judge.prompt.check import check_static
from handlers.judge.prompt.recovery import bound
from handlers.judge.prompt.rules import Rule, parse_all, render
from handlers.judge.prompt.source import (
    BlockConflict,
    PromptSource,
    RefusedSource,
    edited,
    parse_prompt,
)
from handlers.project.paths import inside
from handlers.project.writing import ChangedMeanwhile, swap
from store.errors import CadenzaError
from store.events.base import Event
from store.events.prompt import PromptProposed, PromptRewritten, PromptVersion, RuleFact
from store.reads.improvements import PromptRow, trusted


def gated(
    case: Case,
    source: PromptSource,
    rules: Sequence[Rule],
    claims: Claims,
    answer: Answer,
    tested: Sequence[Any],
) -> tuple[list[Event], str]:
    """The edit and its gates; then the write, or a proposal."""
    case.context.report({"step": "gates"})
    try:
        after = edited(source, rules)
    except BlockConflict as error:
        return conflict(case, source, error.message, answer=answer, claims=claims)
    except RefusedSource as error:
        return kept(case, "refused_source", said(error), answer=answer, claims=claims)
    made = parse_prompt(after, source.path)
    trust = trusted(case.state.connection, str(case.project), source.path.name)
    gates = [
        check_static(source, after, source.path, secrets=[case.context.key or ""]),
        Gate("G1 citations", "pass", f"{claims.kept} claims hold, {len(claims.dropped)} dropped",
             {"kept": claims.kept, "dropped": len(claims.dropped)}),
        replay(parse_all(source.value.split("\n")), parse_all(made.value.split("\n")), tested),
    ]  # fmt: skip
    found = find_brain(case.project, source, trust)
    simulated, verdict = trials(
        case.spec,
        case.library,
        found,
        source,
        made,
        seeds=case.settings.seeds,
        report=case.context.report,
    )
    gates.append(simulated)
    failed = next((gate for gate in gates if gate.result == "fail"), None)
    if failed is not None:
        reason = f"{failed.name}: {failed.detail}"
        return kept(case, "gate", reason, answer=answer, claims=claims)
    return _write(case, source, after, _version(case, source, after, rules, claims, answer, gates,
                                                verdict == "improved"), claims, answer)  # fmt: skip


def _version(
    case: Case,
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
    current = case.known.current
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
        version=case.known.next_version,
        parent=current.version if current else None,
        file=name,
        before_sha256=source.sha256,
        after_sha256=hashlib.sha256(after).hexdigest(),
        rules=tuple(facts),
        diff=versions.diff_of(name, source.data, after),
        evidence_sha256=case.pack.digest,
        model=answer.model,
        usage=usage_of(answer),
        gates=tuple(gate.fact() for gate in gates),
        improved=improved,
    )


def _write(
    case: Case,
    source: PromptSource,
    after: bytes,
    version: PromptVersion,
    claims: Claims,
    answer: Answer,
) -> tuple[list[Event], str]:
    judged = runs_judged(case, answer=answer, claims=claims)
    facts = version.model_dump()
    verdict = "improved" if version.improved else "unverified"
    if case.settings.mode == "propose":
        proposed = PromptProposed(**facts, reason=f"waits for approval ({verdict})")
        _save(case, proposed, source.data, after)
        return [judged, proposed], f"version {version.version} is proposed ({verdict})"
    current = case.known.current
    if current is not None and current.watching:
        why = f"version {current.version} is still watched; `cadenzactl prompt {case.project.name}"
        why += f" approve` ends that and writes version {version.version} now"
        proposed = PromptProposed(**facts, reason=why)
        _save(case, proposed, source.data, after)
        return [judged, proposed], f"version {version.version} is proposed ({verdict}): {why}"
    unread = unread_logs(case.state, case.project)
    rewritten = PromptRewritten(**facts, by=case.by, unread=unread)
    _save(case, rewritten, source.data, after)
    try:
        swap(inside(case.project, source.path), source.sha256, after)
    except (ChangedMeanwhile, OSError) as error:
        why = error.message if isinstance(error, CadenzaError) else _refused(error)
        proposed = PromptProposed(**facts, reason=why)
        _save(case, proposed, source.data, after)
        return [judged, proposed], f"version {version.version} is proposed: {why}"
    count = len(version.rules)
    return [judged, rewritten], f"version {version.version}: {count} rules ({verdict})"


def _save(case: Case, event: PromptProposed | PromptRewritten, before: bytes, after: bytes) -> None:
    facts = {"type": event.type_name(), **bound(case.project, case.context.job)}
    facts |= event.model_dump(mode="json")
    versions.save(case.project, event.version, facts, before, after)


def _refused(error: OSError) -> str:
    return f"{Path(error.filename or '?').name}: {error.strerror or error}"


Remedy = tuple[str | None, str, str | None, str]

UNWANTED = ("rolled_back", "rejected", "theirs")
"""States of versions that somebody, or the watch, did not want."""


def without_taken_back(claims: Claims, rows: Sequence[PromptRow]) -> Claims:
    """Claims without the remedies that were rolled back or rejected: those had their chance.

    The same action for the same case is the same remedy, however many ticks it waits for. What a
    version had from its parent is not what it was taken back for.
    """
    lines, remedies = _taken_back(rows)

    def is_gone(rule: Rule) -> bool:
        return render(rule) in lines or _remedy(rule) in remedies

    good = [index for index, rule in enumerate(claims.rules) if not is_gone(rule)]
    dropped = [
        f"{render(rule)[2:]!r} was taken back before" for rule in claims.rules if is_gone(rule)
    ]
    return Claims(
        tuple(claims.rules[index] for index in good),
        tuple(claims.cites[index] for index in good),
        (*claims.dropped, *dropped),
        claims.remarks,
    )


def _taken_back(rows: Sequence[PromptRow]) -> tuple[set[str], set[Remedy]]:
    """The lines and the remedies that were new in versions nobody wants."""
    lines, remedies = set[str](), set[Remedy]()
    by_number = {row.version: row for row in rows}
    for row in rows:
        if row.state not in UNWANTED or row.undoes is not None:
            continue
        parent = by_number.get(row.parent) if row.parent is not None else None
        inherited = [rule["line"] for rule in parent.rules] if parent is not None else []
        own = [rule["line"] for rule in row.rules]
        lines |= {*own} - {*inherited}
        remedies |= {*map(_remedy, parse_all(own))} - {*map(_remedy, parse_all(inherited))}
    return lines, remedies


def _remedy(rule: Rule) -> Remedy:
    return (rule.phase, rule.condition, rule.tag, rule.action)
