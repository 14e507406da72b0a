"""Events of the judge: what was found in the runs, and every version of SYSTEM_PROMPT."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, field

from store.events.base import Count, Event, Fact, Ordinal


class TokenUsage(Fact):
    """What a call cost, in tokens, failed ones included; `calls` counts the requests sent."""

    prompt: int = 0
    completion: int = 0
    total: int = 0
    calls: int = 0


class ClaimCounts(Fact):
    """What became of a model's claims: those that hold against the logs, and those that do not."""

    kept: int = 0
    dropped: int = 0


class FindingFact(Fact):
    """A mined failure mode: `id` is kind@phase, a citation is `run:tick-tick`.

    `lift`: how many times as common it is in failed runs as in successful ones, None where no
    success shows it; `p`: of Fisher's exact test for that, None in logs of before.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"lift", "p"})

    id: str
    kind: str
    phase: str | None
    count: int
    ticks: int
    runs: int
    first_seen: str
    last_seen: str
    citations: tuple[str, ...]
    lift: float | None = None
    p: float | None = None


class RuleFact(Fact):
    """A line of a version, the finding it answers and the ticks that show that.

    It is a rule of the managed block, or free text: a sentence of the block (`* ...`), or a
    paragraph that its author had opened, as it reads since (`~ "..."`, quoted as in JSON). `by`:
    who thought of it, a model or our own code.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"by"})

    line: str
    mode_id: str
    citations: tuple[str, ...] = ()
    by: Literal["model", "code"] = "model"


class CandidateFact(Fact):
    """Rules that were proposed together, and what became of them.

    `touches` and `contradicts` are lines of the author's prompt, from 1. `missions`: simulated ones
    that it drove to be compared; `gain`: of each over the prompt as it is, on average (phases done,
    success being one more, halved). `fate`: dropped (before any mission; `reason` says why),
    weighed (others did better, or none), merged (it is part of the chosen one), chosen.
    """

    lines: tuple[str, ...]
    by: Literal["model", "code"]
    mode_id: str
    citations: tuple[str, ...] = ()
    why: str = ""
    touches: tuple[int, ...] = ()
    contradicts: tuple[int, ...] = ()
    missions: int = 0
    gain: float = 0.0
    fate: Literal["dropped", "weighed", "merged", "chosen"] = "weighed"
    reason: str = ""


class GateFact(Fact):
    """One gate of a rewrite. `result`: pass | fail | skipped."""

    name: str
    result: Literal["pass", "fail", "skipped"]
    detail: str
    numbers: dict[str, float] = field(default_factory=dict)


class JudgeRequested(Event):
    """Somebody or something wants the project's runs judged."""

    reason: str


class Rejection(Fact):
    """A search in vain: the case (a hash of all that decides besides the runs), the failure modes,
    and the last position of the log that it knew."""

    case_sha256: str
    modes: tuple[str, ...]
    head: int


class RunsJudged(Event):
    """The runs were mined and, with a key and something to ask, a model chose remedies.

    `key` says what was asked (evidence, prompt, schema, model): the same key is not asked twice.
    `left_out`: older runs that were not read. `remarks` are the model's own words, for people.
    `shared`: what of the author's words the model was shown, "" where none was asked. `rejected`:
    every candidate was dropped or did no better, so this is not searched anew on equal evidence.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"shared", "rejected"})

    runs: int
    ticks: int
    findings: tuple[FindingFact, ...]
    claims: ClaimCounts = ClaimCounts()
    dropped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    left_out: int = 0
    usage: TokenUsage | None = None
    model: str | None = None
    evidence_sha256: str
    key: str | None = None
    shared: str = ""
    rejected: Rejection | None = None


class CandidatesWeighed(Event):
    """Remedies were proposed, by a model or by code; some were dropped, the others compared.

    `missions`: how many simulated ones that took, 0 where nothing could be simulated. `unweighed`:
    proposals of a model that named no rule, or claimed what the logs do not show.
    """

    candidates: tuple[CandidateFact, ...]
    missions: Count = 0
    unweighed: tuple[str, ...] = ()


class PromptVersion(Event):
    """What the events about a version of SYSTEM_PROMPT have in common; not an event itself.

    `version` counts from 1 in a project; `parent` is the version it replaces, None for the prompt
    as its author wrote it. `improved` is set by a paired simulation alone. `retired`: rules that
    were taken out because a simulation without them was no worse. `offer`: the fleet's offer that
    it came by, "" for none.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"retired", "offer"})

    version: int
    parent: int | None
    file: str
    before_sha256: str
    after_sha256: str
    rules: tuple[RuleFact, ...]
    diff: str
    evidence_sha256: str = ""
    model: str | None = None
    usage: TokenUsage | None = None
    gates: tuple[GateFact, ...] = ()
    improved: bool = False
    retired: tuple[str, ...] = ()
    offer: str = ""


