"""Trials of a judging: with which brain, within which budget, and of what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import NamedTuple

from handlers.judge.context import JudgeContext
from handlers.judge.gates.arena import Arena, spare_cores
from handlers.judge.gates.budget import Budget, next_budget
from handlers.judge.gates.elsewhere import Missions
from handlers.judge.gates.simulation import Limits, Trial, retirement, trials
from handlers.judge.policy import Choice, choose_policy
from handlers.judge.prompt import versions
from handlers.judge.prompt.code import driver_name
from handlers.judge.prompt.rules.grammar import parse_all, render
from handlers.judge.prompt.rules.rule import Rule
from handlers.judge.prompt.source import PromptSource
from handlers.judge.prompt.wording import sentence_line
from handlers.judge.proxy.client import Proxy
from handlers.judge.remedies.inforce import usage
from handlers.judge.remedies.variants import Variant, Variants
from handlers.project.project import Project
from handlers.recovery import log_name
from store.events.envelope import project_stream
from store.reads.improvements import trials_so_far, trusted


class Attempt(NamedTuple):
    """A line of the block that may be useless, the prompt without it, and what the pairs said."""

    line: str
    variant: Variant
    trial: Trial


def try_all(context: JudgeContext, variants: Variants) -> Trial:
    """Old prompt and variants against each other, in simulation."""
    sources = [variant.made for variant in variants.made]
    return trials(
        _arena(context, variants.source),
        variants.source,
        sources,
        _budget(context, variants.source, sources),
        _limits(context),
        merge=variants.merge,
        report=context.task.report,
    )


def retire(context: JudgeContext, variants: Variants) -> Attempt | None:
    """Try the prompt without the rule that its runs followed least; None where there is none.

    Which rule it is proves nothing; what is shown is shown by the pairs. A rule that was tried so
    for this very prompt is not tried again. Nobody can count who followed a sentence: they come
    after the rules, the oldest first.
    """
    source = variants.source
    used = usage(parse_all(source.value.split("\n")), context.report.episodes)
    ranked = sorted(
        variants.in_force, key=lambda rule: used.get(render(rule), {}).get("followed", 0)
    )
    tries: list[Rule | str] = [*ranked, *variants.sentences]
    for one in tries:
        variant = variants.without(one)
        if variant.static.result == "fail":
            continue
        if (source.sha256, variant.made.sha256) in variants.tried:
            continue
        budget = _budget(context, source, [variant.made])
        arena = _arena(context, source)
        trial = retirement(
            arena, source, variant.made, budget, _limits(context), report=context.task.report
        )
        line = sentence_line(one) if isinstance(one, str) else render(one)
        return Attempt(line, variant, trial)
    return None


def tried_before(context: JudgeContext) -> frozenset[tuple[str, str]]:
    """(before, after) hashes of what the project's trials did not prove."""
    query = "SELECT data FROM events WHERE stream = ? AND type = 'PromptTried'"
    rows = context.state.connection.execute(query, (project_stream(str(context.project)),))
    facts = [json.loads(data) for (data,) in rows]
    unproven = [fact for fact in facts if fact["verdict"] not in ("improved", "no_worse")]
    return frozenset((fact["before_sha256"], fact["after_sha256"]) for fact in unproven)


def choice_of(context: JudgeContext, source: PromptSource) -> Choice:
    """Who drives in trials of this prompt, and if nobody can, why."""
    trust = trusted(
        context.state.connection, str(context.project), driver_name(context.project, source)
    )
    if not source.is_exact:
        return Choice("none", f"a part of {source.found.label} is known only when it runs")
    return choose_policy(context.project, source, trust)


def _arena(context: JudgeContext, source: PromptSource) -> Arena:
    choice = choice_of(context, source)
    models, spread = _models(context, choice), context.task.spread
    missions: Missions | None = None
    # A brain that asks a language model does so through this machine, which holds the key.
    if spread is not None and models is None and choice.kind != "none":
        project = Project(context.project, context.spec)
        missions = Missions(project, source, choice, context.settings.prompt, spread)
    return Arena(
        context.spec, context.library, choice, context.project, spare_cores(), models, missions
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


def _limits(context: JudgeContext) -> Limits:
    settings = context.settings
    return Limits(settings.seeds, settings.trial_s, settings.search)


def _budget(
    context: JudgeContext, source: PromptSource, candidates: Sequence[PromptSource]
) -> Budget:
    """What this trial may use of what all of the project's trials share."""
    log = context.state.connection
    made = [one.sha256 for one in candidates]
    after = made[0] if len(made) == 1 else hashlib.sha256(" ".join(made).encode()).hexdigest()
    identity = f"{log_name(log)} {context.project} {source.sha256} {after}"
    on_disk = versions.last_decision(context.project)
    return next_budget(trials_so_far(log, str(context.project)), on_disk, identity)
