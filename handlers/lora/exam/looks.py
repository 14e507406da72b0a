"""How often an exam was looked at, and what error a further look may make.

A look at the sealed part tells one bit: whether enough of it is right. Whoever trains the next
adapter may use every bit there was, so the adapters depend on the exam, and a bound for one fixed
adapter does not hold. What does hold is a union bound over all that could have been told (adaptive
data analysis: Dwork et al., "Generalization in adaptive data analysis and holdout reuse", NeurIPS
2015, sec. 3: description length; Blum and Hardt, "The Ladder", ICML 2015, for looks that tell
little):

    Given what the earlier looks told, the next adapter is one certain adapter. Before look t there
    are C(t-1, k) answers with k passes. Look t, after k passes, is tested at

        level(t, k) = 5% * w(t) * v(k) / C(t-1, k),    sum over t of w <= 1, sum over k of v <= 1

    so over all looks, and all the answers they might have got, the chance that any adapter with
    fewer right than the threshold ever passes is at most 5%.

The first look, for which an exam is written, has w(1) = 7/10; later ones share the rest, w(t) =
3/10 / (t(t-1)). So the first is tested at 2.6%, the tenth after nine that did not pass at 0.013%.
It holds for any way to choose adapters that knows of the sealed part what looks told and nothing
else, if its rows are phrasings drawn independently of each other. An author who reads the own file,
or decodes its goals, is outside of it, and so is one who chooses rows by what practice showed. So
every scoring is remembered, those too at which no look was taken: rows that stood in the exam then
and were taught, changed or taken out since count as wrong (standing.py), which closes the ways that
need no bad will.

Rows that never stood in an exam begin anew: looks count together as far as they share rows,
whatever was added between them, and in whichever project of this log they were: all of this one's,
and those of others that did not pass (a copy is no fresh start, and a robot whose sister passed the
same exam has a first look of its own). The same adapter at the same questions is no further look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

from handlers.lora.exam.questions import Mark
from store.events.adapter import AdapterScored, LookFact
from store.events.envelope import project_stream
from store.log import History
from store.reads.improvements import projects_with_adapters

if TYPE_CHECKING:
    from store.database.backend import Readable

FIRST = 0.7
"""What part of the error that may be made by waiting the first look may make."""


@dataclass(frozen=True, slots=True)
class Look:
    """An adapter (the hash of its files) was scored with an exam whose sealed questions `paper` is.

    `rows`: their digests, with what else is remembered of each. `taken`: they were asked, and that
    told a bit; else they merely stood there, and nothing was told but their number. `elsewhere`:
    the path of another project of the log that it was in, "" for this one.
    """

    adapter: str
    paper: str
    level: float
    number: int
    passed: bool
    rows: Mapping[str, Mark]
    taken: bool = True
    elsewhere: str = ""


def looks_at(history: Readable, project: str) -> list[Look]:
    """Every scoring of a project's adapters with an exam, and of other projects' in the same log,
    the oldest first; repetitions are left out.
    """
    names = (AdapterScored.type_name(),)
    found: dict[tuple[object, ...], tuple[int, Look]] = {}
    for path in {project, *projects_with_adapters(history)}:
        for record in History(history).read(stream=project_stream(path), types=names):
            fact = record.event.look if isinstance(record.event, AdapterScored) else None
            if fact is None:
                continue
            taken = fact.needed is not None  # no number right could have passed: it told nothing
            look = Look(
                fact.adapter,
                fact.paper,
                fact.level,
                fact.number,
                fact.passed,
                rows_of(fact),
                taken,
                "" if path == project else path,
            )
            same = (taken, path, fact.paper, fact.adapter if taken else fact.rows)
            found.setdefault(same, (record.position, look))
    return [look for _, look in sorted(found.values(), key=lambda item: item[0])]


def rows_of(fact: LookFact) -> dict[str, Mark]:
    """The digests of the rows that stood in the exam then, with what is remembered of each."""
    unknown = ("",) * len(fact.rows)
    marks = map(Mark, fact.questions or unknown, fact.strata or unknown, fact.texts or unknown)
    return dict(zip(fact.rows, marks, strict=True))


def related(rows: Iterable[str], looks: Sequence[Look]) -> list[Look]:
    """Those of the looks that share rows with these, by way of others as well, the oldest first."""
    found: set[int] = set()
    reached = set(rows)
    while True:
        more = {at for at, look in enumerate(looks) if not reached.isdisjoint(look.rows)} - found
        if not more:
            return [looks[at] for at in sorted(found)]
        found |= more
        reached.update(*(looks[at].rows for at in more))


def share_of_error(earlier: Sequence[Look]) -> float:
    """What part of all the error that may be made the next look may make."""
    passes = sum(look.passed for look in earlier)
    number = len(earlier) + 1
    waiting = FIRST if number == 1 else (1 - FIRST) / (number * (number - 1))
    passing = 3 / 4 if passes == 0 else 1 / (4 * passes * (passes + 1))
    return waiting * passing / comb(number - 1, passes)
