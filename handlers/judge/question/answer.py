"""From an answer to candidates. Each is checked against the logs and the robot; what does not hold
is dropped, counted and named.

A rule is made of checked fields and rendered by code. A model's own words go into reports alone;
where free text was asked for, its sentences and paragraphs are a candidate's, to be checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.judge.candidates.candidate import Candidate
from handlers.judge.evidence.findings import FOR_PEOPLE, MEANINGS, Citation, Finding
from handlers.judge.evidence.report import MiningReport
from handlers.judge.prompt.opened import Rewrite
from handlers.judge.prompt.rules.rule import Condition, Rule
from handlers.judge.prompt.wording import Wording
from handlers.judge.question.schema import ANY_PHASE, SAYINGS
from handlers.judge.question.tidy import tidied
from handlers.project.library import ActionLibrary
from store.errors import one_line

MOST = 12
"""Candidates that are looked at."""
MOST_RULES = 4
"""Rules of one candidate."""
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Proposed:
    """What an answer proposes. `dropped` says what did not hold and why; `remark` is for people."""

    candidates: tuple[Candidate, ...]
    dropped: tuple[str, ...]
    remark: str = ""


Texts = Mapping[int, str]
"""Number -> the text of an open paragraph."""


def candidates_in(
    reply: Mapping[str, Any],
    report: MiningReport,
    library: ActionLibrary,
    lines: int,
    texts: Texts | None = None,
) -> Proposed:
    """The candidates whose claims hold against the report of the runs the model was shown.

    `lines`: how many the author's prompt has; a number beyond is none of its lines. `texts`: of
    the open paragraphs, where free text was asked for.
    """
    found: dict[tuple[str, ...], Candidate] = {}
    dropped: list[str] = []
    items = reply.get("candidates")
    for number, item in enumerate(items if isinstance(items, list) else [], 1):
        try:
            if number > MOST:
                raise _Wrong(f"more than {MOST} were proposed")
            made = _candidate(item, report, library, lines, texts)
        except _Wrong as wrong:
            dropped.append(f"candidate {number}: {wrong}")
            continue
        if made.lines in found:
            dropped.append(f"candidate {number}: the same as another")
        else:
            found[made.lines] = made
    return Proposed(tuple(found.values()), tuple(dropped), _words(reply.get("remark")))


class _Wrong(Exception):
    """Why a candidate does not hold."""


def _candidate(
    item: object, report: MiningReport, library: ActionLibrary, lines: int, texts: Texts | None
) -> Candidate:
    if not isinstance(item, Mapping):
        raise _Wrong("is no object")
    finding = report.finding(str(item.get("mode_id")))
    if finding is None:
        raise _Wrong(f"no such finding {_shown(item.get('mode_id'))}")
    if finding.kind in FOR_PEOPLE:
        raise _Wrong(f"{finding.id}: {MEANINGS[finding.kind]}: no rule can mend that")
    cites = _citations(item.get("cites"), finding)
    wanted = item.get("rules")
    wording = _wording(item, texts) if texts is not None else Wording()
    least = 0 if wording else 1
    if not isinstance(wanted, list) or not least <= len(wanted) <= MOST_RULES:
        raise _Wrong(f"{finding.id}: {least} to {MOST_RULES} rules are a remedy")
    return Candidate(
        rules=tuple(_rule(rule, finding, library) for rule in wanted),
        origin="model",
        mode_id=finding.id,
        cites=cites,
        why=_words(item.get("why")),
        touches=_lines(item.get("touches"), lines),
        contradicts=_lines(item.get("contradicts"), lines),
        wording=wording,
    )


def _wording(item: Mapping[str, Any], texts: Texts) -> Wording:
    """A candidate's free text, tidied and not yet checked."""
    said, given = item.get("sentences"), item.get("paragraphs")
    sentences = [tidied(text) for text in (said if isinstance(said, list) else []) if text]
    rewrites = {}
    for one in given if isinstance(given, list) else []:
        number = one.get("number") if isinstance(one, Mapping) else None
        if type(number) is not int or number not in texts:
            raise _Wrong(f"there is no open paragraph {_shown(number)}")
        if number in rewrites:
            raise _Wrong(f"paragraph {number} is rewritten twice")
        rewrites[number] = Rewrite(texts[number], tidied(str(one.get("text"))))
    changed = tuple(rewrite for rewrite in rewrites.values() if rewrite.before != rewrite.after)
    return Wording(tuple(dict.fromkeys(sentences)), changed)


