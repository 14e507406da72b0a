"""Which runs are evidence about a prompt: those it drove, in the mission as env.json is now.

A stamped run says what drove it. One without a stamp is a real robot's own, driven by the project's
brain at its time: under the prompt that was in the file when its log was first recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from store.events.files import RunStamp

EARLIER = "under an earlier prompt"
PROMPT = "prompt"
"""The policy of runs that a project's brain drives under its prompt."""


@dataclass(frozen=True, slots=True)
class Driver:
    """The prompt whose runs are asked for. None: unknown, and then no reason to leave a run out.

    `prompt_sha256` of the file that holds it, `env_sha256` of env.json. `earlier`: the unstamped
    runs (as citations name them) that were driven under other rules.
    """

    prompt_sha256: str | None = None
    env_sha256: str | None = None
    earlier: Collection[str] = frozenset()

    def excludes(self, run: str, stamp: RunStamp | None) -> str | None:
        """Why a run is no evidence about the prompt, in a few words; None when it is.

        The words for a run under another prompt are EARLIER.
        """
        reason = self.excludes_file(stamp)
        if reason is not None:
            return reason
        if stamp is None or stamp.prompt_sha256 is None:
            return EARLIER if run in self.earlier else None
        return EARLIER if _differ(stamp.prompt_sha256, self.prompt_sha256) else None

    def excludes_file(self, stamp: RunStamp | None) -> str | None:
        """As `excludes`, for what needs no reading: runs under an earlier prompt are read, to
        tell what is resolved."""
        if stamp is None or is_evidence(stamp) is False:
            return None if stamp is None else f"driven by {stamp.policy}"
        return "under another env.json" if _differ(stamp.env_sha256, self.env_sha256) else None


def is_evidence(stamp: RunStamp | None) -> bool:
    """Whether a run may be evidence about some prompt, as far as it says itself."""
    return stamp is None or stamp.policy in (None, PROMPT)


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
