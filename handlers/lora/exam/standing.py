"""What became of the rows that stood in an exam when adapters were scored.

Whoever scores an adapter learns something of the exam, be it whether the sealed part passed, how
many rows it has, or what practice shows of rows like these. So from its first scoring on a sealed
row is known, whether it was asked or not. Taught, changed or taken out it counts as wrong, for as
long as the exam keeps any row it stood beside: a share of right answers over all the rows that ever
stood can only be underestimated by that, whatever they were chosen by. Put back, or taught no more,
a row counts again.

What stands in the place of a known row (its words with another answer, or with another number) does
not count either: answers that are changed to what came would make up for those they replace.

Projects of one log may share rows. What stood in another project's exam is missing here if it stood
there beside a row that is kept, and no later than that row did: a copy without what was missed is
known by that. Rows that were added there later are no matter of this exam. Where more of the other
exam is missing than is left, it is another exam: nothing is missing then, and what is left of the
other does not count (a project that began with the same sample, and wrote its own questions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from handlers.lora.exam.looks import Look, related
from handlers.lora.exam.questions import Mark, Question


@dataclass(frozen=True, slots=True)
class Standing:
    """`looks`: scorings with an exam that shares rows with this one, the oldest first; `known`:
    digests of what stood there; `gone`: of those that are missing, with what is remembered of each;
    `words`: the clusters of these; `left`: digest -> the project from whose exam it is left over.
    """

    looks: tuple[Look, ...] = ()
    known: frozenset[str] = frozenset()
    gone: Mapping[str, Mark] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    left: Mapping[str, str] = field(default_factory=dict)

    @property
    def taken(self) -> tuple[Look, ...]:
        """The looks that told a bit of use here: of those elsewhere the ones that did not pass.

        Who tries again in a copy tries again. Who passed there has no need to, and another robot
        with the same exam has a first look of its own.
        """
        return tuple(
            look for look in self.looks if look.taken and not (look.elsewhere and look.passed)
        )

    def replaces(self, item: Question) -> bool:
        """Whether a question takes the place of one that is missing."""
        return item.digest not in self.known and item.cluster in self.words


def standing_of(rows: Sequence[Question], looks: Sequence[Look]) -> Standing:
    """What the exam's rows come to after all scorings there were."""
    looks = _read_as_now(rows, looks)
    present = {item.digest for item in rows}
    sealed = {item.digest for item in rows if item.sealed}
    own = related(sealed, [look for look in looks if not look.elsewhere])
    gone = _missing(present, own)
    ours = set[str]().union(*(look.rows for look in own))
    first: dict[str, int] = {}
    for at, look in enumerate(looks):
        for digest in look.rows:
            first.setdefault(digest, at)
    left: dict[str, str] = {}
    for project in sorted({look.elsewhere for look in looks} - {""}):
        theirs = _beside(present, [look for look in looks if look.elsewhere == project], first)
        kept, lacking = present & theirs.keys(), theirs.keys() - present
        if len(lacking) > len(kept):
            left |= dict.fromkeys(kept - ours, project)
        else:
            gone |= {digest: theirs[digest] for digest in lacking}
    found = related(sealed - left.keys(), looks)
    known = frozenset[str]().union(*(look.rows for look in found))
    words = frozenset(mark.cluster for mark in gone.values())
    return Standing(tuple(found), known, gone, words, left)


def _read_as_now(rows: Sequence[Question], looks: Sequence[Look]) -> list[Look]:
    """The looks, with the digests that rows have now where they are written as they were: another
    version of us may read their words otherwise.
    """
    now = {item.mark.text: item.digest for item in rows}
    return [
        replace(look, rows={now.get(mark.text, old): mark for old, mark in look.rows.items()})
        for look in looks
    ]


def _missing(present: set[str], looks: Sequence[Look]) -> dict[str, Mark]:
    """The rows of these looks that are not there any more."""
    gone: dict[str, Mark] = {}
    for look in looks:
        for digest, mark in look.rows.items():
            if digest not in present and (mark.cluster or digest not in gone):
                gone[digest] = mark
    return gone


def _beside(present: set[str], looks: Sequence[Look], first: Mapping[str, int]) -> dict[str, Mark]:
    """The rows of another project's looks that stood beside a row that is present, and no later
    than it. `first`: the look at which each row first stood.
    """
    stood: dict[str, Mark] = {}
    for look in looks:
        if kept := [first[digest] for digest in look.rows if digest in present]:
            latest = max(kept)
            stood |= {digest: mark for digest, mark in look.rows.items() if first[digest] <= latest}
    return stood
