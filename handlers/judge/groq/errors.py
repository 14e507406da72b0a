"""Every way a judging can end without an answer. The prompt is untouched in all of them.

JudgeFailure
├── NoKey             no usable key
├── Refused           401, 403, 404, redirects: somebody has to change something
├── TooLong           413, also for the halved evidence
├── RateLimited       429: come back when it says
├── Waiting           the server asked to wait, or did not answer, a while ago: nothing was sent
├── OverBudget        the day's tokens are spent
├── Unreachable       5xx, capacity, no connection, after our own retries
├── TooSlow           the total deadline
└── Unusable          an answer that is none: cut off, HTML, no JSON, another shape, no usage
"""

from __future__ import annotations

from store.errors import CadenzaError


class JudgeFailure(CadenzaError):
    """No answer. `code` names the reason; `after_s`: when it may work (None: not by itself).

    `tokens` is what the failed calls cost, as far as that is known, and their reserve where not;
    `calls` is how many requests were sent.
    """

    def __init__(
        self,
        message: str,
        code: str,
        *,
        hint: str = "",
        after_s: float | None = None,
        tokens: int = 0,
        calls: int = 0,
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.after_s = after_s
        self.tokens = tokens
        self.calls = calls


class NoKey(JudgeFailure):
    """There is no usable key."""


class Refused(JudgeFailure):
    """Asking again would be refused again."""


class TooLong(JudgeFailure):
    """The evidence does not fit the model."""


class RateLimited(JudgeFailure):
    """Too much was asked; `after_s` is what the server asked for."""


class Waiting(JudgeFailure):
    """It is not yet time to ask again; nothing was sent."""


class OverBudget(JudgeFailure):
    """The day's tokens would not suffice; nothing was sent."""


class Unreachable(JudgeFailure):
    """The server could not be reached, or could not answer."""


class TooSlow(JudgeFailure):
    """The answer was not there in time."""


class Unusable(JudgeFailure):
    """There was an answer and it cannot be used."""
