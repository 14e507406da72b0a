"""Which runs a prompt drove, and in which mission: for what is mined and for the monitor alike.

A stamped run says what drove it: the policy, the bytes of the prompt's file and of env.json. One
without a stamp is a real robot's own, driven by the project's brain at its time: under the prompt
that was in the file when its log was first recorded, and under env.json as it was then. A log that
lay on disk unread at a rewrite was driven before that.

Light: `status` needs it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from store.reads.improvements import PromptRow

if TYPE_CHECKING:
    from store.events.files import RunStamp

EARLIER = "under an earlier prompt"
ELSEWHERE = "under another env.json"
PROMPT = "prompt"
"""The policy of runs that a project's brain drives under its prompt."""


class Told(Protocol):
    """A run that the event log tells of. `first`: the position of the event that first did;
    `stamp`: a RunStamp as plain data, empty where its log does not say."""

    @property
    def path(self) -> str: ...

    @property
    def first(self) -> int: ...

    @property
    def stamp(self) -> Mapping[str, Any]: ...


def is_prompted(policy: object) -> bool:
    """Whether who drove, as a stamp names it, is the project's brain under its prompt."""
    return policy in (None, PROMPT)


def is_under(run: Told, env_sha256: str | None, since: int) -> bool:
    """Whether a run's mission is env.json as it is, and has been since a position in the log."""
    driven = run.stamp.get("env_sha256")
    if driven is None or env_sha256 is None:
        return run.first > since
    return bool(driven == env_sha256)


def lines_of(row: PromptRow | None) -> list[str]:
    """The rules of a version, as they are written; none for the prompt as its author wrote it."""
    return [] if row is None else [str(rule["line"]) for rule in row.rules]


def versions_of(runs: Sequence[Told], rows: Sequence[PromptRow]) -> list[PromptRow | None]:
    """The version each run was driven under; None for the prompt as its author wrote it."""
    written = sorted((row for row in rows if row.since), key=lambda row: row.since)
    firsts: dict[str, list[int]] = {}
    for run in runs:
        firsts.setdefault(run.path, []).append(run.first)
    late: dict[tuple[int, str], int] = {}
    for row in written:
        for path in row.unread:
            since = [first for first in firsts.get(path, ()) if first > row.since]
            if since:
                # What the first event since tells of this log was in it before, or may have been.
                late[row.version, path] = min(since)
    found: list[PromptRow | None] = []
    for run in runs:
        there = [row for row in written if row.since < run.first]
        while there and late.get((there[-1].version, run.path)) == run.first:
            there.pop()
        sha256 = run.stamp.get("prompt_sha256")
        if sha256 is not None:
            same = [row for row in written if row.after_sha256 == sha256]
            if same:  # the last of them that was there, else the first
                there = [row for row in there if row in same] or same[:1]
            elif written and sha256 == written[0].before_sha256:
                there = []
        found.append(there[-1] if there else None)
    return found


@dataclass(frozen=True, slots=True)
class Driver:
    """The prompt whose runs are asked for. None: unknown, and then no reason to leave a run out.

    `prompt_sha256` of the file that holds it, `env_sha256` of env.json. Of the unstamped runs (as
    citations name them) `earlier` were driven under other rules, `elsewhere` in another mission.
    """

    prompt_sha256: str | None = None
    env_sha256: str | None = None
    earlier: Collection[str] = frozenset()
    elsewhere: Collection[str] = frozenset()

    def excludes(self, run: str, stamp: RunStamp | None) -> str | None:
        """Why a run is no evidence about the prompt, in a few words; None when it is.

        The words for a run under another prompt are EARLIER.
        """
        reason = self.excludes_file(stamp)
        if reason is not None:
            return reason
        if (stamp is None or stamp.env_sha256 is None) and run in self.elsewhere:
            return ELSEWHERE
        if stamp is None or stamp.prompt_sha256 is None:
            return EARLIER if run in self.earlier else None
        return EARLIER if _differ(stamp.prompt_sha256, self.prompt_sha256) else None

    def excludes_file(self, stamp: RunStamp | None) -> str | None:
        """As `excludes`, for what needs no reading: runs under an earlier prompt are read, to
        tell what is resolved."""
        if stamp is None or is_evidence(stamp) is False:
            return None if stamp is None else f"driven by {stamp.policy}"
        return ELSEWHERE if _differ(stamp.env_sha256, self.env_sha256) else None


def is_evidence(stamp: RunStamp | None) -> bool:
    """Whether a run may be evidence about some prompt, as far as it says itself."""
    return stamp is None or is_prompted(stamp.policy)


@dataclass(slots=True)
class LeftOut:
    """How many runs are no evidence, by the reason."""

    reasons: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str, count: int = 1) -> None:
        if count:
            self.reasons[reason] = self.reasons.get(reason, 0) + count

    def as_json(self) -> Mapping[str, int]:
        return dict(sorted(self.reasons.items()))


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other