def _citations(cites: object, finding: Finding) -> tuple[str, ...]:
    """Those that are there, if all of them hold: one made-up tick spoils the claim."""
    if not isinstance(cites, list) or not cites:
        raise _Wrong(f"{finding.id}: cites nothing")
    held = []
    for text in cites:
        try:
            cited = Citation.parse(str(text))
        except ValueError:
            raise _Wrong(f"{finding.id}: {_shown(text)} is no citation") from None
        inside = any(
            cited.run == known.run and known.first <= cited.first <= cited.last <= known.last
            for known in finding.citations
        )
        if not inside:
            raise _Wrong(f"{finding.id}: {_shown(text)} does not show it")
        held.append(str(cited))
    return tuple(dict.fromkeys(held))


def _rule(wanted: object, finding: Finding, library: ActionLibrary) -> Rule:
    if not isinstance(wanted, Mapping):
        raise _Wrong("a rule is no object")
    phase, action = str(wanted.get("phase")), str(wanted.get("action"))
    if finding.phase is not None and phase not in (ANY_PHASE, finding.phase):
        raise _Wrong(f"{finding.id} is not in phase {_shown(phase)}")
    if action not in library:
        raise _Wrong(f"no action {_shown(action)}")
    given = wanted.get("conditions")
    if not isinstance(given, list) or not given:
        raise _Wrong("a rule without a condition would silence all below it")
    try:
        return Rule(
            phase=None if phase == ANY_PHASE else phase,
            conditions=tuple(_condition(item) for item in given),
            action=action,
            parameters=_parameters(action, wanted.get("parameters"), library),
            mode_id=finding.id,
        )
    except ValueError as error:
        raise _Wrong(str(error)) from None


def _condition(item: object) -> Condition:
    """A condition. Raises ValueError for one that no line can say."""
    form = SAYINGS.get(str(item.get("is"))) if isinstance(item, Mapping) else None
    if form is None:
        raise _Wrong("there is no such condition")
    assert isinstance(item, Mapping)
    ticks = item.get("for_ticks")
    condition = Condition(
        form.kind,
        str(item.get("name")) if form.has_name else None,
        _number(item.get("n")) if form.has_number else None,
        form.side,
        ticks if type(ticks) is int else 0,
    )
    problem = condition.out_of_range()
    if problem:
        raise _Wrong(problem)
    return condition


def _parameters(action: str, given: object, library: ActionLibrary) -> dict[str, float]:
    """Within what the robot can do. Raises _Wrong with what the library says."""
    items = [item for item in (given if isinstance(given, list) else []) if _is_pair(item)]
    parameters = {str(item["name"]): round(_number(item["value"]), 3) for item in items}
    problems = library.validate({"action": action, **parameters})
    if problems:
        raise _Wrong(problems[0])
    takes = library.spec(action).parameters
    return {name: value for name, value in parameters.items() if name in takes}


def _is_pair(item: object) -> bool:
    return isinstance(item, Mapping) and "name" in item and "value" in item


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e6:
        raise _Wrong(f"{_shown(value)} is no number of ordinary size")
    return float(value)


def _lines(value: object, last: int) -> tuple[int, ...]:
    items: Sequence[object] = value if isinstance(value, list) else []
    return tuple(sorted({n for n in items if type(n) is int and 1 <= n <= last}))


def _words(value: object) -> str:
    return one_line(value.strip())[:LONGEST] if isinstance(value, str) else ""


def _shown(value: object) -> str:
    return repr(one_line(str(value))[:60])
