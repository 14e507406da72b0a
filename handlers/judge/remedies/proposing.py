"""Remedies for what was found: a model's, if there is a key, and those that code enumerates.

Without a key code's own are alone (`judge.without_key`). Both go the same way: what does not hold
against the logs, or was turned down, is dropped with its reason, and the others are tried.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handlers.judge.candidates.barred import Barred
from handlers.judge.candidates.candidate import Candidate
from handlers.judge.candidates.enumerate import enumerate_candidates
from handlers.judge.candidates.screen import screen
from handlers.judge.context import JudgeContext, Proposals
from handlers.judge.evidence.findings import FOR_PEOPLE, Finding
from handlers.judge.evidence.pack import Pack, build_pack
from handlers.judge.evidence.report import MiningReport
from handlers.judge.groq.client import ask, usable_key
from handlers.judge.groq.errors import NoKey
from handlers.judge.groq.question import Ask
from handlers.judge.outcome import question_key
from handlers.judge.prompt.source import PromptSource
from handlers.judge.question.answer import MOST, Proposed, candidates_in
from handlers.judge.question.message import system_message, user_message
from handlers.judge.question.schema import response_schema
from handlers.judge.question.secrets import Aliases
from handlers.judge.question.shared import Shared, shared_of
from handlers.judge.remedies.inforce import in_force
from handlers.judge.remedies.rejected import case_of, in_vain, rejection
from handlers.judge.remedies.trying import choice_of
from handlers.judge.wording.admit import admitted
from handlers.judge.wording.room import Room, room_in
from store.errors import CadenzaError, MissingExtraError
from store.reads.improvements import first_told, last_judged

COMPLETION = 2000
"""What an answer gets at least, in tokens."""
LEAST_SHARED = COMPLETION * 7 // 2
"""From this `judge.max_tokens` on an answer gets a share of it, which is more."""
BRIEF = 4
"""Candidates that are asked for after an answer that was cut off."""
ENUMERATED, BESIDE = 24, 12
"""Candidates of code's own at most: alone, and beside a model's."""


class Keep(CadenzaError):
    """There is nothing to try. `code` names the reason for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def propose(context: JudgeContext, source: PromptSource | None, shown: MiningReport) -> Proposals:
    """What is to be tried against what the runs to learn from show.

    Raises Keep where there is nothing, JudgeFailure when there is no answer.
    """
    if not any(_is_askable(finding) for finding in shown.findings):
        raise Keep("nothing_to_ask", "no rule of a prompt can mend what was found: no call")
    _expect_hope(context, source, shown)
    prompt = source.value if source is not None else ""
    rules = source.block.rules if source is not None and source.block is not None else []
    room = Room(why="rules alone")
    if context.settings.text == "free":
        room = room_in(source, context.settings.share)
    asked = _asked(context, source, shown, room)
    most = BESIDE if asked is not None else ENUMERATED
    own = enumerate_candidates(shown, context.spec, context.library, rules, prompt, most)
    if asked is None:
        _expect_news(context, own)
        proposed, shared = Proposed((), ()), ""
    else:
        proposed, shared = asked
    fit, unfit = admitted(
        proposed.candidates,
        prompt,
        context.spec,
        context.library,
        context.logs,
        [key for key in (context.task.key, context.task.openai_key) if key],
    )
    kept, dropped = screen(
        [*fit, *own],
        shown,
        context.spec,
        context.library,
        prompt,
        Barred(context.known.rows, _seen(context)),
        rules,
    )
    dropped = [*unfit, *dropped]
    return Proposals(tuple(kept), tuple(dropped), proposed.dropped, proposed.remark, shared)


def _is_askable(finding: Finding) -> bool:
    """Whether a rule could mend it, and ticks show it."""
    return bool(finding.citations) and finding.kind not in FOR_PEOPLE


def _expect_hope(context: JudgeContext, source: PromptSource | None, shown: MiningReport) -> None:
    """Raises Keep where all that could be tried was rejected on equal evidence."""
    case = case_of(context, source, choice_of(context, source) if source is not None else None)
    askable = {finding.id for finding in shown.findings if _is_askable(finding)}
    seen = {mode: runs for mode, runs in _seen(context).items() if mode in askable}
    why = in_vain(context, case, seen)
    if why:
        raise Keep("rejected_before", why)
    context.rejection = rejection(context, case, sorted(askable))


def _expect_news(context: JudgeContext, own: list[Candidate]) -> None:
    """Raises Keep where the very same candidates were weighed in the same case before."""
    assert context.rejection is not None
    case = context.rejection.case_sha256
    lines = sorted(" / ".join(candidate.lines) for candidate in own)
    context.key = question_key(json.dumps(lines), case, {}, "enumeration")
    _expect_another(context, "the same candidates were weighed for this prompt already")