class PromptProposed(PromptVersion):
    """A rewrite that passed its gates waits for approval, or for its file to be as it was."""

    reason: str


class PromptRewritten(PromptVersion):
    """The managed block of SYSTEM_PROMPT was replaced; every other byte of the file stayed.

    `unread`: run logs that lay on disk then and had not been read, or not as they were: what they
    tell was driven before, although it is recorded after.
    """

    by: str
    unread: tuple[str, ...] = ()


class PromptTried(Event):
    """Old and new prompt drove the same simulated missions, and that was decided.

    `decision` counts the project's trials from 1, and `level` is what this one may spend of the
    error that all of them share (handlers.judge.gates.budget). `evidence` is the e-value reached:
    "improved" needs 1 / level of it, and so does "no_worse", which is said of a prompt without one
    of its rules. Pairs have the seeds `first_seed` and those that follow, which
    decide nothing else. `searched`: episodes driven before to choose among candidates, on other
    seeds.
    """

    decision: Ordinal
    level: Annotated[float, Meta(gt=0, le=1)]
    verdict: Literal["improved", "no_worse", "worse", "not_improved"]
    evidence: Annotated[float, Meta(ge=0)]
    pairs: Ordinal
    first_seed: Annotated[int, Meta(ge=0, lt=2**53)]
    searched: Count = 0
    before_sha256: str
    after_sha256: str
    reason: str


class PromptKept(Event):
    """The judge ran and the prompt stays as it is. `code` names the reason for programs.

    `paste`: the block that would have been written, where the source cannot be edited.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"paste"})

    code: str
    reason: str
    paste: str = ""


class PromptConflictFound(Event):
    """Somebody edited the managed block, or the source cannot be edited: nothing was written.

    `version`: the one that is not in the file any more as it was written. It is its author's from
    then on, and no longer watched. None when the version in the file is not the matter.
    """

    file: str
    reason: str
    version: int | None = None


class PromptRejected(Event):
    """Somebody does not want a proposed version."""

    version: int
    by: str


class PromptRolledBack(Event):
    """A rewrite was taken back; `version` is a new one with the bytes that `of` had replaced.

    `test` and `evidence` state why when the daemon did it by itself. `restores`: when `of` had
    itself taken a version back, that version, whose rules are in the file again and watched.
    `unread` is as in PromptRewritten.
    """

    version: int
    of: int
    parent: int | None
    file: str
    before_sha256: str
    after_sha256: str
    rules: tuple[RuleFact, ...] = ()
    diff: str
    by: str
    reason: str
    test: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    restores: int | None = None
    unread: tuple[str, ...] = ()


class PromptWatchEnded(Event):
    """The watch over a rewrite is over, and the rewrite stays. `reason` says it for people.

    `outcome`: kept (the test could have found the runs since worse, and did not), undecided (it
    could not: too few runs before, or none that were any better), superseded (somebody had the next
    version written meanwhile).
    """

    version: int
    test: str
    evidence: dict[str, Any] = field(default_factory=dict)
    outcome: Literal["kept", "undecided", "superseded"] = "kept"
    reason: str = ""
