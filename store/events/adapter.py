"""Events of the adapters: trained, scored, deployed, blocked, rolled back."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import field

from store.events.base import Event, Fact


class RetrainRequested(Event):
    """Somebody or something wants the project's adapter trained anew."""

    reason: str


class AdapterTrained(Event):
    """An adapter lies in the registry. `sha256` covers its files but the scorecard.

    `offer`: the fleet's offer that it came by, "" for one that was trained for this project; what
    is said of its training is then what the robot said whose version it is.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"offer"})

    version: int
    path: str
    sha256: str
    dataset_sha256: str
    base_sha256: str
    encoder: str
    rows: int
    exam_rows: int
    sources: dict[str, int] = field(default_factory=dict)
    epochs: int
    loss: float | None = None
    seed: int
    threads: int
    seconds: float | None = None
    offer: str = ""


class AxisFact(Fact):
    """One axis of a scorecard, with its one-sided 95% bounds."""

    axis: str
    value: float | None
    lower: float | None
    upper: float | None
    threshold: float | None
    n: int
    result: str
    gate: str
    detail: str


class LookFact(Fact):
    """A look at the sealed questions of an exam: it told whether `needed` of `sealed` are right.

    `needed` None: they stood in the exam, were not asked, and nothing was told. `adapter`: the hash
    of its files; `paper`: of the questions; `rows`: a hash of each one and its answer, and in the
    same order `questions`: of each one alone, `strata`: of what it is weighed as, `texts`: of goal
    and answer as they are written. `number`: which look it was at questions like these; `level`:
    the error it might make. `practice` and `practice_right` count the open part.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"questions", "strata", "texts"})

    adapter: str
    paper: str
    rows: tuple[str, ...]
    number: int
    level: float
    sealed: int
    needed: int | None
    passed: bool
    practice: int
    practice_right: int
    questions: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


class AdapterScored(Event):
    """An adapter was measured. The scorecard file holds the open goals.

    `look`: what was told of the exam's sealed part; None where none of it was asked.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"look"})

    version: int
    verdict: Literal["DEPLOY", "BLOCK", "NEEDS_DATA"]
    held_out: bool
    checks: tuple[AxisFact, ...]
    reasons: tuple[str, ...]
    next_steps: tuple[str, ...]
    scorecard: str
    scorecard_sha256: str
    look: LookFact | None = None


class AdapterPromoted(Event):
    """The deployed adapter is another one now."""

    version: int
    previous: int | None
    by: str


class AdapterBlocked(Event):
    """An adapter may not be deployed; `serving` is the one that stays."""

    version: int
    serving: int | None
    reasons: tuple[str, ...]


class AdapterRolledBack(Event):
    """The deployed adapter is an earlier one again (None: none).

    `forced`: it was neither deployed before nor scored DEPLOY; somebody asked for it all the same.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"forced"})

    version: int | None
    previous: int
    by: str
    reason: str
    forced: bool = False


class CodeTrusted(Event):
    """Somebody allows a file of the project to be run; with other bytes it is not trusted.

    `files`: those that `sha256` is over, where the file may import others of the project.
    """

    path: str
    sha256: str
    by: str
    files: tuple[str, ...] = ()