def _expect_another(context: JudgeContext, reason: str) -> None:
    judged = last_judged(context.state.connection, str(context.project))
    if judged is not None and judged.key == context.key:
        raise Keep("same_question", reason)


def _seen(context: JudgeContext) -> dict[str, list[int]]:
    """Failure mode -> for each run that shows it, the position where it was first told of."""
    first = first_told(context.state.connection, str(context.project))
    head = context.state.head()
    return {
        finding.id: [first.get(run, head) for run in {cited.run for cited in finding.citations}]
        for finding in context.report.findings
    }


# -- a model's -------------------------------------------------------------------------------------


def _asked(
    context: JudgeContext, source: PromptSource | None, shown: MiningReport, room: Room
) -> tuple[Proposed, str] | None:
    """A model's candidates and what it was shown of the author's words; None without a key."""
    try:
        usable_key(context.task.key)  # before anybody waits
    except NoKey as missing:
        if context.settings.without_key == "off" or missing.code != "no_key":
            raise
        return None
    shared, pack = _evidence(context, source, shown, room)
    is_free = not room.why
    numbers = tuple(room.paragraphs) if is_free else None
    schema = response_schema(pack, context.spec, context.library, numbers)
    assert context.rejection is not None
    case = context.rejection.case_sha256
    context.pack = pack
    context.key = question_key(pack.digest + shared.text, case, schema, context.settings.model)
    _expect_another(context, "the same evidence was judged already: no call")
    context.task.report({"step": "asking"})
    aliases = Aliases(_names(context))
    try:
        ledger = context.ledger()
        left = ledger.left()
        question = _question(context, shared, pack, aliases.hidden(schema), aliases, left, is_free)
        context.answer = ask(question, context.task.key, ledger=ledger)
    except MissingExtraError as error:
        raise Keep("missing_extra", error.with_hint) from None
    reply = pack.real(aliases.restored(context.answer.reply))
    texts = {number: one.text for number, one in room.paragraphs.items()} if is_free else None
    return candidates_in(reply, shown, context.library, shared.lines, texts), shared.said


def _evidence(
    context: JudgeContext, source: PromptSource | None, shown: MiningReport, free: Room
) -> tuple[Shared, Pack]:
    """The author's words, in half of the room at most, and what was mined in what is left."""
    max_tokens = context.settings.max_tokens
    room = max_tokens - completion_of(max_tokens)
    prompt = source.value if source is not None else ""
    shared = shared_of(context.spec, prompt, context.settings.share, room // 2)
    if context.settings.text == "free":
        shared = shared.with_room(free.said, free.lines(prompt))
    rules = in_force(context, source)
    pack = build_pack(shown, context.spec, rules, room - shared.tokens)
    if not pack.mode_ids:
        reason = "no failure mode fits into judge.max_tokens: no call (raise it)"
        raise Keep("no_room", reason)
    return shared, pack


def completion_of(max_tokens: int) -> int:
    """How much of a call's tokens the answer may have: two sevenths, and never too few."""
    return max(COMPLETION, max_tokens * 2 // 7)


def _question(
    context: JudgeContext,
    shared: Shared,
    pack: Pack,
    schema: Mapping[str, Any],
    aliases: Aliases,
    tokens_left: int,
    is_free: bool,
) -> Ask:
    settings = context.settings
    more = max(2 * settings.max_tokens, 2 * LEAST_SHARED)

    def asked(most: int, evidence: Pack, room: int) -> Ask:
        return Ask(
            system=system_message(most, is_free=is_free),
            user=aliases.hide(user_message(shared, evidence)),
            schema=schema,
            model=settings.model,
            max_completion_tokens=room,
            deadline_s=settings.deadline,
            tokens_left=tokens_left,
            idempotency_key=str(context.key) if most == MOST else f"{context.key}-brief",
            smaller=lambda: _halved(shared, evidence, aliases),
            by_hand=context.by_hand,
            longer=f"judge.max_tokens = {more} leaves an answer {completion_of(more)} tokens",
        )

    room = completion_of(settings.max_tokens)
    half = pack.halved()
    brief = asked(BRIEF, half if half.mode_ids else pack, room + room // 2)
    return replace(asked(MOST, pack, room), briefer=lambda: brief)


def _halved(shared: Shared, pack: Pack, aliases: Aliases) -> str | None:
    half = pack.halved()
    return aliases.hide(user_message(shared, half)) if half.mode_ids else None


def _names(context: JudgeContext) -> list[str]:
    """Every name that may be sent: of the mission, its phases, zones, tags, and the robot's."""
    spec = context.spec
    tags = [item.tag for item in spec.scene.objects if item.tag]
    zones = [zone.name for zone in spec.scene.zones]
    return [spec.name, *spec.phase_names, *tags, *zones, *context.library.names, *spec.signals]
