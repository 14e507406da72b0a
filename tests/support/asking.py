"""What tests of asking Groq share: a question's answer, and a clock that never waits."""

from __future__ import annotations

from handlers.judge.groq.question import Clock

KEY = "gsk_nobody-should-ever-read-this"
SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["word"],
    "additionalProperties": False,
}
YES = {"word": "yes"}
NOON = 1_700_000_000.0 - 1_700_000_000 % 86400 + 43200


class Time:
    """A clock that a test can look at; sleeping passes at once. `at`: seconds since 1970."""

    def __init__(self) -> None:
        self.at, self.slept = NOON, list[float]()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    def now(self) -> float:
        return self.at

    @property
    def clock(self) -> Clock:
        return Clock(now=self.now, sleep=self.sleep, wall=self.now)
